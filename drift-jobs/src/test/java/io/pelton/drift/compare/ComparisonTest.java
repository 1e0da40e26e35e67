package io.pelton.drift.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.pelton.drift.CategoryMeasures;
import io.pelton.drift.FeatureProfile;
import io.pelton.drift.Measures;
import io.pelton.drift.Thresholds;
import io.pelton.drift.ValueCounts;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.zip.GZIPOutputStream;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.parquet.avro.AvroParquetWriter;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.io.LocalOutputFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ComparisonTest {
  private static final Schema SCHEMA =
      SchemaBuilder.record("Row")
          .fields()
          .optionalDouble("amount")
          .requiredInt("count")
          .requiredBoolean("night")
          .requiredString("channel")
          .endRecord();

  @TempDir Path directory;

  private Path write(String name, String text) throws IOException {
    Path file = directory.resolve(name);
    try (OutputStream out = Files.newOutputStream(file);
        OutputStream bytes = name.endsWith(".gz") ? new GZIPOutputStream(out) : out) {
      bytes.write(text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }
    return file;
  }

  private static List<org.apache.flink.core.fs.Path> files(Path... files) {
    List<org.apache.flink.core.fs.Path> paths = new ArrayList<>();
    for (Path file : files) {
      paths.add(new org.apache.flink.core.fs.Path(file.toUri()));
    }
    return paths;
  }

  private static Comparison compare(
      List<org.apache.flink.core.fs.Path> baseline,
      List<org.apache.flink.core.fs.Path> current,
      List<String> columns,
      Set<String> categorical)
      throws IOException {
    return Comparison.of(
        new Comparison.Request(baseline, current, columns, categorical, 0, Thresholds.USUAL));
  }

  private static Comparison compare(Path baseline, Path current) throws IOException {
    return compare(files(baseline), files(current), List.of(), Set.of());
  }

  private static ColumnComparison column(Comparison comparison, String name) {
    return comparison.columns().stream()
        .filter(column -> column.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static Measures numbers(ColumnComparison column) {
    return (Measures) column.measures();
  }

  private static CategoryMeasures categories(ColumnComparison column) {
    return (CategoryMeasures) column.measures();
  }

  private static List<GenericRecord> rows(int seed, double shift) {
    Random random = new Random(seed);
    List<GenericRecord> rows = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      GenericData.Record row = new GenericData.Record(SCHEMA);
      row.put("amount", random.nextInt(10) == 0 ? null : random.nextGaussian() + shift);
      row.put("count", random.nextInt(20));
      row.put("night", random.nextBoolean());
      row.put("channel", List.of("web", "shop, \"old\"", "phone").get(random.nextInt(3)));
      rows.add(row);
    }
    return rows;
  }

  private Path csv(String name, List<GenericRecord> rows) throws IOException {
    StringBuilder text = new StringBuilder("amount,count,night,channel\n");
    for (GenericRecord row : rows) {
      text.append(row.get("amount") == null ? "" : row.get("amount")).append(',');
      text.append(row.get("count")).append(',').append(row.get("night")).append(",\"");
      text.append(row.get("channel").toString().replace("\"", "\"\"")).append("\"\n");
    }
    return write(name, text.toString());
  }

  private Path avro(String name, List<GenericRecord> rows) throws IOException {
    Path file = directory.resolve(name);
    try (DataFileWriter<GenericRecord> writer = new DataFileWriter<>(new GenericDatumWriter<>())) {
      writer.create(rows.get(0).getSchema(), file.toFile());
      for (GenericRecord row : rows) {
        writer.append(row);
      }
    }
    return file;
  }

  private Path parquet(String name, List<GenericRecord> rows) throws IOException {
    Path file = directory.resolve(name);
    try (ParquetWriter<GenericRecord> writer =
        AvroParquetWriter.<GenericRecord>builder(new LocalOutputFile(file))
            .withConf(new PlainParquetConfiguration())
            .withSchema(SCHEMA)
            .withDataModel(GenericData.get())
            .build()) {
      for (GenericRecord row : rows) {
        writer.write(row);
      }
    }
    return file;
  }

  @Test
  void allKindsOfFilesGiveTheSame() throws IOException {
    List<GenericRecord> before = rows(1, 0);
    List<GenericRecord> now = rows(2, 1);
    Comparison expected = compare(csv("a.csv", before), csv("b.csv", now));

    assertThat(compare(avro("a.avro", before), parquet("b.parquet", now))).isEqualTo(expected);
    assertThat(compare(csv("a.csv.gz", before), avro("b.avro", now))).isEqualTo(expected);
    assertThat(
            compare(
                files(
                    csv("a1.csv", before.subList(0, 100)),
                    avro("a2.avro", before.subList(100, 500))),
                files(csv("b1.csv", now)),
                List.of(),
                Set.of()))
        .isEqualTo(expected);

    assertThat(expected.columns())
        .extracting(ColumnComparison::name)
        .containsExactly("amount", "count", "night", "channel");
    assertThat(expected.columns())
        .extracting(ColumnComparison::type)
        .containsExactly(
            ColumnComparison.Type.NUMERIC,
            ColumnComparison.Type.NUMERIC,
            ColumnComparison.Type.CATEGORICAL,
            ColumnComparison.Type.CATEGORICAL);
    assertThat(expected.columns())
        .filteredOn(ColumnComparison::drifted)
        .extracting(ColumnComparison::name)
        .containsExactly("amount");
    assertThat(numbers(column(expected, "amount")).missingBaseline())
        .isEqualTo(before.stream().filter(row -> row.get("amount") == null).count());
  }

  @Test
  void aColumnWithOneTextIsCategoricalOnBothSides() throws IOException {
    Path numbers = write("numbers.csv", "code,x\n" + "1,2\n2,2\n".repeat(50));
    Path late = write("late.csv", "code,x\n" + "1,2\n2,2\n".repeat(49) + "1,2\nA7,\n");

    ColumnComparison code = column(compare(numbers, late), "code");

    assertThat(code.type()).isEqualTo(ColumnComparison.Type.CATEGORICAL);
    assertThat(categories(code).baselineCount()).isEqualTo(100);
    assertThat(categories(code).currentCount()).isEqualTo(100);
    assertThat(categories(code).unseen()).isEqualTo(1);
    assertThat(categories(code).bins().get(0).value()).isEqualTo("1");
    assertThat(categories(code).bins().get(0).current()).isEqualTo(50);
    assertThat(categories(column(compare(late, numbers), "code")).unseen()).isZero();
  }

  @Test
  void numbersCanBeAskedToBeCategories() throws IOException {
    Path file = write("codes.csv", "code\n" + "1\n2\n".repeat(50));
    ColumnComparison code =
        column(compare(files(file), files(file), List.of(), Set.of("code")), "code");
    assertThat(categories(code).bins()).hasSize(2);
  }

  @Test
  void ofTooManyTextsTheLengthCounts() throws IOException {
    StringBuilder shorter = new StringBuilder("id\n");
    StringBuilder longer = new StringBuilder("id\n");
    for (int i = 0; i <= ColumnTally.MOST_CATEGORIES; i++) {
      shorter.append('n').append(i % 10).append(i).append('\n');
      longer.append("nn").append(i % 10).append(i).append('\n');
    }
    ColumnComparison id =
        column(
            compare(write("short.csv", shorter.toString()), write("long.csv", longer.toString())),
            "id");
    assertThat(id.type()).isEqualTo(ColumnComparison.Type.TEXT);
    assertThat(id.drifted()).isTrue();
    assertThat(numbers(id).currentCount()).isEqualTo(ColumnTally.MOST_CATEGORIES + 1);
  }

  @Test
  void withEdgesNumbersAreMeasuredAsAStreamDoes() throws IOException {
    Random random = new Random(3);
    double[] before = random.doubles(5_000).toArray();
    double[] now = random.doubles(3_000, 0.1, 1.1).toArray();
    StringBuilder baseline = new StringBuilder("x\n");
    StringBuilder current = new StringBuilder("x\n");
    for (double value : before) {
      baseline.append(value).append('\n');
    }
    for (double value : now) {
      current.append(value).append('\n');
    }
    FeatureProfile profile = FeatureProfile.of("x", FeatureProfile.Kind.FEATURE, before, 64);
    ValueCounts counts = new ValueCounts(profile);
    for (double value : now) {
      counts.add(value);
    }
    Comparison comparison =
        Comparison.of(
            new Comparison.Request(
                files(write("before.csv", baseline.toString())),
                files(write("now.csv", current.toString())),
                List.of(),
                Set.of(),
                64,
                Thresholds.USUAL));

    Measures measures = numbers(column(comparison, "x"));
    assertThat(measures)
        .usingRecursiveComparison()
        .ignoringFields("wasserstein")
        .isEqualTo(Measures.of(profile, counts));
    assertThat(measures.wasserstein())
        .isCloseTo(Measures.of(profile, counts).wasserstein(), within(1e-12));
    assertThat(measures.rankErrorBound()).isPositive();
  }

  private static double number(String text) {
    return Numbers.parse(("12" + text + "34").toCharArray(), 2, text.length());
  }

  @Test
  void whatIsANumber() {
    for (String text :
        List.of("1", "-1.5", "+.5", "2.", "1e-7", " 3 ", "NaN", "inf", "-Infinity")) {
      assertThatCode(() -> number(text)).as(text).doesNotThrowAnyException();
    }
    for (String text :
        List.of("1d", "2f", "0x1p3", "-0X1p3", "1,5", "-", ".", "e5", "1e", "", "infinite")) {
      assertThatThrownBy(() -> number(text)).as(text).isInstanceOf(NumberFormatException.class);
    }
    assertThat(number(" -Inf")).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(number("INFINITY")).isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(number("nan")).isNaN();
    assertThat(number(" 1e-7 ")).isEqualTo(1e-7);
  }

  @Test
  void comparesWhatBothSidesHave() throws IOException {
    Path before = write("before.csv", "a,b\n1,2\n");
    Path now = write("now.csv", "c,b\n1,2\n");
    Comparison comparison = compare(before, now);
    assertThat(comparison.columns()).extracting(ColumnComparison::name).containsExactly("b");
    assertThat(comparison.onlyBaseline()).containsExactly("a");
    assertThat(comparison.onlyCurrent()).containsExactly("c");
  }

  @Test
  void aFileThatLacksAColumnLacksItsValues() throws IOException {
    Path old = write("old.csv", "a\n1\n2\n");
    Path wide = write("wide.csv", "a,b\n1,5\n");
    Comparison comparison = compare(files(old, wide), files(wide), List.of(), Set.of());
    assertThat(numbers(column(comparison, "b")).missingBaseline()).isEqualTo(2);
    assertThat(numbers(column(comparison, "b")).baselineCount()).isEqualTo(3);
  }

  @Test
  void readsCsvAsOthersWriteIt() throws IOException {
    Path file =
        write("bom.csv", "\uFEFF\"a\",\"b,c\"\r\n1,\"x\ny\"\r\n\r\n2,\"say \"\"z\"\"\"\r\n");
    for (Path same : List.of(file, write("bom.csv.gz", Files.readString(file)))) {
      Comparison comparison = compare(same, file);
      assertThat(comparison.columns())
          .extracting(ColumnComparison::name)
          .containsExactly("a", "b,c");
      assertThat(comparison.baselineRows()).isEqualTo(2);
      assertThat(column(comparison, "a").type()).isEqualTo(ColumnComparison.Type.NUMERIC);
    }
  }

  @Test
  void comparesWhatWasServedWithWhatAModelWasTrainedOn() throws IOException {
    Schema features =
        SchemaBuilder.record("Features")
            .fields()
            .optionalDouble("amount")
            .requiredInt("id")
            .endRecord();
    Schema row =
        SchemaBuilder.record("Row")
            .fields()
            .requiredString("id")
            .name("features")
            .type(features)
            .noDefault()
            .endRecord();
    List<GenericRecord> served = new ArrayList<>();
    StringBuilder trained = new StringBuilder("amount,features.id\n");
    for (int i = 0; i < 200; i++) {
      GenericRecord inner = new GenericData.Record(features);
      inner.put("amount", i % 4 == 0 ? null : (double) i);
      inner.put("id", i);
      GenericRecord outer = new GenericData.Record(row);
      outer.put("id", "e" + i);
      outer.put("features", inner);
      served.add(outer);
      trained.append(i).append(',').append(i).append('\n');
    }

    Comparison skew =
        compare(write("training.csv", trained.toString()), avro("served.avro", served));
    assertThat(skew.columns())
        .extracting(ColumnComparison::name)
        .containsExactly("amount", "features.id");
    assertThat(skew.columns().get(0).measures().missingCurrent()).isEqualTo(50);
    assertThat(skew.columns().get(0).drifted()).isTrue();
    assertThat(skew.columns().get(1).measures().pValue()).isEqualTo(1);
    assertThat(skew.onlyCurrent()).containsExactly("id");
  }

  @Test
  void tellsWhatCannotBeCompared() throws IOException {
    Path file = write("a.csv", "amount,b\n1,2\n");
    assertThatThrownBy(() -> compare(files(file), files(file), List.of("amont"), Set.of()))
        .hasMessage("the baseline side has no column \"amont\"; did you mean \"amount\"?");
    Path empty = write("empty.csv", "amount,b\n");
    assertThatThrownBy(() -> compare(file, empty))
        .hasMessageStartingWith("the current side has no rows in [")
        .hasMessageEndingWith("empty.csv]; nothing can be compared");
    assertThatThrownBy(() -> compare(write("nothing.csv", ""), file))
        .hasMessageStartingWith("the baseline side has no columns in [")
        .hasMessageEndingWith("nothing.csv]; a CSV file must begin with their names");
    assertThatThrownBy(() -> compare(file, write("other.csv", "z\n1\n")))
        .hasMessageStartingWith("baseline and current have no column in common: ");
    assertThatThrownBy(() -> compare(file, write("twice.csv", "a,a\n1,2\n")))
        .hasMessageEndingWith("twice.csv: its header has column \"a\" twice; names must differ");
    assertThatThrownBy(() -> compare(file, write("torn.csv", "amount,b\n1,2\n1\n")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("torn.csv");
    assertThatThrownBy(() -> compare(file, write("a.txt", "amount\n")))
        .hasMessageContaining("a.txt: unknown kind of file; names end in .csv");
    assertThatThrownBy(() -> compare(file, write("a.avro", "amount\n")))
        .hasMessageContaining("a.avro");
    assertThatThrownBy(() -> compare(file, write("a.parquet", "amount\n")))
        .hasMessageContaining("a.parquet");
  }
}
