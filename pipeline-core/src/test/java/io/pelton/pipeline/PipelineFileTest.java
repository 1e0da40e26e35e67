package io.pelton.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.pelton.drift.Persistence;
import io.pelton.pipeline.PipelineDefinition.Device;
import io.pelton.pipeline.PipelineDefinition.WindowedFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
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
    assertThat(pipeline.events().rules())
        .containsEntry("amount_not_negative", new Rule("amount >= 0.0", Otherwise.DEAD_LETTER));
    assertThat(pipeline.entityNames()).containsExactly("customer", "terminal");
    assertThat(pipeline.featureNames())
        .hasSize(15)
        .startsWith("amount", "during_weekend", "during_night", "customer_tx_count_1d")
        .endsWith("terminal_risk_30d");
    WindowedFeature risk = (WindowedFeature) pipeline.features().get(6);
    assertThat(risk.aggregate().input()).isEqualTo("fraud");
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

  @Test
  void lateEventsGoAsideUnlessTheyAreIncluded() throws Exception {
    assertThat(PipelineFile.read(EXAMPLE).events().late()).isEqualTo(Late.SIDE_OUTPUT);
    String example = Files.readString(EXAMPLE);
    Files.copy(EXAMPLE.resolveSibling("transaction.avsc"), directory.resolve("transaction.avsc"));
    Path file = directory.resolve("late.yaml");
    Files.writeString(
        file,
        example.replace(
            "  id: transaction_id\n  time: event_time\n",
            "  id: transaction_id\n  time: event_time\n  late: include\n"));
    PipelineDefinition pipeline = PipelineFile.read(file);
    assertThat(pipeline.events().late()).isEqualTo(Late.INCLUDE);
    assertThat(PipelineSummary.of(pipeline))
        .contains(
            "late events go to topic card-fraud.late without features of their own, and features of"
                + " later events count them, records");
    Files.writeString(file, Files.readString(file).replace("late: include", "late: included"));
    assertThatThrownBy(() -> PipelineFile.read(file))
        .hasMessageContaining("events.late: unknown value \"included\"; did you mean \"include\"?");
  }

  @Test
  void duplicatesAreEventsUnlessABoundIsGiven() throws Exception {
    assertThat(PipelineFile.read(EXAMPLE).events().duplicatesWithin()).isNull();
    String example = Files.readString(EXAMPLE);
    Files.copy(EXAMPLE.resolveSibling("transaction.avsc"), directory.resolve("transaction.avsc"));
    Path file = directory.resolve("duplicates.yaml");
    String key = "  time: event_time\n  deduplicate: ";
    Files.writeString(file, example.replaceFirst("  time: event_time\n", key + "{within: 1h}\n"));
    PipelineDefinition pipeline = PipelineFile.read(file);
    assertThat(pipeline.events().duplicatesWithin()).isEqualTo(3_600_000);
    assertThat(PipelineSummary.of(pipeline))
        .contains("takes the first of those with one id within 1h; the others are dead letters");
    for (String[] wrong :
        new String[][] {
          {"{}", "events.deduplicate.within: is missing: how far apart"},
          {"{within: 0s}", "events.deduplicate.within: \"0s\" is too short"},
          {"{within: soon}", "events.deduplicate.within: \"soon\" is no duration"},
          {"{withn: 1h}", "events.deduplicate.withn: unknown key; did you mean \"within\"?"},
          {"1h", "events.deduplicate: must be a mapping of keys to values"}
        }) {
      Files.writeString(file, example.replaceFirst("  time: event_time\n", key + wrong[0] + "\n"));
      assertThatThrownBy(() -> PipelineFile.read(file)).hasMessageContaining(wrong[1]);
    }
  }

  /** A pipeline file beside the schema of transactions. */
  private Path file(String yaml) throws IOException {
    Files.copy(
        Path.of("../examples/card-fraud/transaction.avsc"),
        directory.resolve("transaction.avsc"),
        StandardCopyOption.REPLACE_EXISTING);
    return Files.writeString(directory.resolve("p.yaml"), yaml);
  }

  private List<String> problems(String yaml) throws IOException {
    Path file = file(yaml);
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

  private static final String WITH_DRIFT =
      """
      pipeline: cards
      events: {topic: transactions, schema: transaction.avsc, id: transaction_id, time: event_time}
      entities: {customer: customer_id}
      features: {amount: {value: "amount"}}
      model: {name: m}
      carry: [terminal_id]
      drift: %s
      """;

  @Test
  void readsWhatIsSaidOfDrift() throws Exception {
    Drift usual = PipelineFile.read(file(WITH_DRIFT.formatted("{window: 1h}"))).drift();
    assertThat(usual.windows()).containsExactly(new Drift.Window(3_600_000, 3_600_000));
    assertThat(usual.previous()).isNull();
    assertThat(usual.segments()).isNull();
    assertThat(usual.dependence()).isEqualTo("customer");
    assertThat(usual.coolDown()).isZero();

    Path file =
        file(
            WITH_DRIFT.formatted(
                "{window: [1h, 24h every 1h], reference: {previous: 7d}, dependence: none,"
                    + " segments: {by: terminal_id, values: [1, 2], cap: 3}, cool-down: 6h,"
                    + " thresholds: {cramers-v: 0.3}}"));
    Drift drift = PipelineFile.read(file).drift();
    assertThat(drift.windows())
        .containsExactly(
            new Drift.Window(3_600_000, 3_600_000), new Drift.Window(86_400_000, 3_600_000));
    assertThat(drift.previous()).isEqualTo(7 * 86_400_000L);
    assertThat(drift.segments()).isEqualTo(new Drift.Segments("terminal_id", List.of("1", "2"), 3));
    assertThat(drift.dependence()).isNull();
    assertThat(drift.coolDown()).isEqualTo(6 * 3_600_000L);
    assertThat(drift.thresholds().cramersV()).isEqualTo(0.3);
  }

  @Test
  void saysWhatCannotBeOfDrift() throws Exception {
    assertThat(
            problems(
                WITH_DRIFT.formatted(
                    "{window: [1h, 1h every 10m, 1h every 7m, often], reference: last-week,"
                        + " segments: {by: terminal, values: [a, b], cap: 1}, dependence: custommer}")))
        .containsExactly(
            "p.yaml:7: drift.window: \"1h every 10m\" is as wide as another; windows must differ in their width",
            "p.yaml:7: drift.window: \"1h every 7m\" cannot be put together: the width must be a multiple of what it slides by, at most 10,000 times",
            "p.yaml:7: drift.window: \"often\" is no window; write a duration, 1h, or one that slides, 24h every 1h",
            "p.yaml:7: drift.reference: \"last-week\" is no reference; write training, or previous: 7d for the time before",
            "p.yaml:7: drift.segments.by: \"terminal\" must be named under carry, too, for predictions to have it; known: terminal_id",
            "p.yaml:7: drift.segments.values: 2 are more than the cap of 1",
            "p.yaml:7: drift.dependence: \"custommer\" must be an entity, or none; did you mean \"customer\"?");
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

  @Test
  void refusesASchemaWithoutFields() {
    assertThatThrownBy(
            () ->
                read(
                    "",
                    """
                    pipeline: p
                    events: {topic: e, schema: e.avsc, id: id, time: t}
                    features: {one: {value: "1"}}
                    """))
        .isInstanceOf(InvalidPipelineException.class)
        .hasMessageContaining("p.yaml:2: events.schema: \"e.avsc\" has no fields");
  }

  @Test
  void refusesIdsAndKeysOfATypeWithoutOneTextForm() {
    assertThatThrownBy(
            () ->
                read(
                    """
                    {"name": "id", "type": "double"}, {"name": "t", "type": "long"},
                    {"name": "card", "type": "boolean"}
                    """,
                    """
                    pipeline: p
                    events: {topic: e, schema: e.avsc, id: id, time: t}
                    entities: {card: card}
                    features: {one: {value: "1"}}
                    """))
        .hasMessageContaining("events.id: field \"id\" must be a text, int or long")
        .hasMessageContaining("entities.card: field \"card\" must be a text, int or long");
  }

  private static final String GOOD =
      """
      pipeline: p
      events: {topic: e, schema: transaction.avsc, id: transaction_id, time: event_time}
      entities: {customer: customer_id}
      features:
        amount: {value: amount}
        mean: {entity: customer, aggregate: mean(amount), windows: [1d]}
      """;

  @Test
  void refusesAFeatureColumnNamedLikeTheId() throws Exception {
    assertThat(problems(GOOD + "  transaction_id: {value: amount}\n"))
        .singleElement()
        .asString()
        .contains("features.transaction_id: its column transaction_id is also the column of the");
  }

  @Test
  void refusesTopicsOfOneName() throws Exception {
    assertThat(
            problems(
                GOOD.replace("topic: e", "topic: p.audit")
                    + """
                    outcomes: {topic: p.alerts, id: a, time: b, label: c}
                    topics: {features: x, drift: p.late, status: x, control: .., predictions: .}
                    """))
        .satisfiesExactly(
            p ->
                assertThat(p)
                    .isEqualTo(
                        "p.yaml:2: events.topic: \"p.audit\" is also the topic of audit; each needs"
                            + " its own"),
            p -> assertThat(p).contains("outcomes.topic: \"p.alerts\" is also the topic of alerts"),
            p -> assertThat(p).contains("topics.control: Kafka refuses a topic named \"..\""),
            p -> assertThat(p).contains("topics.predictions: Kafka refuses a topic named \".\""),
            p -> assertThat(p).contains("topics.drift: \"p.late\" is also the topic of late"),
            p -> assertThat(p).contains("topics.status: \"x\" is also the topic of features"));
  }

  @Test
  void takesAnotherPipelinesTopics() throws Exception {
    Path file = directory.resolve("p.yaml");
    Files.copy(EXAMPLE.resolveSibling("transaction.avsc"), directory.resolve("transaction.avsc"));
    Files.writeString(file, GOOD + "topics: {features: q.features, schemas: q.schemas}\n");
    assertThat(PipelineFile.read(file).topic(Topic.FEATURES)).isEqualTo("q.features");
  }

  @Test
  void refusesNamesThatTheRegistryRefusesAndFieldsCarriedTwice() throws Exception {
    assertThat(
            problems(
                GOOD
                    + """
                    registry: ""
                    model: {name: a/b}
                    carry: [terminal_id, terminal_id]
                    """))
        .satisfiesExactly(
            p -> assertThat(p).startsWith("p.yaml:7: registry: is empty"),
            p -> assertThat(p).startsWith("p.yaml:8: model.name: \"a/b\" must be letters, digits"),
            p -> assertThat(p).startsWith("p.yaml:9: carry: \"terminal_id\" is given twice"));
  }

  @Test
  void readsWhereFeaturesAreLogged() throws Exception {
    Path file = directory.resolve("p.yaml");
    Files.copy(EXAMPLE.resolveSibling("transaction.avsc"), directory.resolve("transaction.avsc"));
    PipelineDefinition none = PipelineFile.read(Files.writeString(file, GOOD));
    assertThat(none.featureLog()).isNull();
    assertThat(PipelineSummary.of(none)).doesNotContain("logs them");
    PipelineDefinition logged =
        PipelineFile.read(Files.writeString(file, GOOD + "feature-log: s3://bucket/log\n"));
    assertThat(logged.featureLog()).isEqualTo("s3://bucket/log");
    assertThat(PipelineSummary.of(logged)).contains("logs them to files in s3://bucket/log");
  }

  @Test
  void saysWhichTilesAWindowIsOf() throws Exception {
    Path file = directory.resolve("p.yaml");
    Files.copy(EXAMPLE.resolveSibling("transaction.avsc"), directory.resolve("transaction.avsc"));
    PipelineDefinition tiled =
        PipelineFile.read(
            Files.writeString(
                file,
                GOOD.replace(
                            "customer: customer_id", "customer: {key: customer_id, resolution: 1m}")
                        .replace("[1d]", "[1h, 1d, 30d]")
                    + "  kinds: {entity: customer, aggregate: distinct(terminal_id), windows: [1h]}\n"));
    assertThat(PipelineSummary.of(tiled))
        .contains("over the customer's last 1h, 1d, 30d, in tiles of 1m, 4m, 64m\n")
        .contains("over the customer's last 1h, in tiles of 1m, exact up to 256 values\n");
  }

  @Test
  void refusesAFeatureLogNowhere() throws Exception {
    assertThat(problems(GOOD + "feature-log: \"\"\n"))
        .satisfiesExactly(p -> assertThat(p).startsWith("p.yaml:7: feature-log: is empty"));
  }

  @Test
  void boundsDurations() throws Exception {
    assertThat(
            problems(
                GOOD.replace("topic: e", "max-ahead: 36526d, topic: e")
                        .replace("[1d]", "[36525d, 99999999999999999999w], delay: 99999999999d")
                    + "drift: {window: 1h, allowed-lateness: 3155760000001ms}\n"))
        .hasSize(5)
        .anyMatch(p -> p.contains("max-ahead: \"36526d\" is too long; at most 36525d, 100 years"))
        .anyMatch(p -> p.contains("windows: \"99999999999999999999w\" is too long"))
        .anyMatch(p -> p.contains("delay: \"99999999999d\" is too long"))
        .anyMatch(p -> p.contains("allowed-lateness: \"3155760000001ms\" is too long"))
        .anyMatch(p -> p.contains("drift: needs a model section"));
  }

  @Test
  void tellsOneThingOfAListThatDoesNotHold() throws Exception {
    for (String wrong : List.of("[1x]", "[0d]", "[[1d]]", "{}", "")) {
      assertThat(problems(GOOD.replace("[1d]", wrong)))
          .singleElement()
          .asString()
          .contains("features.mean.windows: ")
          .doesNotContain("must not be empty");
    }
    assertThat(problems(GOOD.replace("[1d]", "[]") + "model: {name: m, features: []}\n"))
        .satisfiesExactly(
            p -> assertThat(p).contains("windows: must not be empty: a list of widths"),
            p -> assertThat(p).contains("features: must not be empty: all, or a list"));
    assertThat(problems(GOOD + "model: {name: m, features: {}}\n"))
        .singleElement()
        .asString()
        .contains("model.features: must be a list of texts, but is a mapping");
  }

  @Test
  void saysThatATextWithCommasNeedsQuotesInBraces() throws Exception {
    assertThat(
            problems(
                GOOD.replace("aggregate: mean(amount)", "aggregate: quantile(amount, 0.95)")
                    .replace("{value: amount}", "{value: pow(amount, double(fraud), 1.0)}")))
        .satisfiesExactly(
            p ->
                assertThat(p)
                    .isEqualTo(
                        "p.yaml:5: features.amount.value: YAML ends a text in braces at a comma; put"
                            + " this one in quotes: value: \"pow(amount, double(fraud),"
                            + " 1.0)\""),
            p -> assertThat(p).startsWith("p.yaml:5: features.amount.value: undeclared reference"),
            p ->
                assertThat(p)
                    .startsWith("p.yaml:6: features.mean.aggregate: YAML ends a text in braces")
                    .endsWith("quotes: aggregate: \"quantile(amount, 0.95)\""));
    for (String cut : List.of("mean(abs(amount, 'x'))", "mean(a[0])", "mean(a ? {} : 1)")) {
      assertThat(problems(GOOD.replace("mean(amount)", cut)))
          .singleElement()
          .asString()
          .startsWith("p.yaml:6: is no YAML: expected ',' or '}'")
          .endsWith("; a text within braces or brackets that has , : [ or { in it needs quotes");
    }
  }

  @Test
  void aShareIsOfTruths() throws Exception {
    // What is told is the last feature alone: both shares hold.
    assertThat(
            problems(
                GOOD
                    + """
                      night: {value: "time.getHours('UTC') <= 6"}
                      nightly: {entity: customer, aggregate: share(night), windows: [1d]}
                      high: {entity: customer, aggregate: share(amount > 10.0), windows: [1d]}
                      share: {entity: customer, aggregate: share(amount), windows: [1d]}
                    """))
        .singleElement()
        .isEqualTo(
            "p.yaml:10: features.share.aggregate: share takes a truth, but \"amount\" is a number;"
                + " write mean(amount), or a comparison, as share(amount > 0)");
  }

  @Test
  void asksWhetherANearFieldOrColumnWasMeant() throws Exception {
    assertThat(
            problems(
                GOOD.replace("mean(amount)", "mean(amountt)")
                    + "  ratio: {value: \"amount / mean_2d\"}\n"))
        .satisfiesExactly(
            p -> assertThat(p).contains("mean.aggregate: ").endsWith("; did you mean \"amount\"?"),
            p -> assertThat(p).contains("ratio.value: ").endsWith("; did you mean \"mean_1d\"?"));
    assertThat(problems(GOOD.replace("mean(amount)", "mean(elsewhere)")))
        .singleElement()
        .asString()
        .doesNotContain("did you mean");
  }

  @Test
  void tellsOfWhatIsGivenTwiceOnce() throws Exception {
    assertThat(problems(GOOD + "  twice: {value: amount, value: amount}\n"))
        .singleElement()
        .asString()
        .contains("features.twice.value: the key is given twice");
  }

  @Test
  void tellsEachCircleOfFeaturesOnce() throws Exception {
    assertThat(
            problems(
                GOOD
                    + """
                      a: {value: b + 1.0}
                      b: {value: c + d}
                      c: {value: a}
                      d: {value: amount + b}
                      e: {value: e}
                      reader: {value: a}
                    """))
        .satisfiesExactly(
            p ->
                assertThat(p)
                    .isEqualTo(
                        "p.yaml:7: features.a.value: reads itself: a -> b -> c -> a; let one of"
                            + " them not read the next"),
            p -> assertThat(p).startsWith("p.yaml:10: features.d.value: reads itself: d -> b -> d"),
            p -> assertThat(p).startsWith("p.yaml:11: features.e.value: reads itself: e -> e;"));
  }

  @Test
  void saysThatAParenthesisIsMissing() throws Exception {
    assertThat(problems(GOOD.replace("mean(amount)", "mean(abs(1) + amount")))
        .singleElement()
        .asString()
        .contains("aggregate: \"mean(abs(1) + amount\" lacks the closing parenthesis");
  }

  @Test
  void saysWhyASchemaFileCannotBeRead() throws Exception {
    assertThat(problems(GOOD.replace("transaction.avsc", "nope.avsc")))
        .singleElement()
        .asString()
        .contains("events.schema: file nope.avsc does not exist");
    Files.delete(directory.resolve("transaction.avsc"));
    assertThat(problems(GOOD.replace("transaction.avsc", "\"a\\0b\"")))
        .singleElement()
        .asString()
        .contains("events.schema: \"a\\0b\" is no file name");
  }

  @Test
  void refusesWhatIsNotUtf8OrNestedTooDeeply() throws Exception {
    Path file = directory.resolve("p.yaml");
    Files.write(file, new byte[] {'a', ':', (byte) 0xff});
    assertThatThrownBy(() -> PipelineFile.read(file)).hasMessageContaining("is not UTF-8 text");
    Files.writeString(file, "a: " + "[".repeat(100_000) + "]".repeat(100_000));
    assertThatThrownBy(() -> PipelineFile.read(file)).hasMessageContaining("is nested too deeply");
  }

  private static final String OF_OUTCOMES =
      """
      pipeline: p
      events: {topic: t, schema: transaction.avsc, id: transaction_id, time: event_time}
      entities: {terminal: terminal_id}
      features:
      """;

  @Test
  void featuresOfOutcomesNeedOutcomes() throws Exception {
    assertThat(
            problems(
                OF_OUTCOMES
                    + "  n: {entity: terminal, source: outcomes, aggregate: count, windows: [7d]}\n"
                    + "  m: {entity: terminal, source: outcome, aggregate: count, windows: [7d]}\n"))
        .containsExactly(
            "p.yaml:5: features.n.source: needs a section outcomes that names their topic, id, time"
                + " and label",
            "p.yaml:6: features.m.source: unknown value \"outcome\"; did you mean \"outcomes\"?");
  }

  @Test
  void refusesWhatFeaturesOfOutcomesCannotBe() throws Exception {
    assertThat(
            problems(
                OF_OUTCOMES
                    + """
                      label: {value: "amount"}
                      a: {entity: terminal, source: outcomes, aggregate: sum(label), windows: [7d]}
                      z: {entity: terminal, source: outcomes, aggregate: z-score(amount), windows: [7d]}
                      x: {entity: terminal, source: outcomes, aggregate: count, exclude-current: true, windows: [7d]}
                    outcomes: {topic: t, id: transaction_id, time: fraud, label: fraud}
                    """))
        .hasSize(5)
        .anySatisfy(p -> assertThat(p).contains("features.a.aggregate: reads label, which may be"))
        .anySatisfy(p -> assertThat(p).contains("features.z.aggregate: a z-score compares"))
        .anySatisfy(p -> assertThat(p).contains("features.x.exclude-current: does not go with"))
        .anySatisfy(p -> assertThat(p).contains("outcomes.label: \"fraud\" is given twice"))
        .anySatisfy(
            p -> assertThat(p).contains("outcomes.topic: \"t\" is also the topic of events"));
  }

  @Test
  void readsWhatShadowsAndVersionsMayTake() throws Exception {
    Files.copy(EXAMPLE.resolveSibling("transaction.avsc"), directory.resolve("transaction.avsc"));
    Path file =
        Files.writeString(
            directory.resolve("p.yaml"),
            GOOD
                + """
                model:
                  name: m
                  shadow: {max-waiting-rows: 500, max-share: 0.5}
                  memory: 2GB
                  switch: drain-then-load
                """);
    PipelineDefinition.Model model = PipelineFile.read(file).model();
    assertThat(model.shadow()).isEqualTo(new ShadowBudget(500, 0.5));
    assertThat(model.memory())
        .isEqualTo(new MemoryBudget(2L << 30, MemoryBudget.Switching.DRAIN_THEN_LOAD));
    assertThat(PipelineSummary.of(PipelineFile.read(file)))
        .contains(
            "those of shadows to p.shadow, each shadow with up to 500 waiting rows and 0.5 of a core"
                + " a subtask; versions take up to 2GB a subtask together, and one that does not"
                + " fit beside what serves is loaded after that is closed");

    assertThat(
            problems(
                GOOD
                    + """
                    model:
                      name: m
                      shadow: {max-waiting-rows: 0, max-share: 2, most: 1}
                      memory: 2 gigabytes
                      switch: load
                    """))
        .anyMatch(
            p -> p.endsWith("model.shadow.max-waiting-rows: 0 is out of range; from 1 to 10000000"))
        .anyMatch(p -> p.endsWith("model.shadow.max-share: 2 is out of range; from 0.01 to 1"))
        .anyMatch(p -> p.contains("model.shadow.most: unknown key"))
        .anyMatch(
            p ->
                p.endsWith(
                    "model.memory: \"2 gigabytes\" is no amount of memory; write a whole number and B,"
                        + " KB, MB, GB or TB: 200MB"))
        .anyMatch(p -> p.contains("model.switch: unknown value \"load\""))
        .hasSize(5);
    assertThat(problems(GOOD + "model: {name: m, switch: drain-then-load}\n"))
        .singleElement()
        .asString()
        .endsWith(
            "model.switch: drain-then-load is for versions that do not fit together; give their"
                + " memory, or leave it out");
  }

  @Test
  void theSummarySaysWhatOutcomesAreReadFor() throws Exception {
    Files.copy(
        Path.of("../examples/card-fraud/transaction.avsc"), directory.resolve("transaction.avsc"));
    Path file = directory.resolve("o.yaml");
    Files.writeString(
        file,
        OF_OUTCOMES
            + "  n: {entity: terminal, source: outcomes, aggregate: count, windows: [7d]}\n"
            + "  s: {entity: terminal, source: outcomes, aggregate: sum(label * amount), windows: [7d]}\n"
            + "outcomes: {topic: o, id: transaction_id, time: reported_at, label: fraud}\n");
    PipelineDefinition pipeline = PipelineFile.read(file);
    assertThat(pipeline.topic(Topic.OUTCOMES)).isEqualTo("o");
    assertThat(PipelineSummary.of(pipeline))
        .contains("reads outcomes from topic o: of event transaction_id, known from reported_at")
        .contains("n_7d = count of outcomes over the terminal's last 7d")
        .contains("s_7d = sum(label * amount) of outcomes over");
  }
}
