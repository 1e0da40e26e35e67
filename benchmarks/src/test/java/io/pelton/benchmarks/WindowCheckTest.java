package io.pelton.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.benchmarks.WindowCheck.Column;
import io.pelton.benchmarks.WindowCheck.Outcome;
import io.pelton.pipeline.PipelineDefinition.Function;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WindowCheckTest {
  private static final long MINUTE = 60_000;
  private static final long HOUR = 60 * MINUTE;
  private static final List<Column> COLUMNS =
      List.of(
          new Column(Function.SUM, HOUR),
          new Column(Function.SUM, 24 * HOUR),
          new Column(Function.MIN, 24 * HOUR),
          new Column(Function.COUNT, HOUR));

  @TempDir private Path directory;
  private ReplayedEvents events;
  private WindowCheck check;

  /** Events 0 to 3 are one lap; 4 is 0 a day later. */
  @BeforeEach
  void readEvents() throws IOException {
    Schema schema =
        SchemaBuilder.record("Transaction")
            .fields()
            .name("event_time")
            .type(LogicalTypes.timestampMillis().addToSchema(Schema.create(Schema.Type.LONG)))
            .noDefault()
            .requiredLong("customer_id")
            .requiredDouble("amount")
            .endRecord();
    Path file =
        Files.writeString(
            directory.resolve("events.csv"),
            """
            event_time,customer_id,amount
            2018-04-01T10:00:00Z,1,10.25
            2018-04-01T10:30:00Z,2,7
            2018-04-01T11:00:00Z,1,20.50
            2018-04-01T11:00:00Z,1,1
            """);
    events = ReplayedEvents.read(List.of(file), schema);
    check = new WindowCheck(events, COLUMNS, 0);
  }

  private Path sample(double[]... rows) throws IOException {
    Path file = directory.resolve("sample");
    try (DataOutputStream out = new DataOutputStream(Files.newOutputStream(file))) {
      for (int i = 0; i < rows.length; i++) {
        out.writeLong(i);
        out.writeInt(rows[i].length);
        for (double value : rows[i]) {
          out.writeDouble(value);
        }
      }
    }
    return file;
  }

  private static double[] row(double... values) {
    return values;
  }

  private static final double[][] RIGHT = {
    row(10.25, 10.25, 10.25, 1),
    row(7, 7, 7, 1),
    // An hour old is out.
    row(20.5, 30.75, 10.25, 1),
    row(21.5, 31.75, 1, 2),
    // A day old is out, what came after it is not.
    row(10.25, 31.75, 1, 1)
  };

  @Test
  void agreesWithRightWindows() throws IOException {
    Outcome outcome = check.compare(sample(RIGHT), 5, 1, false);
    assertThat(outcome).isEqualTo(new Outcome(20, 0, 0, ""));
  }

  @Test
  void tellsWrongValues() throws IOException {
    double[][] rows = RIGHT.clone();
    rows[2] = row(30.75, Double.NaN, 10.25, 1);
    Outcome outcome = check.compare(sample(rows), 5, 1, false);
    assertThat(outcome.different()).isEqualTo(2);
    assertThat(outcome.example()).contains("event 2", "30.75", "20.5");
  }

  @Test
  void takesTilesWholeAtTheOlderEndAndEventsAtTheNewer() throws IOException {
    double[][] rows = RIGHT.clone();
    // An hour old, but of a tile from ten to twelve; what comes later in that is not in.
    rows[2] = row(30.75, 30.75, 10.25, 2);
    rows[3] = row(31.75, 31.75, 1, 3);
    // A day old, but its tile is two hours younger.
    rows[4] = row(10.25, 42, 1, 1);
    WindowCheck tiled = new WindowCheck(events, COLUMNS, 2 * HOUR);
    assertThat(tiled.compare(sample(rows), 5, 1, false)).isEqualTo(new Outcome(20, 0, 0, ""));
    assertThat(check.compare(sample(rows), 5, 1, false).different()).isEqualTo(5);
  }

  @Test
  void takesWiderTilesForWideWindows() throws IOException {
    // Four minutes wide: 11:00 is dated 11:03:59.999, and the windows of 4 begin at 11:04 and
    // 11:03.
    List<Column> columns =
        List.of(
            new Column(Function.COUNT, 23 * HOUR - 4 * MINUTE),
            new Column(Function.COUNT, 23 * HOUR - 3 * MINUTE));
    double[][] rows = {row(1, 1), row(1, 1), row(2, 2), row(3, 3), row(1, 3)};
    WindowCheck tiled = new WindowCheck(events, columns, MINUTE);
    assertThat(tiled.compare(sample(rows), 5, 1, false)).isEqualTo(new Outcome(10, 0, 0, ""));
  }

  @Test
  void leavesEventsWithLaterPeersOutWherePeersBelongToTheWindow() throws IOException {
    Outcome outcome = check.compare(sample(RIGHT), 5, 1, true);
    assertThat(outcome).isEqualTo(new Outcome(16, 0, 1, ""));
  }

  @Test
  void refusesASampleThatLacksAnEvent() throws IOException {
    Path sample = sample(RIGHT);
    assertThatThrownBy(() -> check.compare(sample, 6, 1, false)).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> check.compare(sample, 5, 2, false))
        .hasMessage("event 2 with 4 values was to come, but 1 with 4 came");
  }

  @Test
  void foldsNeighbouringKeys() {
    assertThat(events.distinctKeys()).isEqualTo(2);
    assertThat(events.folded(2).key(1)).isEqualTo(1);
    assertThat(events.folded(3).distinctKeys()).isEqualTo(1);
  }
}
