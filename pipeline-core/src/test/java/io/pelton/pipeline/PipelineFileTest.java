package io.pelton.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.pelton.pipeline.PipelineDefinition.Device;
import io.pelton.pipeline.PipelineDefinition.EventFormat;
import io.pelton.pipeline.PipelineDefinition.Persistence;
import io.pelton.pipeline.PipelineDefinition.Topic;
import io.pelton.pipeline.PipelineDefinition.WindowedFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PipelineFileTest {
  private static final Path EXAMPLE = Path.of("../examples/card-fraud/pipeline.yaml");

  @TempDir Path directory;

  @Test
  void readsTheExampleWhole() throws Exception {
    PipelineDefinition pipeline = PipelineFile.read(EXAMPLE);
    assertThat(pipeline.name()).isEqualTo("card-fraud");
    assertThat(pipeline.events().format()).isEqualTo(EventFormat.AVRO);
    assertThat(pipeline.events().outOfOrderness()).isEqualTo(10_000L);
    assertThat(pipeline.events().maxAhead()).isEqualTo(86_400_000L);
    assertThat(pipeline.events().idleAfter()).isEqualTo(30_000L);
    assertThat(pipeline.events().rules()).containsEntry("amount_not_negative", "amount >= 0.0");
    assertThat(pipeline.entityNames()).containsExactly("customer", "terminal");
    assertThat(pipeline.featureNames())
        .hasSize(15)
        .startsWith("amount", "during_weekend", "during_night", "customer_tx_count_1d")
        .endsWith("terminal_risk_30d");
    WindowedFeature risk = (WindowedFeature) pipeline.features().get(6);
    assertThat(risk.input()).isEqualTo("fraud");
    assertThat(risk.delay()).isEqualTo(7 * 86_400_000L);
    assertThat(risk.defaultValue()).isZero();
    assertThat(pipeline.modelFeatures()).isEqualTo(pipeline.featureNames());
    assertThat(pipeline.model().maxBatchSize()).isEqualTo(256);
    assertThat(pipeline.model().maxBatchDelay()).isEqualTo(5);
    assertThat(pipeline.model().device()).isEqualTo(Device.PREFER_GPU);
    assertThat(pipeline.drift().allowedLateness()).isEqualTo(60_000);
    assertThat(pipeline.drift().persistence()).isEqualTo(new Persistence(2, 3));
    assertThat(pipeline.carry()).containsExactly("terminal_id");
    assertThat(pipeline.topic(Topic.EVENTS)).isEqualTo("transactions");
    assertThat(pipeline.topic(Topic.DEAD_LETTERS)).isEqualTo("card-fraud.dead-letters");
  }

  private List<String> problems(String yaml) throws IOException {
    Files.copy(
        Path.of("../examples/card-fraud/transaction.avsc"), directory.resolve("transaction.avsc"));
    Path file = directory.resolve("p.yaml");
    Files.writeString(file, yaml);
    InvalidPipelineException e =
        catchThrowableOfType(InvalidPipelineException.class, () -> PipelineFile.read(file));
    assertThat(e).isNotNull();
    return e.problems().stream()
        .map(problem -> problem.toString().replace(file.toString(), "p.yaml"))
        .toList();
  }

  @Test
  void reportsAllProblemsAtOnceWithLineKeyValueAndRule() throws Exception {
    assertThat(
            problems(
                """
                pipeline: Card Fraud
                events:
                  topic: transactions
                  schema: transaction.avsc
                  id: transaction
                  time: amount
                  out-of-orderness: ten
                  rules:
                    positive: "amont > 0.0"
                entitys:
                  customer: customer_id
                entities:
                  customer: customer_id
                features:
                  risk: {entity: custumer, aggregate: avg(amount), windows: [1d, 1x]}
                  both: {value: amount, windows: [1d]}
                  text: {value: "'a'"}
                  amount_1d: {value: amount}
                  amount: {entity: customer, aggregate: sum(amount), windows: [1d]}
                model: {name: m, features: [amont], device: tpu, batch: {max-size: 0}}
                drift: {window: 1h, thresholds: {psy: 0.2}, false-discovery-rate: 2}
                topics: {late: "bad topic"}
                """))
        .satisfiesExactly(
            p -> assertThat(p).startsWith("p.yaml:1: pipeline: \"Card Fraud\" must be lower-case"),
            p ->
                assertThat(p)
                    .isEqualTo(
                        "p.yaml:5: events.id: the event schema has no field \"transaction\"; did you"
                            + " mean \"transaction_id\"?"),
            p -> assertThat(p).startsWith("p.yaml:6: events.time: field \"amount\" must be"),
            p ->
                assertThat(p)
                    .startsWith("p.yaml:7: events.out-of-orderness: \"ten\" is no duration"),
            p -> assertThat(p).startsWith("p.yaml:9: events.rules.positive:").contains("amont"),
            p ->
                assertThat(p)
                    .isEqualTo("p.yaml:10: entitys: unknown key; did you mean \"entities\"?"),
            p ->
                assertThat(p)
                    .isEqualTo(
                        "p.yaml:15: features.risk.entity: unknown entity \"custumer\"; did you mean"
                            + " \"customer\"?"),
            p ->
                assertThat(p)
                    .startsWith("p.yaml:15: features.risk.aggregate: unknown aggregate \"avg\""),
            p -> assertThat(p).startsWith("p.yaml:15: features.risk.windows: \"1x\" is no width"),
            p -> assertThat(p).startsWith("p.yaml:16: features.both.windows: does not go with"),
            p -> assertThat(p).startsWith("p.yaml:17: features.text.value: must be a number"),
            p ->
                assertThat(p)
                    .isEqualTo(
                        "p.yaml:19: features.amount: its column amount_1d is also a column of"
                            + " amount_1d"),
            p -> assertThat(p).startsWith("p.yaml:20: model.features: the pipeline has no feature"),
            p -> assertThat(p).startsWith("p.yaml:20: model.batch.max-size: 0 is out of range"),
            p -> assertThat(p).startsWith("p.yaml:20: model.device: unknown value \"tpu\""),
            p ->
                assertThat(p)
                    .isEqualTo(
                        "p.yaml:21: drift.thresholds.psy: unknown key; did you mean \"psi\"?"),
            p -> assertThat(p).startsWith("p.yaml:21: drift.false-discovery-rate: 2 is out of"),
            p ->
                assertThat(p).startsWith("p.yaml:22: topics.late: \"bad topic\" is no topic name"));
  }

  @Test
  void saysWhatIsMissing() throws Exception {
    assertThat(problems("pipeline: p\n"))
        .anyMatch(p -> p.contains("events: the section is missing"))
        .anyMatch(p -> p.contains("features: the section is missing"));
  }

  @Test
  void saysWhereItIsNoYaml() throws Exception {
    assertThat(problems("pipeline: p\nevents: [\n"))
        .singleElement()
        .asString()
        .contains("is no YAML");
  }

  @Test
  void namesAFileThatCannotBeRead() {
    assertThatThrownBy(() -> PipelineFile.read(directory.resolve("none.yaml")))
        .isInstanceOf(InvalidPipelineException.class)
        .hasMessageContaining("none.yaml")
        .hasMessageContaining("cannot be read");
  }

  private PipelineDefinition read(String schemaFields, String yaml) throws Exception {
    Files.writeString(
        directory.resolve("e.avsc"),
        "{\"type\": \"record\", \"name\": \"E\", \"fields\": [" + schemaFields + "]}");
    return PipelineFile.read(Files.writeString(directory.resolve("p.yaml"), yaml));
  }

  @Test
  void needsTheFieldsThatExpressionsReadUnlessTheyHaveADefault() throws Exception {
    PipelineDefinition pipeline =
        read(
            """
            {"name": "id", "type": "long"}, {"name": "t", "type": "long"},
            {"name": "card", "type": "string"}, {"name": "amount", "type": ["null", "double"]},
            {"name": "tip", "type": "double"}, {"name": "limit", "type": "double"},
            {"name": "unused", "type": "double"}, {"name": "time", "type": "long"},
            {"name": "fraud", "type": ["null", "int"], "default": null}
            """,
            """
            pipeline: p
            events:
              topic: e
              schema: e.avsc
              id: id
              time: t
              rules: {limited: "amount <= limit"}
            entities: {card: card}
            features:
              amount: {value: amount}
              hour: {value: "time.getHours()"}
              tips: {entity: card, aggregate: sum(tip + 1.0), windows: 1d}
              count: {entity: card, aggregate: count, windows: 1d}
              risk: {entity: card, aggregate: mean(fraud), windows: 1d}
            """);
    assertThat(pipeline.neededFields())
        .containsExactly("id", "t", "card", "amount", "tip", "limit");
    assertThat(PipelineFile.read(EXAMPLE).neededFields()).doesNotContain("fraud");
  }
}
