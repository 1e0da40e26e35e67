package io.pelton.feature.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.feature.FeatureRow;
import io.pelton.job.Incoming;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.wire.SingleObject;
import io.pelton.wire.StaticSchemaStore;
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.message.BinaryMessageEncoder;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TableDecoderTest {
  private static final String ROW =
      "{\"terminal_id\":7,\"valid_from\":1000,\"country\":\"FR\",\"risk_class\":2}";

  @TempDir Path directory;
  private PipelineDefinition pipeline;

  @BeforeEach
  void readPipeline() throws Exception {
    pipeline = TopicTables.pipeline(directory, "");
  }

  private Incoming decode(@Nullable String key, @Nullable String value) {
    return TopicTables.row(pipeline, 3, 44, 5_000, key, value);
  }

  @Test
  void aRecordIsARowFromItsTimeOn() {
    FeatureRow row = decode("whatever", ROW).row;
    assertThat(row.id).isEqualTo("7");
    assertThat(row.time).isEqualTo(1_000);
    assertThat(row.carried).containsExactly(7L, 1_000L, "FR", 2L);
    assertThat(row.values[TableDecoder.PARTITION]).isEqualTo(3);
    assertThat(row.values[TableDecoder.OFFSET]).isEqualTo(44);
  }

  @Test
  void withoutATimeARowHoldsFromTheTimestampOfItsRecord() throws Exception {
    pipeline =
        TopicTables.pipeline(
            directory,
            "",
            "terminals: {topic: terminals, schema: terminal.avsc, key: terminal_id}",
            TopicTables.FEATURES);
    FeatureRow row = decode(null, ROW).row;
    assertThat(row.time).isEqualTo(5_000);
    assertThat(row.carried).containsExactly(7L, 1_000L, "FR", 2L, 5_000L);
  }

  @Test
  void avroIsReadByTheTablesOwnSchemaAsByThoseOfTheStore() throws Exception {
    pipeline =
        TopicTables.pipeline(
            directory,
            "",
            "terminals: {topic: terminals, schema: terminal.avsc, key: terminal_id}",
            TopicTables.FEATURES);
    Path file = directory.resolve("pipeline.yaml");
    Files.writeString(file, Files.readString(file).replace("format: json", "format: avro"));
    pipeline = PipelineFile.read(file);
    Schema own = new Schema.Parser().parse(Files.readString(directory.resolve("terminal.avsc")));
    Schema wider =
        new Schema.Parser()
            .parse(
                Files.readString(directory.resolve("terminal.avsc"))
                    .replace("[\n", "[{\"name\": \"owner\", \"type\": \"string\"},\n"));
    for (Schema schema : new Schema[] {own, wider}) {
      GenericRecord record = new GenericData.Record(schema);
      record.put("terminal_id", 7L);
      record.put("valid_from", 1_000L);
      record.put("country", "FR");
      record.put("risk_class", 2);
      if (schema == wider) {
        record.put("owner", "me");
      }
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      new BinaryMessageEncoder<GenericRecord>(GenericData.get(), schema).encode(record, bytes);
      assertThat(bytes.toByteArray().length).isGreaterThan(SingleObject.HEADER);
      FeatureRow row =
          new TableDecoder(pipeline, pipeline.tables().get(0), StaticSchemaStore.of(wider))
              .decode("terminals", 0, 0, 5_000, null, bytes.toByteArray())
              .row;
      assertThat(row.carried).containsExactly(7L, 1_000L, "FR", 2L, 5_000L);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '#',
      value = {
        "7",
        "' 7 '",
        "\"7\"",
        "007",
        "{\"terminal_id\": 7}",
        "{\"terminal_id\":\"7\",\"x\":1}"
      })
  void aRecordWithoutAValueEndsItsKey(String key) {
    FeatureRow row = decode(key.replace("'", ""), null).row;
    assertThat(row.id).isEqualTo("7");
    assertThat(row.time).isEqualTo(5_000);
    assertThat(row.carried).isEmpty();
  }

  @Test
  void whatIsNoRowSaysWhy() {
    refused(null, "{", "decode", "undecodable", "table terminals: ");
    refused(
        null,
        ROW.replace("7", "null"),
        "table",
        "invalid-row",
        "table terminals: field \"terminal_id\" is null, but is the table's key");
    refused(
        null,
        ROW.replace("1000", "null"),
        "table",
        "invalid-row",
        "table terminals: field \"valid_from\" is null, but is the time from which the row holds");
    refused(
        null,
        ROW.replace("\"FR\"", "null"),
        "table",
        "invalid-row",
        "table terminals: field \"country\" is null, but the table's schema does not allow null");
    for (String key :
        new String[] {null, "", "seven", "{\"id\": 7}", "{\"terminal_id\": 7.5}", "\""}) {
      refused(
          key,
          null,
          "table",
          "invalid-row",
          "table terminals: the record has no value, so from it on nothing is known of its key, but"
              + " its key is "
              + (key == null ? "null" : "\"" + key + "\"")
              + "; it must be terminal_id as UTF-8 text or JSON, or {\"terminal_id\": ..}");
    }
  }

  private void refused(
      @Nullable String key, @Nullable String value, String stage, String reason, String detail) {
    Incoming refused = decode(key, value);
    assertThat(refused.row).isNull();
    assertThat(refused.rejection.stage()).isEqualTo(stage);
    assertThat(refused.rejection.reason()).isEqualTo(reason);
    assertThat(refused.rejection.detail()).startsWith(detail);
  }
}
