package io.pelton.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.feature.FeatureRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.wire.FeatureLogCodec;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** {@code pelton parity} on a log whose pipeline file got a feature and an entity at noon. */
class ParityCommandTest {
  private static final Instant START = Instant.parse("2018-04-01T00:00:00Z");
  private static final String BEFORE =
      """
      pipeline: grown
      events: {topic: t, format: json, schema: event.avsc, id: id, time: at, out-of-orderness: 5s}
      entities: {customer: customer}
      features:
        count: {entity: customer, aggregate: count, windows: [3h]}
      """;
  private static final String AFTER =
      BEFORE.replace("customer: customer}", "customer: customer, place: place}")
          + "  at_place: {entity: place, aggregate: count, windows: [2h]}\n";

  @TempDir Path directory;
  private Path events;
  private Path file;

  /** One event an hour, of one customer at one place. */
  @BeforeEach
  void serve() throws Exception {
    Files.writeString(
        directory.resolve("event.avsc"),
        """
        {"type": "record", "name": "Event", "fields": [
          {"name": "id", "type": "string"}, {"name": "at", "type": "long"},
          {"name": "customer", "type": "string"}, {"name": "place", "type": "string"}]}
        """);
    file = directory.resolve("pipeline.yaml");
    PipelineDefinition before = PipelineFile.read(Files.writeString(file, BEFORE));
    PipelineDefinition after = PipelineFile.read(Files.writeString(file, AFTER));
    List<FeatureRow> old = new ArrayList<>();
    List<FeatureRow> young = new ArrayList<>();
    List<String> lines = new ArrayList<>(List.of("id,at,customer,place"));
    for (int i = 0; i < 24; i++) {
      long at = START.plus(Duration.ofHours(i)).toEpochMilli();
      lines.add(i + "," + at + ",c,p");
      double count = Math.min(3, i + 1);
      if (i < 12) {
        old.add(row(i, at, new String[] {"c"}, count));
      } else {
        young.add(row(i, at, new String[] {"c", "p"}, count, 2));
      }
    }
    // As if the next two had been served before it, the second of them after noon.
    old.get(10).overtook(0, 2);
    log("a", before, old);
    log("b", after, young);
    events = Files.write(directory.resolve("events.csv"), lines);
  }

  private static FeatureRow row(int id, long at, String[] keys, double... values) {
    return new FeatureRow(Integer.toString(id), at, keys, values, new Object[0]);
  }

  private void log(String name, PipelineDefinition pipeline, List<FeatureRow> rows)
      throws Exception {
    FeatureLogCodec codec = new FeatureLogCodec(pipeline);
    Path date = Files.createDirectories(directory.resolve("log/date=2018-04-01"));
    try (DataFileWriter<GenericRecord> out =
        new DataFileWriter<>(new GenericDatumWriter<>(codec.schema()))) {
      out.create(codec.schema(), date.resolve("features-" + name + "-0.avro").toFile());
      for (FeatureRow row : rows) {
        out.appendEncoded(codec.encode(row));
      }
    }
  }

  private int parity(StringWriter out, StringWriter err, Object... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of("parity", "--pipeline", file + "", "--input", events + "", "--log"));
    arguments.add(directory.resolve("log").toString());
    arguments.addAll(List.of("--parallelism", "1"));
    for (Object one : more) {
      arguments.add(one.toString());
    }
    CommandLine line = Pelton.commandLine();
    line.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
    return line.execute(arguments.toArray(String[]::new));
  }

  @Test
  void rowsBeforeTheRangeMayLackWhatThePipelineFileGotLater() {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    assertThat(parity(out, err, "--from", "2018-04-01T12:00:00Z")).as("%s%s", out, err).isZero();
    assertThat(out.toString())
        .contains("12 rows in the log and in the replay")
        .as("it reaches from an old row into the range")
        .contains("1 rows were served without a late event");
  }

  @Test
  void rowsOfTheRangeThatLackAFeatureAreToldWithTheTimeAfterThem() {
    StringWriter err = new StringWriter();
    assertThat(parity(new StringWriter(), err, "--from", "2018-04-01T03:00:00Z"))
        .as(err.toString())
        .isEqualTo(2);
    assertThat(err.toString())
        .contains(
            "feature log: feature at_place_2h: 9 rows of 2018-04-01T03:00:00Z to"
                + " 2018-04-01T11:00:00Z, of another version of the pipeline file, do not have it;"
                + " give --from 2018-04-01T11:00:00.001Z for the rows after them, or compare them"
                + " with that version's file");
  }

  @Test
  void whereNoRowHasTheFeatureTheOtherFileIsTheWayOut() {
    StringWriter err = new StringWriter();
    assertThat(parity(new StringWriter(), err, "--to", "2018-04-01T11:00:00.001Z")).isEqualTo(2);
    assertThat(err.toString())
        .contains("do not have it; compare them with that version's file")
        .doesNotContain("--from");
  }
}
