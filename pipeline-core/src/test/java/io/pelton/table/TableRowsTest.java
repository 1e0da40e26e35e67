package io.pelton.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.event.EventSchema;
import io.pelton.pipeline.Table;
import io.pelton.pipeline.Table.TableFile;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class TableRowsTest {
  private static final Schema SCHEMA =
      SchemaBuilder.record("Terminal")
          .fields()
          .requiredLong("terminal_id")
          .requiredLong("valid_from")
          .optionalString("country")
          .optionalDouble("risk")
          .endRecord();
  private static final int COUNTRY = 2;
  private static final int RISK = 3;
  private static final String HEADER = "terminal_id,valid_from,country,risk\n";

  private static Table table(@Nullable String time) {
    return new Table(
        "terminals", "terminals.*", SCHEMA, "terminal_id", time, "terminal_id", List.of());
  }

  private static TableRows rows(@Nullable String time) {
    return new TableRows(table(time), Long.MAX_VALUE);
  }

  private static ByteArrayInputStream bytes(String text) {
    return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
  }

  private static ReferenceTable csv(@Nullable String time, String text) throws IOException {
    TableRows rows = rows(time);
    rows.read("terminals.csv", bytes(HEADER + text));
    return rows.table();
  }

  private record Version(long key, long time, @Nullable String country, double risk) {}

  /** The newest version of a key at a time, by looking at all of them. */
  private static @Nullable Version oracle(List<Version> versions, long key, long time) {
    Version newest = null;
    for (Version version : versions) {
      if (version.key == key
          && version.time <= time
          && (newest == null || version.time > newest.time)) {
        newest = version;
      }
    }
    return newest;
  }

  private static List<Version> timeline(Random random) {
    List<Version> versions = new ArrayList<>();
    int keys = 1 + random.nextInt(6);
    for (int key = 0; key < keys; key++) {
      long time = random.nextInt(50) - 25;
      for (int i = random.nextInt(8); i >= 0; i--) {
        versions.add(
            new Version(
                key,
                time,
                random.nextInt(5) == 0 ? null : List.of("FR", "DE", "IT").get(random.nextInt(3)),
                random.nextInt(100) / 7.0));
        time += 1 + random.nextInt(20);
      }
    }
    Collections.shuffle(versions, random);
    return versions;
  }

  private static byte[] csv(List<Version> versions) {
    StringBuilder text = new StringBuilder(HEADER);
    versions.forEach(
        v ->
            text.append(
                "%d,%d,%s,%s\n"
                    .formatted(v.key, v.time, v.country == null ? "" : v.country, v.risk)));
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] json(List<Version> versions) {
    StringBuilder text = new StringBuilder();
    versions.forEach(
        v ->
            text.append(
                "{\"risk\":%s,\"terminal_id\":%d,\"valid_from\":%d,\"country\":%s}\n"
                    .formatted(
                        v.risk, v.key, v.time, v.country == null ? null : '"' + v.country + '"')));
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] avro(List<Version> versions) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (DataFileWriter<GenericRecord> writer =
        new DataFileWriter<GenericRecord>(new GenericDatumWriter<>(SCHEMA)).create(SCHEMA, out)) {
      for (Version v : versions) {
        writer.append(
            new GenericRecordBuilder(SCHEMA)
                .set("terminal_id", v.key)
                .set("valid_from", v.time)
                .set("country", v.country)
                .set("risk", v.risk)
                .build());
      }
    }
    return out.toByteArray();
  }

  private static byte[] gzip(byte[] bytes) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    }
    return out.toByteArray();
  }

  @Test
  void givesTheNewestVersionAsOfATimeWhateverTheKindAndOrderOfTheFile() throws Exception {
    for (int seed = 0; seed < 200; seed++) {
      List<Version> versions = timeline(new Random(seed));
      byte[][] files = {csv(versions), json(versions), avro(versions), gzip(csv(versions))};
      String[] names = {"t.csv", "t.jsonl", "t.avro", "t.csv.gz"};
      for (int i = 0; i < files.length; i++) {
        TableRows rows = rows("valid_from");
        rows.read(names[i], new ByteArrayInputStream(files[i]));
        ReferenceTable table = rows.table();
        assertThat(table.rows()).isEqualTo(versions.size());
        for (long key = 0; key < 7; key++) {
          for (long time = -30; time < 200; time++) {
            Version expected = oracle(versions, key, time);
            int row = table.find(Long.toString(key), time);
            assertThat(row == ReferenceTable.NONE).isEqualTo(expected == null);
            if (expected != null) {
              assertThat(table.value(row, COUNTRY)).isEqualTo(expected.country);
              assertThat(table.value(row, RISK)).isEqualTo(expected.risk);
            }
          }
        }
      }
    }
  }

  @Test
  void aRowHoldsFromItsVeryTimeOn() throws Exception {
    ReferenceTable table = csv("valid_from", "7,100,FR,1\n7,200,DE,2\n");
    assertThat(table.find("7", 99)).isEqualTo(ReferenceTable.NONE);
    assertThat(table.value(table.find("7", 100), COUNTRY)).isEqualTo("FR");
    assertThat(table.value(table.find("7", 199), COUNTRY)).isEqualTo("FR");
    assertThat(table.value(table.find("7", 200), COUNTRY)).isEqualTo("DE");
    assertThat(table.find("8", 200)).isEqualTo(ReferenceTable.NONE);
  }

  @Test
  void withoutATimeRowsHoldAlways() throws Exception {
    ReferenceTable table = csv(null, "7,100,FR,1\n8,200,DE,2\n");
    assertThat(table.value(table.find("7", Long.MIN_VALUE + 1), COUNTRY)).isEqualTo("FR");
    assertThat(table.value(table.find("8", Long.MAX_VALUE), COUNTRY)).isEqualTo("DE");
    assertThatThrownBy(() -> csv(null, "7,100,FR,1\n7,200,DE,2\n"))
        .isInstanceOf(InvalidTableException.class)
        .hasMessageContaining(
            "terminals.csv:3: key 7 has a row already, at line 2; a table without time: has one"
                + " row a key");
  }

  @Test
  void tellsAllRowsThatCannotBeUsed() {
    assertThatThrownBy(
            () ->
                csv(
                    "valid_from",
                    "7,100,FR,1\n,100,FR,1\n8,,FR,1\n9,100,FR,high\n7,100,DE,2\n9,100\n"))
        .isInstanceOf(InvalidTableException.class)
        .hasMessageStartingWith("table terminals cannot be used:\n")
        .message()
        .satisfies(
            message ->
                assertThat(message.lines().skip(1))
                    .satisfiesExactly(
                        p ->
                            assertThat(p)
                                .isEqualTo(
                                    "terminals.csv:3: field \"terminal_id\" is null, but is the"
                                        + " table's key"),
                        p ->
                            assertThat(p)
                                .isEqualTo(
                                    "terminals.csv:4: field \"valid_from\" is null, but is the time"
                                        + " from which the row holds"),
                        p ->
                            assertThat(p)
                                .isEqualTo(
                                    "terminals.csv:5: field \"risk\": \"high\" is no number"),
                        p ->
                            assertThat(p)
                                .startsWith("terminals.csv:7: the row has 2 values, the header 4"),
                        p ->
                            assertThat(p)
                                .isEqualTo(
                                    "terminals.csv:6: key 7 has a row of 1970-01-01T00:00:00.100Z"
                                        + " already, at line 2; which one holds would be chance")));
  }

  @Test
  void tellsTheFirstTwentyOfManyBadRows() {
    assertThatThrownBy(() -> csv("valid_from", "x,1,FR,1\n".repeat(30)))
        .hasMessageContaining("terminals.csv:21:")
        .hasMessageEndingWith("\nand 10 more");
  }

  @Test
  void refusesAFileWithoutRowsOrColumns() {
    assertThatThrownBy(() -> csv("valid_from", ""))
        .isInstanceOf(InvalidTableException.class)
        .hasMessageContaining("terminals.csv: holds no rows");
    assertThatThrownBy(() -> rows(null).read("t.csv", bytes("terminal_id,country\n7,FR\n")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("lacks the column \"valid_from\"");
    assertThatThrownBy(
            () ->
                rows(null)
                    .read(
                        "t.csv.gz",
                        new ByteArrayInputStream(gzip(csv(timeline(new Random(1)))), 0, 40)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("t.csv.gz cannot be read");
  }

  @Test
  void refusesMoreThanTheMemoryHolds() {
    TableRows rows = new TableRows(table("valid_from"), 10 << 20);
    StringBuilder text = new StringBuilder(HEADER);
    for (int i = 0; i < 200_000; i++) {
      text.append(i).append(",1,FR,").append(i).append('\n');
    }
    assertThatThrownBy(() -> rows.read("t.csv", bytes(text.toString())))
        .isInstanceOf(InvalidTableException.class)
        .hasMessageContaining("take more than 10 MB of memory");
  }

  @Test
  void saysWhatItRead() throws Exception {
    TableRows rows = rows("valid_from");
    rows.read("a.csv", bytes(HEADER + "7,100,FR,1\n"));
    rows.read("b.csv", bytes(HEADER + "7,200,FR,1\n8,100,FR,1\n"));
    assertThat(rows.files())
        .extracting(TableFile::path, TableFile::rows)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple("a.csv", 1L),
            org.assertj.core.groups.Tuple.tuple("b.csv", 2L));
    // printf 'terminal_id,valid_from,country,risk\n7,100,FR,1\n' | sha256sum
    assertThat(rows.files().get(0).sha256())
        .isEqualTo("88cefce7586222a2c4c40096c00a23e6e3f92052e9a3d0fc72a2bc82b2e0b9ae");
    ReferenceTable table = rows.table();
    assertThat(table.keys()).isEqualTo(2);
    assertThat(table.value(table.find("7", 150), 1)).isEqualTo(100L);
    assertThat(new EventSchema(SCHEMA).indexOf("valid_from")).isEqualTo(1);
  }

  @Test
  void tellsBothFilesOfOneVersion() throws Exception {
    TableRows rows = rows("valid_from");
    rows.read("a.csv", bytes(HEADER + "7,100,FR,1\n"));
    rows.read("b.csv", bytes(HEADER + "7,100,FR,1\n"));
    assertThatThrownBy(rows::table)
        .hasMessageContaining("b.csv:2: key 7")
        .hasMessageContaining("a.csv:2");
  }

  @Test
  void aFileThatStandsForATopicHasRowsAfterWhichNothingIsKnown() throws Exception {
    TableRows rows =
        new TableRows(
            new Table(
                "terminals",
                "terminals",
                List.of("t.json"),
                SCHEMA,
                "terminal_id",
                "valid_from",
                "terminal_id",
                1_000,
                false,
                List.of()),
            Long.MAX_VALUE);
    rows.read("t.csv", bytes(HEADER + "7,0,FR,1\n7,86400000,,\n7,172800000,DE,2\n"));
    ReferenceTable table = rows.table();
    long day = 86_400_000;
    int deleted = table.find("7", day);
    for (int field = 0; field < SCHEMA.getFields().size(); field++) {
      assertThat(table.value(deleted, field)).isNull();
    }
    assertThat(table.value(table.find("7", day - 1), 0)).isEqualTo(7L);
    assertThat(table.value(table.find("7", 2 * day), 0)).isEqualTo(7L);
    assertThat(table.find("7", -1)).isEqualTo(ReferenceTable.NONE);
  }
}
