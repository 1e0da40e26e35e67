package io.pelton.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.feature.EventIds;
import io.pelton.feature.FeatureRow;
import io.pelton.pipeline.EventFormat;
import io.pelton.pipeline.Events;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.wire.FeatureLogCodec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.file.DataFileReader;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The feature log, and what compaction makes of it. */
class LogCompactionTest {
  @RegisterExtension
  static final MiniClusterExtension CLUSTER =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(1)
              .setNumberSlotsPerTaskManager(3)
              .build());

  private static final LocalDate DAY = LocalDate.parse("2018-05-08");
  private static final long START = Instant.parse("2018-05-08T00:00:00Z").toEpochMilli();
  private static final long HOUR = 3_600_000;

  private static final LogCompaction.Runner RUNNER =
      job -> {
        StreamExecutionEnvironment environment = JobEnvironment.batch(new Configuration());
        environment.setParallelism(2);
        job.define(environment);
        environment.execute("compact");
      };

  @TempDir Path directory;
  private String log;

  @BeforeEach
  void place() {
    log = directory.resolve("log").toString();
  }

  private static PipelineDefinition pipeline(String... features) {
    List<PipelineDefinition.Feature> declared = new ArrayList<>();
    for (String feature : features) {
      declared.add(new PipelineDefinition.RowFeature(feature, "1.0"));
    }
    return new PipelineDefinition(
        "cards",
        new Events(
            "events",
            EventFormat.AVRO,
            SchemaBuilder.record("Event").fields().requiredString("id").endRecord(),
            "id",
            "time",
            null,
            1,
            1,
            java.util.Map.of(),
            java.util.Map.of()),
        List.of(new PipelineDefinition.Entity("customer", "customer_id")),
        declared,
        null,
        null,
        null,
        List.of(),
        null,
        null,
        java.util.Map.of());
  }

  /** Rows of these ids, an hour and a half apart, as a streaming job logs them. */
  private void log(PipelineDefinition pipeline, int from, int to) throws Exception {
    List<FeatureRow> rows = new ArrayList<>();
    for (int id = to - 1; id >= from; id--) {
      FeatureRow row =
          new FeatureRow(
              Integer.toString(id),
              START + id / 2 * 3 * HOUR,
              new String[] {"c" + id % 3},
              new double[] {id, Double.NaN},
              new Object[0]);
      if (id % 5 == 0) {
        row.overtook(0, id + 1);
      }
      rows.add(row);
    }
    StreamExecutionEnvironment environment = JobEnvironment.streaming(new Configuration());
    environment.setParallelism(3);
    FeatureLog.write(
        environment.fromData(rows, new FeatureRowTypeInfo()).rebalance(), pipeline, log);
    environment.execute("log");
  }

  /** Ids and values of all rows as a reader finds them, by date; each date's as they stand. */
  private TreeMap<LocalDate, List<String>> read() throws IOException {
    TreeMap<LocalDate, List<String>> rows = new TreeMap<>();
    for (LogDate date : LogDate.list(log)) {
      for (String name : date.state().visible()) {
        try (DataFileReader<GenericRecord> file =
            new DataFileReader<>(
                Path.of(date.path(name).getPath()).toFile(), new GenericDatumReader<>())) {
          file.forEach(
              record ->
                  rows.computeIfAbsent(date.date(), unused -> new ArrayList<>())
                      .add(record.get("eventId").toString()));
        }
      }
    }
    return rows;
  }

  private List<String> sorted() throws IOException {
    return read().values().stream().flatMap(List::stream).sorted(EventIds.ORDER).toList();
  }

  private static List<String> ids(int from, int to) {
    return Stream.iterate(from, id -> id + 1)
        .limit(to - from)
        .map(id -> Integer.toString(id))
        .toList();
  }

  private LogDate day() throws IOException {
    return LogDate.list(log).get(0);
  }

  private List<String> files() throws IOException {
    try (Stream<Path> files = Files.walk(Path.of(log))) {
      return files
          .filter(Files::isRegularFile)
          .map(file -> Path.of(log).relativize(file).toString())
          .filter(name -> !name.contains("/.")) // checksums of no one's
          .sorted()
          .toList();
    }
  }

  @Test
  void rowsGoToTheDirectoryOfTheirDateWithAllThatWasServed() throws Exception {
    log(pipeline("amount", "risk"), 0, 32);
    assertThat(read().keySet()).containsExactly(DAY, DAY.plusDays(1));
    assertThat(sorted()).containsExactlyElementsOf(ids(0, 32));
    assertThat(files()).allMatch(name -> name.matches("date=2018-05-0[89]/features-.*\\.avro"));

    FeatureLogCodec codec = new FeatureLogCodec(pipeline("amount", "risk"));
    LogDate day = day();
    for (String name : day.state().visible()) {
      try (DataFileReader<GenericRecord> file =
          new DataFileReader<>(
              Path.of(day.path(name).getPath()).toFile(), new GenericDatumReader<>())) {
        for (GenericRecord record : file) {
          FeatureRow row = codec.decode(record);
          int id = Integer.parseInt(row.id);
          assertThat(row.time).isEqualTo(START + id / 2 * 3 * HOUR);
          assertThat(row.keys).containsExactly("c" + id % 3);
          assertThat(row.values).containsExactly(id, Double.NaN);
          assertThat(row.overtaken(0)).isEqualTo(id % 5 == 0 ? id + 1 : 0);
        }
      }
    }
  }

  @Test
  void aCompactedDateHasOneFileOrderedByTimeAndId() throws Exception {
    log(pipeline("amount", "risk"), 0, 20);
    log(pipeline("amount", "risk"), 20, 40);
    assertThat(day().state().visible()).hasSizeGreaterThan(2);
    assertThat(LogCompaction.due(log, DAY.plusDays(1))).containsExactly(DAY);
    LogCompaction.Compacted compacted = LogCompaction.compact(log, DAY, RUNNER);
    assertThat(compacted.rows()).isEqualTo(16);
    assertThat(compacted.merged()).isEqualTo(1);
    assertThat(day().rowFiles()).hasSize(1);
    assertThat(read().get(DAY)).containsExactlyElementsOf(ids(0, 16));
    assertThat(sorted()).containsExactlyElementsOf(ids(0, 40));
  }

  @Test
  void aSecondRunChangesNothing() throws Exception {
    log(pipeline("amount", "risk"), 0, 16);
    LogCompaction.compact(log, DAY, RUNNER);
    List<String> files = files();
    assertThat(LogCompaction.due(log, null)).isEmpty();
    LogCompaction.Compacted again = LogCompaction.compact(log, DAY, RUNNER);
    assertThat(again.merged()).isZero();
    assertThat(again.deleted()).isZero();
    assertThat(files()).isEqualTo(files);
  }

  @Test
  void rowsThatComeLaterAreMergedWithWhatWasMerged() throws Exception {
    log(pipeline("amount", "risk"), 0, 8);
    LogCompaction.compact(log, DAY, RUNNER);
    log(pipeline("amount", "risk"), 8, 16);
    assertThat(sorted()).containsExactlyElementsOf(ids(0, 16));
    LogCompaction.compact(log, DAY, RUNNER);
    assertThat(read().get(DAY)).containsExactlyElementsOf(ids(0, 16));
    assertThat(files()).hasSize(2).anyMatch(name -> name.endsWith("_compaction-000002.json"));
  }

  @Test
  void aCrashBeforeTheCommitLeavesTheRowsWhereTheyWere() throws Exception {
    log(pipeline("amount", "risk"), 0, 16);
    LogDate before = day();
    LogCompaction.place(before, before.state(), RUNNER);
    assertThat(day().rowFiles()).hasSize(before.rowFiles().size() + 1);
    assertThat(sorted()).containsExactlyElementsOf(ids(0, 16));

    assertThat(LogCompaction.due(log, null)).containsExactly(DAY);
    LogCompaction.compact(log, DAY, RUNNER);
    assertThat(sorted()).containsExactlyElementsOf(ids(0, 16));
    assertThat(day().rowFiles()).as("nothing is left of the crash").hasSize(1);
  }

  @Test
  void aCrashAfterTheCommitLeavesWhatWasReplacedToTheNextRun() throws Exception {
    log(pipeline("amount", "risk"), 0, 16);
    LogDate before = day();
    LogDate.Manifest manifest = LogCompaction.place(before, before.state(), RUNNER);
    assertThat(before.commit(1, manifest)).isTrue();
    assertThat(day().rowFiles()).hasSizeGreaterThan(2);
    assertThat(read().get(DAY)).containsExactlyElementsOf(ids(0, 16));

    assertThat(LogCompaction.due(log, null)).containsExactly(DAY);
    assertThat(LogCompaction.compact(log, DAY, RUNNER).deleted())
        .isEqualTo(before.rowFiles().size());
    assertThat(read().get(DAY)).containsExactlyElementsOf(ids(0, 16));
    assertThat(LogCompaction.due(log, null)).isEmpty();
  }

  @Test
  void whatAnEarlierCrashLeftIsNotReadAgainAfterALaterCompaction() throws Exception {
    log(pipeline("amount", "risk"), 0, 8);
    LogDate before = day();
    before.commit(1, LogCompaction.place(before, before.state(), RUNNER));
    log(pipeline("amount", "risk"), 8, 16);
    LogDate later = day();
    later.commit(2, LogCompaction.place(later, later.state(), RUNNER));
    assertThat(read().get(DAY)).containsExactlyElementsOf(ids(0, 16));
  }

  @Test
  void aManifestThatACrashCutShortCommitsNothing() throws Exception {
    log(pipeline("amount", "risk"), 0, 16);
    LogDate before = day();
    LogCompaction.place(before, before.state(), RUNNER);
    Files.writeString(Path.of(log, "date=2018-05-08", "_compaction-000001.json"), "{\"files\" : [");
    assertThat(sorted()).containsExactlyElementsOf(ids(0, 16));
    LogCompaction.compact(log, DAY, RUNNER);
    assertThat(read().get(DAY)).containsExactlyElementsOf(ids(0, 16));
  }

  @Test
  void aLostManifestIsSaidAndNoRowLostInSilence() throws Exception {
    log(pipeline("amount", "risk"), 0, 16);
    LogCompaction.compact(log, DAY, RUNNER);
    Files.delete(Path.of(log, "date=2018-05-08", "_compaction-000001.json"));
    assertThatThrownBy(this::read)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("holds merged files only")
        .hasMessageContaining("_compaction-000001.json");
  }

  @Test
  void ofTwoCompactionsAtOnceOneCommits() throws Exception {
    log(pipeline("amount", "risk"), 0, 16);
    LogDate date = day();
    assertThatThrownBy(
            () ->
                LogCompaction.compact(
                    date,
                    job -> {
                      RUNNER.run(job);
                      LogCompaction.compact(log, DAY, RUNNER);
                    }))
        .isInstanceOf(IOException.class);
    assertThat(read().get(DAY)).containsExactlyElementsOf(ids(0, 16));
    assertThat(day().rowFiles()).hasSize(1);
  }

  @Test
  void rowsOfTwoVersionsOfThePipelineKeepTheirSchemas() throws Exception {
    log(pipeline("amount", "risk"), 0, 8);
    log(pipeline("amount", "other"), 8, 16);
    assertThat(LogCompaction.compact(log, DAY, RUNNER).merged()).isEqualTo(2);
    assertThat(sorted()).containsExactlyElementsOf(ids(0, 16));
    assertThat(LogCompaction.due(log, null)).isEmpty();
    assertThat(read().get(DAY).stream().sorted(Comparator.comparingInt(Integer::parseInt)).toList())
        .containsExactlyElementsOf(ids(0, 16));
  }

  @Test
  void aDirectoryThatIsNotThereIsSaid() {
    assertThatThrownBy(() -> LogCompaction.due(log, null))
        .hasMessageContaining("there is no such directory");
  }
}
