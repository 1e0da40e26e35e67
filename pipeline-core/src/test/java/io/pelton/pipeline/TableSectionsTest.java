package io.pelton.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import io.pelton.schemas.DeadLetter;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TableSectionsTest {
  private static final String EVENTS =
      """
      pipeline: test
      events: {topic: transactions, schema: transaction.avsc, id: transaction_id, time: event_time}
      entities: {customer: customer_id}
      """;
  private static final String TERMINAL =
      """
      {"type": "record", "name": "Terminal", "fields": [
        {"name": "terminal_id", "type": "long"},
        {"name": "code", "type": "string"},
        {"name": "valid_from", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "risk_class", "type": "int"},
        {"name": "country", "type": ["null", "string"], "default": null},
        {"name": "labels", "type": {"type": "array", "items": "string"}, "default": []}]}
      """;

  @TempDir Path directory;

  private Path write(String yaml) throws Exception {
    Files.copy(
        Path.of("../examples/card-fraud/transaction.avsc"), directory.resolve("transaction.avsc"));
    Files.writeString(directory.resolve("terminal.avsc"), TERMINAL);
    return Files.writeString(directory.resolve("p.yaml"), EVENTS + yaml);
  }

  private List<String> problems(String yaml) throws Exception {
    Path file = write(yaml);
    InvalidPipelineException e =
        catchThrowableOfType(InvalidPipelineException.class, () -> PipelineFile.read(file));
    assertThat(e).isNotNull();
    return e.problems().stream()
        .map(problem -> problem.toString().replace(file.toString(), "p.yaml"))
        .toList();
  }

  private static final String GOOD =
      """
      tables:
        terminals: {file: data/terminals.csv, schema: terminal.avsc, key: terminal_id, time: valid_from}
        codes: {file: 's3://bucket/codes-*.avro', schema: terminal.avsc, key: risk_class, on: terminal_id}
      features:
        risk_class: {value: terminals.risk_class, default: 0}
        abroad: {entity: customer, aggregate: sum(amount), where: "terminals.country != 'FR'", windows: [7d]}
        by_country: {entity: customer, aggregate: count, by: terminals.country, windows: [7d]}
        share: {value: "abroad_7d / double(codes.risk_class)"}
      """;

  @Test
  void readsTables() throws Exception {
    PipelineDefinition pipeline = PipelineFile.read(write(GOOD));
    Table terminals = pipeline.tables().get(0);
    assertThat(terminals.name()).isEqualTo("terminals");
    assertThat(terminals.file()).isEqualTo(directory.resolve("data/terminals.csv").toString());
    assertThat(terminals.key()).isEqualTo("terminal_id");
    assertThat(terminals.time()).isEqualTo("valid_from");
    assertThat(terminals.on()).isEqualTo("terminal_id");
    assertThat(terminals.files()).isEmpty();
    Table codes = pipeline.tables().get(1);
    assertThat(codes.file()).isEqualTo("s3://bucket/codes-*.avro");
    assertThat(codes.time()).isNull();
    assertThat(codes.on()).isEqualTo("terminal_id");
    assertThat(pipeline.neededFields())
        .containsExactly("transaction_id", "event_time", "customer_id", "terminal_id");
    assertThat(PipelineSummary.of(pipeline))
        .contains(
            "joins them with table terminals of "
                + terminals.file()
                + " by terminal_id: the newest row of the key whose valid_from is the event's time"
                + " or earlier")
        .contains(
            "by terminal_id = risk_class: its rows hold at all times, also before they were known");
  }

  private static final String OF_TOPICS =
      """
      tables:
        terminals: {topic: terminals, schema: terminal.avsc, key: terminal_id, time: valid_from, idle-after: 5s}
        codes: {topic: codes, schema: terminal.avsc, key: risk_class, on: terminal_id}
      features:
        risk_class: {value: terminals.risk_class, default: 0}
        age: {value: "int(time) - int(codes.record_timestamp)"}
      """;

  @Test
  void readsTablesOfTopics() throws Exception {
    PipelineDefinition pipeline = PipelineFile.read(write(OF_TOPICS));
    Table terminals = pipeline.tables().get(0);
    assertThat(terminals.topic()).isEqualTo("terminals");
    assertThat(terminals.inputs()).isEmpty();
    assertThat(terminals.idleAfter()).isEqualTo(5_000);
    assertThat(terminals.streamed()).isTrue();
    assertThat(terminals.ofRecordTime()).isFalse();
    assertThat(terminals.written()).isEqualTo(terminals.schema());
    Table codes = pipeline.tables().get(1);
    assertThat(codes.time()).isEqualTo(Table.RECORD_TIME);
    assertThat(codes.idleAfter()).isEqualTo(1_000);
    assertThat(codes.schema().getField(Table.RECORD_TIME)).isNotNull();
    assertThat(codes.written()).isEqualTo(terminals.schema());
    assertThat(PipelineSummary.of(pipeline))
        .contains(
            "joins them with table terminals of topic terminals by terminal_id: the newest row of"
                + " the key whose valid_from is the event's time or earlier; batch runs take its rows"
                + " from --table")
        .contains(
            "table codes of topic codes by terminal_id = risk_class: the newest row of the key whose"
                + " Kafka timestamp is the event's time or earlier");
    Table ofFiles = codes.of(List.of("a.csv", "b.csv"), false);
    assertThat(ofFiles.streamed()).isFalse();
    assertThat(ofFiles.file()).isEqualTo("a.csv, b.csv");
  }

  @Test
  void reportsWhatIsWrongWithTablesOfTopics() throws Exception {
    Files.writeString(
        directory.resolve("stamped.avsc"),
        TERMINAL.replace("\"code\"", "\"" + Table.RECORD_TIME + "\""));
    assertThat(
            problems(
                """
                tables:
                  bad: {topic: a/b, schema: terminal.avsc, key: terminal_id}
                  events: {topic: transactions, schema: terminal.avsc, key: terminal_id}
                  ours: {topic: test.features, schema: terminal.avsc, key: terminal_id}
                  file: {file: a.csv, schema: terminal.avsc, key: terminal_id, idle-after: 1s}
                  stamped: {topic: t, schema: stamped.avsc, key: terminal_id}
                  once: {topic: t, schema: terminal.avsc, key: terminal_id}
                features: {a: {value: amount}}
                """))
        .satisfiesExactly(
            p -> assertThat(p).startsWith("p.yaml:5: tables.bad.topic: \"a/b\" is no topic name"),
            p ->
                assertThat(p)
                    .isEqualTo(
                        "p.yaml:6: tables.events.topic: \"transactions\" is also the topic of events;"
                            + " each needs its own"),
            p ->
                assertThat(p)
                    .startsWith(
                        "p.yaml:7: tables.ours.topic: \"test.features\" is also the topic of features"),
            p ->
                assertThat(p)
                    .startsWith("p.yaml:8: tables.file.idle-after: is of tables of a topic"),
            p ->
                assertThat(p)
                    .startsWith(
                        "p.yaml:9: tables.stamped.schema: has a field \"record_timestamp\""));
  }

  @Test
  void whatTravelsToATableOfATopicIsScalar() throws Exception {
    String yaml =
        OF_TOPICS.replace("features:\n", "features:\n  labels: {value: size(terminals.labels)}\n");
    assertThat(problems(yaml))
        .singleElement()
        .satisfies(
            p ->
                assertThat(p)
                    .startsWith(
                        "p.yaml:8: features.labels: reads field \"terminals.labels\", which is neither"
                            + " number, truth, text nor time"));
  }

  @Test
  void theKeyOfATableThatNothingReadsIsNotNeeded() throws Exception {
    PipelineDefinition pipeline =
        PipelineFile.read(
            write(GOOD.replaceAll("(?s)features:.*", "features: {a: {value: amount}}")));
    assertThat(pipeline.neededFields()).doesNotContain("terminal_id");
  }

  @Test
  void reportsWhatIsWrongWithTables() throws Exception {
    assertThat(
            problems(
                """
                tables:
                  amount: {file: a.csv, schema: terminal.avsc, key: terminal_id}
                  time: {file: a.csv, schema: terminal.avsc, key: terminal_id}
                  a-b: {file: a.csv, schema: terminal.avsc, key: terminal_id}
                  risk: {file: a.csv, schema: terminal.avsc, key: terminal_id}
                  plain: a.csv
                  two: {topic: terminals, file: a.csv, schema: terminal.avsc, key: terminal_id}
                  kind: {file: a.parquet, schema: terminal.avsc, key: terminal_id}
                  none: {file: a.csv, schema: nothing.avsc, key: terminal_id}
                  keys: {file: a.csv, schema: terminal.avsc, key: terminal, time: country}
                  times: {file: a.csv, schema: terminal.avsc, key: terminal_id, time: labels}
                  ons: {file: a.csv, schema: terminal.avsc, key: terminal_id, on: terminl_id}
                  types: {file: a.csv, schema: terminal.avsc, key: code, on: terminal_id}
                  own: {file: a.csv, schema: terminal.avsc, key: code}
                features:
                  risk: {value: amount}
                  wrong: {value: times.risk_clas}
                  text: {value: risk.country}
                  far: {entity: customer, aggregate: sum(amount), where: risk.risk_class, windows: [1d]}
                carry: [risk.country]
                """))
        .satisfiesExactly(
            p ->
                assertThat(p)
                    .isEqualTo(
                        "p.yaml:5: tables.amount: \"amount\" is also a field of the events, so"
                            + " amount.field could mean either; rename the table"),
            p ->
                assertThat(p)
                    .startsWith("p.yaml:6: tables.time: \"time\" is also the event's time"),
            p -> assertThat(p).startsWith("p.yaml:7: tables.a-b: a table's name is letters"),
            p ->
                assertThat(p)
                    .isEqualTo(
                        "p.yaml:8: tables.risk: is also a column of feature risk; rename one"),
            p -> assertThat(p).startsWith("p.yaml:9: tables.plain: must be a mapping"),
            p ->
                assertThat(p)
                    .startsWith(
                        "p.yaml:10: tables.two.file: a table is of files or of a topic, but both"),
            p ->
                assertThat(p)
                    .startsWith("p.yaml:11: tables.kind.file: \"a.parquet\" is of no kind"),
            p ->
                assertThat(p)
                    .startsWith("p.yaml:12: tables.none.schema: file nothing.avsc does not exist"),
            p ->
                assertThat(p)
                    .startsWith(
                        "p.yaml:13: tables.keys.key: the table's schema has no field \"terminal\""),
            p ->
                assertThat(p)
                    .startsWith(
                        "p.yaml:14: tables.times.time: field \"labels\" must be a timestamp"),
            p ->
                assertThat(p)
                    .isEqualTo(
                        "p.yaml:15: tables.ons.on: the event schema has no field \"terminl_id\" to join"
                            + " by; did you mean \"terminal_id\"?"),
            p ->
                assertThat(p)
                    .isEqualTo(
                        "p.yaml:16: tables.types.on: the event's field \"terminal_id\" is of type INT,"
                            + " the table's key \"code\" of type STRING; they must be of one type to"
                            + " meet"),
            p ->
                assertThat(p)
                    .startsWith("p.yaml:17: tables.own.key: the event schema has no field \"code\"")
                    .endsWith("name the event's field with the key: on: FIELD"),
            p ->
                assertThat(p)
                    .startsWith("p.yaml:20: features.wrong.value: undeclared reference to 'times'")
                    .endsWith(
                        "; of that table there are times.terminal_id, times.code, times.valid_from, times.risk_class, times.country, times.labels"),
            p -> assertThat(p).startsWith("p.yaml:21: features.text.value: must be a number"),
            p -> assertThat(p).startsWith("p.yaml:22: features.far.where: must be a truth"),
            p -> assertThat(p).startsWith("p.yaml:23: carry: the event schema has no field"));
  }

  @Test
  void theJsonSchemaKnowsTheKeys() throws Exception {
    JsonNode root;
    try (InputStream in = DeadLetter.class.getResourceAsStream("pipeline.schema.json")) {
      root = new ObjectMapper().readTree(in);
    }
    List<String> keys = new ArrayList<>();
    JsonNode tables = root.get("properties").get("tables");
    tables.get("additionalProperties").get("properties").fieldNames().forEachRemaining(keys::add);
    assertThat(keys).containsExactlyElementsOf(TableSections.TABLE_KEYS);
    ((com.fasterxml.jackson.databind.node.ObjectNode) root.get("properties")).retain("tables");
    ((com.fasterxml.jackson.databind.node.ObjectNode) root).remove("required");
    JsonSchema schema =
        JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012).getSchema(root);
    String good = GOOD.substring(0, GOOD.indexOf("features:"));
    assertThat(schema.validate(good, InputFormat.YAML)).isEmpty();
    assertThat(schema.validate(good.replace("terminals.csv", "terminals.CSV.gz"), InputFormat.YAML))
        .isEmpty();
    String ofTopics = OF_TOPICS.substring(0, OF_TOPICS.indexOf("features:"));
    assertThat(schema.validate(ofTopics, InputFormat.YAML)).isEmpty();
    for (String bad :
        List.of(
            good.replace("{file: data", "{topic: a, file: data"),
            good.replace("time:", "idle-after: 1s, time:"),
            ofTopics.replace("topic: codes", "topic: co/des"),
            ofTopics.replace("topic: codes, ", ""),
            good.replace("terminals.csv", "terminals.parquet"),
            good.replace("time:", "tiem:"),
            good.replace("terminals:", "termi-nals:"),
            good.replace("schema: terminal.avsc, ", ""))) {
      assertThat(schema.validate(bad, InputFormat.YAML)).as(bad).isNotEmpty();
    }
  }
}
