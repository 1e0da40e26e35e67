package io.pelton.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.pelton.feature.FeatureRow;
import io.pelton.model.FallbackReason;
import io.pelton.model.ScoredRow;
import io.pelton.model.ServedVersion;
import io.pelton.pipeline.EventFormat;
import io.pelton.pipeline.Events;
import io.pelton.pipeline.Fallback;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Safeguards;
import io.pelton.schemas.DeadLetter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.file.DataFileReader;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.parquet.avro.AvroParquetReader;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.io.LocalInputFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class BatchOutputTest {
  @RegisterExtension
  static final MiniClusterExtension FLINK =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(1)
              .setNumberSlotsPerTaskManager(2)
              .build());

  private static final PipelineDefinition PIPELINE = pipeline();

  @TempDir Path home;

  private static PipelineDefinition pipeline() {
    return pipeline(
        new PipelineDefinition.Model(
            "card-fraud", List.of("risk", "amount"), 1, 1, PipelineDefinition.Device.CPU));
  }

  private static PipelineDefinition pipeline(PipelineDefinition.Model model) {
    return new PipelineDefinition(
        "card-fraud",
        new Events(
            "events",
            EventFormat.AVRO,
            SchemaBuilder.record("Event").fields().requiredString("transaction_id").endRecord(),
            "transaction_id",
            "event_time",
            null,
            86_400_000L,
            30_000L,
            Map.of(),
            Map.of()),
        List.of(),
        List.of(
            new PipelineDefinition.RowFeature("amount", "1.0"),
            new PipelineDefinition.RowFeature("risk", "1.0")),
        model,
        null,
        null,
        List.of(),
        null,
        null,
        Map.of());
  }

  private static FeatureRow row(String id, long time, double amount, double risk) {
    return new FeatureRow(id, time, new String[0], new double[] {amount, risk}, new Object[0]);
  }

  private static StreamExecutionEnvironment batch(int parallelism) {
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    env.setRuntimeMode(RuntimeExecutionMode.BATCH);
    env.setParallelism(parallelism);
    return env;
  }

  private void write(
      List<FeatureRow> rows, int parallelism, BatchOutput output, List<DeadLetter> letters)
      throws Exception {
    StreamExecutionEnvironment env = batch(parallelism);
    output.features(
        env.fromData(new FeatureRowTypeInfo(), rows.toArray(new FeatureRow[0])).rebalance());
    DeadLetter[] some =
        letters.isEmpty()
            ? new DeadLetter[] {letter(0, new byte[0])}
            : letters.toArray(new DeadLetter[0]);
    boolean none = letters.isEmpty();
    output.deadLetters(
        env.fromData(new SpecificRecordTypeInfo<>(DeadLetter.class), some).filter(letter -> !none));
    env.execute();
  }

  private BatchOutput into(String name, BatchOutput.Format format) throws IOException {
    return BatchOutput.into(PIPELINE, home.resolve(name).toString(), format, null, null, false);
  }

  private static DeadLetter letter(long offset, byte[] value) {
    return new DeadLetter(
        "decode",
        "undecodable",
        "a \"quoted\", detail",
        null,
        null,
        "events.csv",
        -1,
        offset,
        Instant.EPOCH,
        null,
        ByteBuffer.wrap(value),
        null);
  }

  @Test
  void writesRowsByTimeThenIdWithExactNumbers() throws Exception {
    List<FeatureRow> rows =
        List.of(
            row("10", 5, 4, Double.NaN),
            row("tx", 5, 0.1, 1e22),
            row("9", 5, -3, -0.0),
            row("1", 7, 1.0 / 3, 1e300),
            row("a,\"b\"", 1, 12345678, 5.6843418860808015E-14));
    BatchOutput output = into("out", BatchOutput.Format.CSV);
    write(
        rows,
        2,
        output,
        List.of(
            letter(9, new byte[] {(byte) 0xff, 0}),
            letter(2, "{\"x\": 1}".getBytes(StandardCharsets.UTF_8))));
    assertThat(home.resolve("out")).doesNotExist();

    List<BatchOutput.Written> written = output.commit();

    assertThat(home.resolve("out/features.csv"))
        .hasContent(
            """
            transaction_id,amount,risk
            "a,""b""\",12345678,5.684341886080802E-14
            9,-3,-0
            10,4,
            tx,0.1,1.0E22
            1,0.3333333333333333,1.0E300
            """);
    assertThat(home.resolve("out/dead-letters.csv"))
        .content()
        .isEqualTo(
            """
            stage,reason,rule,event_id,detail,source,partition,offset,timestamp,model,key,value
            decode,undecodable,,,"a ""quoted"", detail",events.csv,-1,2,1970-01-01T00:00:00Z,,,"{""x"": 1}"
            decode,undecodable,,,"a ""quoted"", detail",events.csv,-1,9,1970-01-01T00:00:00Z,,,base64:/wA=
            """);
    assertThat(written).extracting(BatchOutput.Written::rows).containsExactly(5L, 2L);
    JsonNode manifest = new ObjectMapper().readTree(home.resolve("out/manifest.json").toFile());
    assertThat(manifest.get("pipeline").textValue()).isEqualTo("card-fraud");
    JsonNode file = manifest.get("files").get(0);
    assertThat(file.get("rows").longValue()).isEqualTo(5);
    assertThat(file.get("firstEventTime").textValue()).isEqualTo("1970-01-01T00:00:00.001Z");
    assertThat(file.get("lastEventTime").textValue()).isEqualTo("1970-01-01T00:00:00.007Z");
    assertThat(file.get("sha256").textValue())
        .isEqualTo(
            HexFormat.of()
                .formatHex(
                    MessageDigest.getInstance("SHA-256")
                        .digest(Files.readAllBytes(home.resolve("out/features.csv")))));
    assertThat(entries(home)).containsExactly("out");
    assertThat(entries(home.resolve("out")))
        .containsExactly("dead-letters.csv", "features.csv", "manifest.json");
  }

  @ParameterizedTest
  @EnumSource(BatchOutput.Format.class)
  void givesTheSameBytesForTheSameRowsInAnyOrderAtAnyParallelism(BatchOutput.Format format)
      throws Exception {
    List<FeatureRow> rows = generated(20_000);
    BatchOutput first = into("first", format);
    write(rows, 1, first, List.of());
    first.commit();
    Collections.shuffle(rows, new Random(5));
    BatchOutput second = into("second", format);
    write(rows, 2, second, List.of());
    second.commit();

    for (String file : entries(home.resolve("first"))) {
      assertThat(home.resolve("second").resolve(file))
          .hasSameBinaryContentAs(home.resolve("first").resolve(file));
    }
    assertThat(entries(home.resolve("first"))).hasSize(3);
  }

  private static List<FeatureRow> generated(int count) {
    Random random = new Random(3);
    List<FeatureRow> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      rows.add(
          row(
              Integer.toString(i),
              random.nextInt(count / 4),
              random.nextGaussian(),
              i % 3 == 0 ? Double.NaN : i));
    }
    return rows;
  }

  @Test
  void writesParquetAndAvroThatReadBack() throws Exception {
    List<FeatureRow> rows = generated(1_000);
    List<List<Object>> expected =
        rows.stream()
            .sorted(
                (a, b) ->
                    a.time != b.time
                        ? Long.compare(a.time, b.time)
                        : Integer.compare(Integer.parseInt(a.id), Integer.parseInt(b.id)))
            .map(
                row -> {
                  List<Object> cells = new ArrayList<>();
                  cells.add(row.id);
                  for (double value : row.values) {
                    cells.add(Double.isNaN(value) ? null : value);
                  }
                  return cells;
                })
            .toList();

    BatchOutput avro = into("avro", BatchOutput.Format.AVRO);
    write(rows, 2, avro, List.of());
    avro.commit();
    List<List<Object>> fromAvro = new ArrayList<>();
    try (DataFileReader<GenericRecord> reader =
        new DataFileReader<>(
            home.resolve("avro/features.avro").toFile(), new GenericDatumReader<>())) {
      reader.forEach(record -> fromAvro.add(cells(record)));
    }
    assertThat(fromAvro).isEqualTo(expected);

    BatchOutput parquet = into("parquet", BatchOutput.Format.PARQUET);
    write(rows, 2, parquet, List.of());
    parquet.commit();
    List<List<Object>> fromParquet = new ArrayList<>();
    try (ParquetReader<GenericRecord> reader =
        AvroParquetReader.<GenericRecord>builder(
                new LocalInputFile(home.resolve("parquet/features.parquet")),
                new PlainParquetConfiguration())
            .build()) {
      for (GenericRecord record = reader.read(); record != null; record = reader.read()) {
        fromParquet.add(cells(record));
      }
    }
    assertThat(fromParquet).isEqualTo(expected);
  }

  private static List<Object> cells(GenericRecord record) {
    List<Object> cells = new ArrayList<>();
    cells.add(record.get("transaction_id").toString());
    cells.add(record.get("amount"));
    cells.add(record.get("risk"));
    return cells;
  }

  @Test
  void writesPredictionsOfVersionsThatDiffer() throws Exception {
    ServedVersion first =
        new ServedVersion("m", 1, "ab", "champion", List.of("amount", "risk"), List.of("score"));
    ServedVersion second =
        new ServedVersion("m", 2, "cd", "shadow", List.of("risk"), List.of("sigma", "score"));
    StreamExecutionEnvironment env = batch(2);
    BatchOutput output = into("out", BatchOutput.Format.CSV);
    output.predictions(
        env.fromData(
            new ScoredRowTypeInfo(),
            scored("7", 2, second, new double[] {5}, 0.1, 0.9),
            scored("7", 2, first, new double[] {3, 5}, 0.5),
            scored("6", 2, first, new double[] {Double.NaN, 1}, 0.25)),
        List.of("score", "sigma"));
    env.execute();
    output.commit();
    assertThat(home.resolve("out/predictions.csv"))
        .content()
        .isEqualTo(
            """
            transaction_id,event_time,model,version,variant,score,sigma,risk,amount
            6,1970-01-01T00:00:00.002Z,m,1,champion,0.25,,1,
            7,1970-01-01T00:00:00.002Z,m,1,champion,0.5,,5,3
            7,1970-01-01T00:00:00.002Z,m,2,shadow,0.9,0.1,5,
            """);
  }

  @Test
  void tellsWhyAnotherVersionScoredWhereThereIsAFallback() throws Exception {
    PipelineDefinition.Model model = PIPELINE.model();
    PipelineDefinition guarded =
        pipeline(
            new PipelineDefinition.Model(
                model.name(),
                model.features(),
                1,
                1,
                model.device(),
                false,
                new Safeguards(null, null, new Fallback("1", Map.of())),
                model.shadow(),
                model.memory()));
    ServedVersion served =
        new ServedVersion("m", 2, "ab", "champion", List.of("risk", "amount"), List.of("score"));
    StreamExecutionEnvironment env = batch(1);
    BatchOutput output =
        BatchOutput.into(
            guarded, home.resolve("out").toString(), BatchOutput.Format.CSV, null, null, false);
    output.predictions(
        env.fromData(
            new ScoredRowTypeInfo(),
            scored("6", 2, served, new double[] {1, 2}, 0.25),
            new ScoredRow(
                "7",
                2,
                new String[0],
                new Object[0],
                served.declared(),
                new double[] {1, 2},
                0L,
                new double[] {0.5},
                FallbackReason.BREAKER_OPEN)),
        List.of("score"));
    env.execute();
    output.commit();
    assertThat(home.resolve("out/predictions.csv"))
        .content()
        .isEqualTo(
            """
            transaction_id,event_time,model,version,variant,fallback,score,risk,amount
            6,1970-01-01T00:00:00.002Z,m,2,champion,,0.25,1,2
            7,1970-01-01T00:00:00.002Z,m,0,champion,breaker-open,0.5,1,2
            """);
  }

  private static ScoredRow scored(
      String id, long time, ServedVersion served, double[] features, double... outputs) {
    return new ScoredRow(id, time, new String[0], new Object[0], served, features, 0L, outputs);
  }

  @Test
  void leavesOutRowsOutsideTheTimeRange() throws Exception {
    BatchOutput output =
        BatchOutput.into(
            PIPELINE, home.resolve("out").toString(), BatchOutput.Format.CSV, 2L, 4L, false);
    write(
        List.of(row("a", 1, 1, 1), row("b", 2, 1, 1), row("c", 3, 1, 1), row("d", 4, 1, 1)),
        1,
        output,
        List.of());
    BatchOutput.Written written = output.commit().get(0);
    assertThat(written.rows()).isEqualTo(2);
    assertThat(home.resolve("out/features.csv"))
        .content()
        .isEqualTo("transaction_id,amount,risk\nb,1,1\nc,1,1\n");
  }

  @Test
  void leavesNothingWhenTheJobFails() throws Exception {
    StreamExecutionEnvironment env = batch(2);
    BatchOutput output = into("out", BatchOutput.Format.CSV);
    output.features(
        env.fromData(new FeatureRowTypeInfo(), generated(1_000).toArray(new FeatureRow[0]))
            .map(
                row -> {
                  if (row.id.equals("900")) {
                    throw new IllegalStateException("fails on purpose");
                  }
                  return row;
                })
            .returns(new FeatureRowTypeInfo()));
    output.deadLetters(
        env.fromData(new SpecificRecordTypeInfo<>(DeadLetter.class), letter(1, new byte[] {1})));
    assertThatThrownBy(env::execute).hasStackTraceContaining("fails on purpose");
    assertThatThrownBy(output::commit)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("commit only after the job has finished");
    output.abort();
    assertThat(entries(home)).isEmpty();
  }

  @Test
  void replacesADirectoryOnlyWhenToldTo() throws Exception {
    Path out = Files.createDirectory(home.resolve("out"));
    Files.writeString(out.resolve("precious.txt"), "x");
    assertThatThrownBy(() -> into("out", BatchOutput.Format.CSV))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("out: is not an empty directory; name another, or give --overwrite");

    assertThatThrownBy(
            () ->
                BatchOutput.into(
                    PIPELINE, out.toString(), BatchOutput.Format.CSV, null, null, true))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("out: holds no manifest.json, so it is no result of an earlier run");

    Files.move(out.resolve("precious.txt"), out.resolve("manifest.json"));
    BatchOutput output =
        BatchOutput.into(PIPELINE, out.toString(), BatchOutput.Format.CSV, null, null, true);
    write(List.of(row("a", 1, 1, 1)), 1, output, List.of());
    assertThat(out.resolve("manifest.json")).hasContent("x");
    output.commit();
    assertThat(entries(out)).containsExactly("dead-letters.csv", "features.csv", "manifest.json");
    assertThat(entries(home)).containsExactly("out");
  }

  @Test
  void refusesAStreamingJob() throws Exception {
    StreamExecutionEnvironment env = batch(1);
    env.setRuntimeMode(RuntimeExecutionMode.STREAMING);
    BatchOutput output = into("out", BatchOutput.Format.CSV);
    output.features(env.fromData(new FeatureRowTypeInfo(), row("a", 2, 1, 1), row("b", 1, 1, 1)));
    assertThatThrownBy(env::execute).hasStackTraceContaining("need a job in BATCH mode");
    output.abort();
  }

  @ParameterizedTest
  @CsvSource({
    "4,4",
    "-4,-4",
    "0,0",
    "1e7,10000000",
    "0.1,0.1",
    "9007199254740992,9007199254740992",
    "1e16,1.0E16",
    "1e-5,1.0E-5",
    "5.6843418860808015E-14,5.684341886080802E-14"
  })
  void writesNumbersShort(double value, String expected) {
    assertThat(CsvTableFile.shortest(value)).isEqualTo(expected);
    assertThat(Double.parseDouble(CsvTableFile.shortest(value))).isEqualTo(value);
  }

  private static List<String> entries(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }
}
