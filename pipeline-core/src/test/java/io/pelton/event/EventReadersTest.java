package io.pelton.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.pipeline.EventFormat;
import io.pelton.wire.SingleObject;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.Test;

class EventReadersTest {
  private static final Schema SCHEMA =
      new Schema.Parser()
          .parse(
              """
              {"type": "record", "name": "E", "fields": [
                {"name": "id", "type": "string"},
                {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
                {"name": "amount", "type": ["null", "double"], "default": null},
                {"name": "count", "type": "int", "default": 3},
                {"name": "kind", "type": {"type": "enum", "name": "K", "symbols": ["A", "B"]}},
                {"name": "online", "type": "boolean"},
                {"name": "tags", "type": {"type": "array", "items": "string"}}
              ]}
              """);
  private static final long AT = Instant.parse("2018-04-01T00:00:31Z").toEpochMilli();
  private final EventSchema schema = new EventSchema(SCHEMA);

  private static Object[] event(Object amount) {
    return new Object[] {"x", AT, amount, 7L, "B", true, List.of("t")};
  }

  @Test
  void whatIsEncodedIsReadBackInBothFormats() {
    for (Object amount :
        new Object[] {null, 2.5, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
      Object[] event = event(amount);
      byte[] avro = new EventEncoder(schema, EventFormat.AVRO).encode(event);
      Object[] read = new AvroEventReader(schema, SCHEMA).read(avro, SingleObject.HEADER);
      assertThat(read[6]).hasToString("[t]");
      read[6] = event[6];
      assertThat(read).containsExactly(event);
      byte[] json = new EventEncoder(schema, EventFormat.JSON).encode(event);
      assertThat(new JsonEventReader(schema).read(json)).containsExactly(event);
    }
  }

  @Test
  void aNumberTooBigForADoubleIsNoInfinityButTheWordIs() {
    JsonEventReader json = new JsonEventReader(schema);
    CsvEventReader csv = new CsvEventReader(schema, List.of("amount"), List.of());
    for (String number : List.of("1e999", "-1e309", "1" + "0".repeat(309))) {
      String said = "field \"amount\": " + number + " does not fit a double";
      assertThatThrownBy(() -> json.read(amount(number)))
          .isInstanceOf(EventFormatException.class)
          .hasMessage(said);
      assertThatThrownBy(() -> csv.read(List.of(number)))
          .isInstanceOf(EventFormatException.class)
          .hasMessage(said);
    }
    for (double number :
        new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
      assertThat(json.read(amount("\"" + number + "\""))[2]).isEqualTo(number);
      assertThat(csv.read(List.of("" + number))[2]).isEqualTo(number);
    }
    assertThat(json.read(amount("1e308"))[2]).isEqualTo(1e308);
    for (String word : List.of("NaN", "Infinity", "\"infinity\"", "\"1e999\"")) {
      assertThatThrownBy(() -> json.read(amount(word))).isInstanceOf(EventFormatException.class);
    }
    assertThatThrownBy(
            () -> json.read("{\"count\": \"Infinity\"}".getBytes(StandardCharsets.UTF_8)))
        .hasMessage("field \"count\": \"Infinity\" is no whole number");
  }

  private static byte[] amount(String json) {
    return ("{\"amount\": " + json + "}").getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void avroOfAnotherWriterIsMatchedByNameWidenedAndDefaulted() throws IOException {
    Schema writer =
        new Schema.Parser()
            .parse(
                """
                {"type": "record", "name": "Old", "fields": [
                  {"name": "gone", "type": {"type": "map", "values": "long"}},
                  {"name": "kind", "type": "string"},
                  {"name": "amount", "type": "int"},
                  {"name": "tags", "type": {"type": "array", "items": "string"}},
                  {"name": "online", "type": ["boolean", "null"]},
                  {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
                  {"name": "id", "type": "string"}
                ]}
                """);
    GenericRecord record = new GenericData.Record(writer);
    record.put("gone", java.util.Map.of("k", 1L));
    record.put("kind", "A");
    record.put("amount", 4);
    record.put("tags", List.of());
    record.put("online", null);
    record.put("at", AT);
    record.put("id", "y");
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    var encoder = org.apache.avro.io.EncoderFactory.get().directBinaryEncoder(out, null);
    new GenericDatumWriter<GenericRecord>(writer).write(record, encoder);
    Object[] read = new AvroEventReader(schema, writer).read(out.toByteArray(), 0);
    assertThat(read[6]).hasToString("[]");
    read[6] = null;
    assertThat(read).containsExactly("y", AT, 4.0, 3L, "A", null, null);
  }

  @Test
  void whatIsAbsentTakesTheSchemasDefaultInTextFormatsAsInAvro() {
    Object[] json =
        new JsonEventReader(schema).read("{\"id\": \"x\"}".getBytes(StandardCharsets.UTF_8));
    assertThat(json).containsExactly("x", null, null, 3L, null, null, null);
    assertThat(
            new JsonEventReader(schema).read("{\"count\": null}".getBytes(StandardCharsets.UTF_8)))
        .containsOnlyNulls();
    CsvEventReader csv = new CsvEventReader(schema, List.of("id"), List.of());
    assertThat(csv.read(List.of("x"))).containsExactly("x", null, null, 3L, null, null, null);
    assertThat(new CsvEventReader(schema, List.of("count"), List.of()).read(List.of("")))
        .containsOnlyNulls();
    AvroEventReader avro =
        new AvroEventReader(
            new EventSchema(
                SchemaBuilder.record("E")
                    .fields()
                    .name("n")
                    .type("long")
                    .withDefault(3)
                    .endRecord()),
            SchemaBuilder.record("E").fields().optionalLong("n").endRecord());
    assertThat(avro.read(new byte[] {0}, 0)).as("null as written").containsOnlyNulls();
    assertThat(avro.read(new byte[] {2, 10}, 0)).containsExactly(5L);
  }

  @Test
  void refusesWhatTheFieldsSchemaCannotHoldInEveryFormat() throws IOException {
    assertThatThrownBy(() -> json("{\"kind\": \"C\"}"))
        .isInstanceOf(EventFormatException.class)
        .hasMessage("field \"kind\": \"C\" is none of [A, B]");
    assertThatThrownBy(() -> json("{\"count\": 2147483648}"))
        .hasMessage("field \"count\": 2147483648 does not fit an int");
    assertThatThrownBy(() -> json("{\"count\": 99999999999999999999}"))
        .hasMessage("field \"count\": 99999999999999999999 does not fit a long");
    assertThatThrownBy(() -> json("{\"amount\": \"much\"}"))
        .hasMessage("field \"amount\": \"much\" is no number");
    CsvEventReader csv = new CsvEventReader(schema, List.of("kind", "count"), List.of());
    assertThatThrownBy(() -> csv.read(List.of("C", "1")))
        .hasMessage("field \"kind\": \"C\" is none of [A, B]");
    assertThatThrownBy(() -> csv.read(List.of("A", "-2147483649")))
        .hasMessage("field \"count\": -2147483649 does not fit an int");
    for (String[] writer :
        new String[][] {
          {"{\"type\": \"enum\", \"name\": \"K\", \"symbols\": [\"C\", \"A\"]}", "\"int\""},
          {"\"string\"", "\"long\""}
        }) {
      assertThat(avro(writer[0], writer[1], "A", 2)[1]).isEqualTo("A");
      assertThatThrownBy(() -> avro(writer[0], writer[1], "C", 2))
          .isInstanceOf(EventFormatException.class)
          .hasMessage("field \"kind\": \"C\" is none of [A, B]");
    }
    assertThatThrownBy(() -> avro("\"string\"", "\"long\"", "A", 2_147_483_648L))
        .hasMessage("field \"count\": 2147483648 does not fit an int");
  }

  @Test
  void aSymbolThatTheEventSchemaLacksIsReadAsItsDefault() throws IOException {
    EventSchema reader =
        new EventSchema(
            new Schema.Parser()
                .parse(
                    """
                    {"type": "record", "name": "E", "fields": [{"name": "kind", "type":
                      {"type": "enum", "name": "K", "symbols": ["A", "OTHER"], "default": "OTHER"}}]}
                    """));
    Schema writer =
        new Schema.Parser()
            .parse(
                """
                {"type": "record", "name": "E", "fields": [{"name": "kind", "type":
                  {"type": "enum", "name": "K", "symbols": ["NEW", "A"]}}]}
                """);
    AvroEventReader avro = new AvroEventReader(reader, writer);
    assertThat(avro.read(new byte[] {0}, 0)).containsExactly("OTHER");
    assertThat(avro.read(new byte[] {2}, 0)).containsExactly("A");
  }

  private void json(String text) {
    new JsonEventReader(schema).read(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Two fields as a writer of other types than the event schema's writes them. */
  private static Object[] avro(String kindType, String countType, String kind, long count)
      throws IOException {
    EventSchema reader =
        new EventSchema(
            new Schema.Parser()
                .parse(
                    """
                    {"type": "record", "name": "E", "fields": [
                      {"name": "count", "type": "int"},
                      {"name": "kind", "type": {"type": "enum", "name": "K", "symbols": ["A", "B"]}}]}
                    """));
    Schema writer =
        new Schema.Parser()
            .parse(
                """
                {"type": "record", "name": "E", "fields": [
                  {"name": "count", "type": %s}, {"name": "kind", "type": %s}]}
                """
                    .formatted(countType, kindType));
    GenericRecord record = new GenericData.Record(writer);
    record.put("count", countType.contains("long") ? (Object) count : (Object) (int) count);
    record.put(
        "kind",
        kindType.contains("enum")
            ? new GenericData.EnumSymbol(writer.getField("kind").schema(), kind)
            : kind);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    var encoder = org.apache.avro.io.EncoderFactory.get().directBinaryEncoder(out, null);
    new GenericDatumWriter<GenericRecord>(writer).write(record, encoder);
    return new AvroEventReader(reader, writer).read(out.toByteArray(), 0);
  }

  @Test
  void saysWhatAWriterLacksOrHasOtherwise() {
    Schema lacks =
        new Schema.Parser()
            .parse(
                "{\"type\":\"record\",\"name\":\"W\",\"fields\":[{\"name\":\"id\",\"type\":\"string\"}]}");
    assertThatThrownBy(() -> new AvroEventReader(schema, lacks))
        .isInstanceOf(EventFormatException.class)
        .hasMessageContaining("lacks the field \"at\"");
    Schema other =
        new Schema.Parser()
            .parse(
                SCHEMA
                    .toString()
                    .replace("\"online\",\"type\":\"boolean\"", "\"online\",\"type\":\"string\""));
    assertThatThrownBy(() -> new AvroEventReader(schema, other))
        .hasMessageContaining("\"online\" is \"string\"")
        .hasMessageContaining("cannot be read as \"boolean\"");
    assertThatThrownBy(() -> new AvroEventReader(schema, SCHEMA).read(new byte[] {2, 'x'}, 0))
        .hasMessageContaining("do not fit their Avro schema");
    // A text of three thousand million bytes: Avro has an exception of its own for it.
    byte[] huge = {(byte) 0x80, (byte) 0xBC, (byte) 0xC1, (byte) 0x96, 0x16};
    assertThatThrownBy(() -> new AvroEventReader(schema, SCHEMA).read(huge, 0))
        .isInstanceOf(EventFormatException.class);
  }

  @Test
  void aUnionOfOneTypeIsThatType() throws IOException {
    Schema reader = SchemaBuilder.record("E").fields().requiredString("id").endRecord();
    Schema writer =
        new Schema.Parser()
            .parse(
                "{\"type\":\"record\",\"name\":\"E\",\"fields\":[{\"name\":\"id\",\"type\":[\"string\"]}]}");
    assertThat(new AvroEventReader(new EventSchema(reader), writer).read(new byte[] {0, 2, 'x'}, 0))
        .containsExactly("x");
  }

  @Test
  void jsonSaysWhichMemberIsOff() {
    JsonEventReader reader = new JsonEventReader(schema);
    assertThat(
            reader.read(
                "{\"other\": {\"a\": [1]}, \"id\": \"x\"}".getBytes(StandardCharsets.UTF_8)))
        .startsWith("x");
    for (String[] bad :
        new String[][] {
          {"{\"amount\": \"2\"}", "field \"amount\": \"2\" is no number"},
          {"{\"count\": 2.5}", "field \"count\": 2.5 is no whole number"},
          {"{\"at\": \"noon\"}", "\"noon\" is no time"},
          {"{\"online\": {}}", "field \"online\": a JSON START_OBJECT is no boolean"},
          {"[1]", "not a JSON object"},
          {"{\"id\": \"x\"} tail", "not JSON"},
          {"{\"id\": \"x", "not JSON"}
        }) {
      assertThatThrownBy(() -> reader.read(bad[0].getBytes(StandardCharsets.UTF_8)))
          .as(bad[0])
          .isInstanceOf(EventFormatException.class)
          .hasMessageContaining(bad[1]);
    }
  }

  private List<Object[]> read(String name, byte[] bytes) throws IOException {
    List<Object[]> events = new ArrayList<>();
    try (EventFile file =
        EventFile.open(name, new ByteArrayInputStream(bytes), schema, List.of("id", "at"))) {
      while (file.next()) {
        events.add(file.fields());
      }
    }
    return events;
  }

  @Test
  void readsCsvJsonAndAvroFilesPlainAndZipped() throws IOException {
    String csv = "at,id,extra,amount,count,kind,online\n2018-04-01T00:00:31Z,\"x,1\",?,,7,B,1\n";
    assertThat(read("e.csv", csv.getBytes(StandardCharsets.UTF_8)))
        .singleElement()
        .isEqualTo(new Object[] {"x,1", AT, null, 7L, "B", true, null});

    ByteArrayOutputStream zipped = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(zipped)) {
      gzip.write(
          "{\"id\":\"x\",\"at\":%d}\n\n{\"id\":\"y\"}\n"
              .formatted(AT)
              .getBytes(StandardCharsets.UTF_8));
    }
    assertThat(read("E.JSONL.gz", zipped.toByteArray()))
        .extracting(event -> event[0])
        .containsExactly("x", "y");

    ByteArrayOutputStream container = new ByteArrayOutputStream();
    try (DataFileWriter<GenericRecord> writer =
        new DataFileWriter<GenericRecord>(new GenericDatumWriter<>(SCHEMA))
            .create(SCHEMA, container)) {
      GenericRecord record = new GenericData.Record(SCHEMA);
      record.put("id", "z");
      record.put("at", AT * 1000);
      record.put("count", 1);
      record.put("kind", new GenericData.EnumSymbol(SCHEMA.getField("kind").schema(), "A"));
      record.put("online", false);
      record.put("tags", List.of());
      writer.append(record);
    }
    assertThat(read("e.avro", container.toByteArray()))
        .singleElement()
        .satisfies(event -> assertThat(event).startsWith("z", AT, null, 1L, "A", false));
    for (String empty : List.of("e.csv", "e.json", "e.avro", "e.csv.gz", "e.avro.gz")) {
      assertThat(read(empty, new byte[0])).as(empty).isEmpty();
    }
  }

  @Test
  void aByteOrderMarkIsNoPartOfAName() throws IOException {
    assertThat(read("e.csv", "\uFEFFid,at\nx,2018-04-01\n".getBytes(StandardCharsets.UTF_8)))
        .singleElement()
        .satisfies(event -> assertThat(event).startsWith("x"));
    assertThat(read("e.jsonl", "\uFEFF{\"id\":\"x\"}\n".getBytes(StandardCharsets.UTF_8)))
        .singleElement()
        .satisfies(event -> assertThat(event).startsWith("x"));
  }

  @Test
  void keepsARecordAsItStandsInItsFile() throws IOException {
    for (String[] kind :
        new String[][] {
          {"e.csv", "id,at\n\"x,1\",noon\n", "\"x,1\",noon"}, {"e.jsonl", "not JSON\n", "not JSON"}
        }) {
      try (EventFile file =
          EventFile.open(
              kind[0],
              new ByteArrayInputStream(kind[1].getBytes(StandardCharsets.UTF_8)),
              schema,
              List.of())) {
        assertThat(file.next()).isTrue();
        assertThatThrownBy(file::fields).isInstanceOf(EventFormatException.class);
        assertThat(new String(file.raw(), StandardCharsets.UTF_8)).isEqualTo(kind[2]);
      }
    }
  }

  @Test
  void aFileThatCannotBeReadIsNamed() {
    assertThatThrownBy(() -> read("e.csv", "id,amount\n".getBytes(StandardCharsets.UTF_8)))
        .isInstanceOf(IOException.class)
        .hasMessage("e.csv: the header lacks the column \"at\"; it has id, amount");
    assertThatThrownBy(() -> read("e.csv", "id,id\n".getBytes(StandardCharsets.UTF_8)))
        .hasMessageContaining("names the column \"id\" twice");
    assertThatThrownBy(() -> read("e.txt", new byte[0]))
        .hasMessageContaining("unknown kind of file");
    assertThatThrownBy(() -> read("e.csv.gz", "plain".getBytes(StandardCharsets.UTF_8)))
        .hasMessageContaining("e.csv.gz cannot be read");
    assertThatThrownBy(() -> read("e.avro", "plain".getBytes(StandardCharsets.UTF_8)))
        .hasMessageContaining("e.avro cannot be read");
  }

  @Test
  void parsesTimesOfAllKinds() {
    assertThat(EventSchema.parseTime("2018-04-01T00:00:31Z")).isEqualTo(AT);
    assertThat(EventSchema.parseTime("2018-04-01T02:00:31+02:00")).isEqualTo(AT);
    assertThat(EventSchema.parseTime("2018-04-01T00:00:31.250Z")).isEqualTo(AT + 250);
    assertThat(EventSchema.parseTime("2018-04-01T00:00:31")).isEqualTo(AT);
    assertThat(EventSchema.parseTime("2018-04-01")).isEqualTo(AT - 31_000);
    assertThat(EventSchema.parseTime(Long.toString(AT))).isEqualTo(AT);
    assertThat(EventSchema.parseTime("-1")).isEqualTo(-1);
    assertThat(EventSchema.parseTime("2016-02-29T12:00:00Z"))
        .isEqualTo(Instant.parse("2016-02-29T12:00:00Z").toEpochMilli());
    for (String bad : List.of("2018-02-30T00:00:00Z", "2018-13-01T00:00:00Z", "", "noon", "1e9")) {
      assertThatThrownBy(() -> EventSchema.parseTime(bad))
          .as(bad)
          .isInstanceOf(EventFormatException.class);
    }
  }
}
