package io.pelton.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import io.pelton.schemas.DeadLetter;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConstraintSectionsTest {
  private static final String HEAD =
      """
      pipeline: p
      events:
        topic: e
        schema: e.avsc
        id: id
        time: at
      """;
  private static final String TAIL =
      """
      entities: {card: card}
      features: {one: {value: "1"}}
      """;
  private static final String GOOD =
      HEAD
          + """
            rules:
              positive: "amount > 0.0"
              known: {check: "currency in ['EUR', 'USD']", otherwise: fail}
            fields:
              amount: {required: true, min: 0, max: 100000}
              channel: {allowed: [web, pos, atm], otherwise: default, default: web}
              kind: {allowed: A}
              items: {allowed: [1, 2], otherwise: fail}
              online: {required: true}
              due: {min: 2018-04-01, max: "2030-01-01T00:00:00Z"}
              card: {otherwise: fail}
              tags: {required: true}
          entities: {card: card}
          features:
            amount: {value: amount, min: -5, max: 5e3, otherwise: default, default: 0}
            big: {value: amount, max: 9}
            mean: {entity: card, aggregate: mean(amount), windows: [1d, 7d], min: 0, otherwise: default, default: 0}
            sum: {entity: card, aggregate: sum(amount), windows: 1d, max: 9, otherwise: fail}
            most: {entity: card, aggregate: max(amount), windows: 1d, min: -1, default: -1}
          """;

  @TempDir Path directory;

  @BeforeEach
  void writeSchema() throws Exception {
    Files.writeString(
        directory.resolve("e.avsc"),
        """
        {"type": "record", "name": "E", "fields": [
          {"name": "id", "type": "long"},
          {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
          {"name": "card", "type": "string"},
          {"name": "amount", "type": ["null", "double"]},
          {"name": "currency", "type": "string"},
          {"name": "items", "type": ["null", "int"]},
          {"name": "channel", "type": ["null", "string"]},
          {"name": "kind", "type": ["null", {"type": "enum", "name": "K", "symbols": ["A", "B"]}]},
          {"name": "online", "type": ["null", "boolean"]},
          {"name": "due", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}]},
          {"name": "tags", "type": ["null", {"type": "array", "items": "string"}]}
        ]}
        """);
  }

  private PipelineDefinition read(String yaml) throws Exception {
    return PipelineFile.read(Files.writeString(directory.resolve("p.yaml"), yaml));
  }

  private List<String> problems(String yaml) throws Exception {
    InvalidPipelineException e =
        catchThrowableOfType(InvalidPipelineException.class, () -> read(yaml));
    assertThat(e).as("the file was taken").isNotNull();
    return e.problems().stream()
        .map(
            problem -> problem.toString().replace(directory.resolve("p.yaml").toString(), "p.yaml"))
        .toList();
  }

  @Test
  void readsConstraintsRulesAndBounds() throws Exception {
    PipelineDefinition pipeline = read(GOOD);
    assertThat(pipeline.events().rules())
        .containsExactly(
            java.util.Map.entry("positive", new Rule("amount > 0.0", Otherwise.DEAD_LETTER)),
            java.util.Map.entry("known", new Rule("currency in ['EUR', 'USD']", Otherwise.FAIL)));
    assertThat(pipeline.events().fields())
        .containsEntry(
            "amount",
            new FieldConstraint(true, 0.0, 100_000.0, List.of(), Otherwise.DEAD_LETTER, null))
        .containsEntry(
            "channel",
            new FieldConstraint(
                false, null, null, List.of("web", "pos", "atm"), Otherwise.DEFAULT, "web"))
        .containsEntry(
            "items", new FieldConstraint(false, null, null, List.of(1L, 2L), Otherwise.FAIL, null))
        .containsEntry(
            "due",
            new FieldConstraint(
                false,
                1_522_540_800_000L,
                1_893_456_000_000L,
                List.of(),
                Otherwise.DEAD_LETTER,
                null))
        .containsEntry(
            "card", new FieldConstraint(true, null, null, List.of(), Otherwise.FAIL, null));
    assertThat(pipeline.features())
        .extracting(PipelineDefinition.Feature::bounds)
        .containsExactly(
            new Bounds(-5, 5_000, Otherwise.DEFAULT, 0),
            new Bounds(Double.NEGATIVE_INFINITY, 9, Otherwise.DEAD_LETTER, 0),
            new Bounds(0, Double.POSITIVE_INFINITY, Otherwise.DEFAULT, 0),
            new Bounds(Double.NEGATIVE_INFINITY, 9, Otherwise.FAIL, 0),
            new Bounds(-1, Double.POSITIVE_INFINITY, Otherwise.DEAD_LETTER, -1));
    assertThat(pipeline.neededFields()).contains("channel", "kind", "items", "online", "tags");
  }

  @Test
  void theSummarySaysWhatHoldsAndWhatBecomesOfTheRest() throws Exception {
    assertThat(PipelineSummary.of(read(GOOD)))
        .contains("checks that amount is there, at least 0, at most 100000, else refuses the event")
        .contains("checks that channel is one of \"web\", \"pos\", \"atm\", else takes \"web\"")
        .contains("checks that due is at least 2018-04-01T00:00:00Z")
        .contains("stops at those that break known: currency in")
        .contains(
            "amount = amount, 0 when it has no value, at least -5 and at most 5000, else takes 0")
        .contains("sum_1d = sum(amount) over the card's last 1d, at most 9, else stops");
  }

  @Test
  void theSummaryShowsAnAllowedTextThatIsEmpty() throws Exception {
    assertThat(PipelineSummary.of(read(GOOD.replace("[web, pos, atm]", "[web, '']"))))
        .contains("checks that channel is one of \"web\", \"\", else");
  }

  @Test
  void theJsonSchemaTakesWhatTheParserTakes() throws Exception {
    JsonSchema schema;
    try (InputStream in = DeadLetter.class.getResourceAsStream("pipeline.schema.json")) {
      schema =
          JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
              .getSchema(new ObjectMapper().readTree(in));
    }
    assertThat(schema.validate(GOOD, InputFormat.YAML)).isEmpty();
    for (String[] change :
        new String[][] {
          {"known: {check:", "known: {chek:"},
          {"USD']\", otherwise: fail", "USD']\", otherwise: default"},
          {"otherwise: default, default: web", "otherwise: default"},
          {"{allowed: A}", "{allowed: []}"},
          {"otherwise: fail}", "otherwise: ignore}"},
          {"max: 9}", "max: many}"},
        }) {
      assertThat(GOOD).contains(change[0]);
      assertThat(schema.validate(GOOD.replace(change[0], change[1]), InputFormat.YAML))
          .as(change[1])
          .isNotEmpty();
    }
  }

  @Test
  void refusesConstraintsThatCannotApply() throws Exception {
    assertThat(
            problems(
                HEAD
                    + """
                      fields:
                        amonut: {required: true}
                        amount: {min: 1d, max: .inf, allowed: [1]}
                        items: {min: 1, max: 0.5}
                        channel: {min: 1, required: maybe}
                        kind: {allowed: [A, Z], otherwise: default, default: C}
                        online: {allowed: [yes]}
                        due: {min: tomorrow, allowed: [2018-04-01]}
                        tags: {min: 0, allowed: [a], required: true}
                        currency: {required: false, allowed: [EUR, EUR]}
                    """
                    + TAIL))
        .satisfiesExactly(
            p ->
                assertThat(p)
                    .isEqualTo(
                        "p.yaml:8: events.fields.amonut: the event schema has no field \"amonut\";"
                            + " did you mean \"amount\"?"),
            p ->
                assertThat(p)
                    .isEqualTo(
                        "p.yaml:9: events.fields.amount.allowed: goes with texts, whole numbers and"
                            + " booleans, but field \"amount\" is DOUBLE; use min and max"),
            p ->
                assertThat(p)
                    .isEqualTo(
                        "p.yaml:9: events.fields.amount.min: \"1d\" is no number, but field"
                            + " \"amount\" is DOUBLE"),
            p -> assertThat(p).startsWith("p.yaml:9: events.fields.amount.max: \".inf\" is no num"),
            p ->
                assertThat(p)
                    .startsWith("p.yaml:10: events.fields.items.max: \"0.5\" is no whole number"),
            p ->
                assertThat(p)
                    .isEqualTo(
                        "p.yaml:11: events.fields.channel.required: \"maybe\" is neither true nor"
                            + " false"),
            p ->
                assertThat(p)
                    .isEqualTo(
                        "p.yaml:11: events.fields.channel.min: goes with numbers and times, but"
                            + " field \"channel\" is STRING"),
            p ->
                assertThat(p)
                    .startsWith(
                        "p.yaml:12: events.fields.kind.allowed: \"Z\" is no symbol of the field's"
                            + " enum"),
            p ->
                assertThat(p)
                    .startsWith("p.yaml:12: events.fields.kind.default: \"C\" is no symbol of"),
            p ->
                assertThat(p)
                    .startsWith(
                        "p.yaml:13: events.fields.online.allowed: \"yes\" is neither true nor"),
            p ->
                assertThat(p)
                    .contains("events.fields.due.allowed: goes with", "TIMESTAMP; use min and max"),
            p -> assertThat(p).contains("events.fields.due.min: \"tomorrow\" is no time"),
            p -> assertThat(p).contains("events.fields.tags.min: goes with numbers and times"),
            p -> assertThat(p).contains("events.fields.tags.allowed: goes with texts"),
            p ->
                assertThat(p)
                    .isEqualTo(
                        "p.yaml:16: events.fields.currency.required: must be true: the event schema"
                            + " does not allow null"),
            p ->
                assertThat(p)
                    .isEqualTo(
                        "p.yaml:16: events.fields.currency.allowed: \"EUR\" is given twice"));
  }

  @Test
  void refusesPoliciesThatCannotHold() throws Exception {
    assertThat(
            problems(
                HEAD
                    + """
                      rules:
                        known: {check: "true", otherwise: default}
                        features.x: "true"
                      fields:
                        id: {otherwise: default, default: 1}
                        at: {min: 0, otherwise: default, default: 1}
                        card: {allowed: [a], otherwise: default, default: a}
                        amount: {min: 5, max: 1, otherwise: default, default: 3}
                        items: {min: 1, otherwise: default}
                        channel: {allowed: [web], default: web}
                        kind: {otherwise: fail}
                        online: {required: true, otherwise: ignore}
                        due: {min: 2020-01-01, otherwise: default, default: 2019-01-01}
                        tags: {required: true, otherwise: default, default: a}
                    """
                    + TAIL))
        .satisfiesExactly(
            p ->
                assertThat(p)
                    .startsWith(
                        "p.yaml:8: events.rules.known.otherwise: a rule has no value of its own"),
            p ->
                assertThat(p).startsWith("p.yaml:9: events.rules.features.x: a rule's name begins"),
            p ->
                assertThat(p)
                    .startsWith(
                        "p.yaml:11: events.fields.id.otherwise: default does not go with the"
                            + " event's id"),
            p -> assertThat(p).contains("at.otherwise: default does not go with the event's time"),
            p -> assertThat(p).contains("card.otherwise: default does not go with the key of"),
            p -> assertThat(p).contains("amount.min: 5 is more than max, 1"),
            p -> assertThat(p).contains("amount.default: \"3\" breaks the constraint"),
            p -> assertThat(p).contains("items.default: is missing"),
            p -> assertThat(p).contains("channel.default: is never used"),
            p -> assertThat(p).contains("fields.kind: constrains nothing"),
            p -> assertThat(p).contains("online.otherwise: unknown value \"ignore\""),
            p -> assertThat(p).contains("due.default: \"2019-01-01\" breaks the constraint"),
            p -> assertThat(p).contains("tags.otherwise: default does not go with field"));
  }

  @Test
  void refusesBoundsThatCannotHold() throws Exception {
    assertThat(
            problems(
                HEAD
                    + """
                    entities: {card: card}
                    features:
                      a: {value: amount, default: x}
                      b: {value: amount, otherwise: fail}
                      c: {value: amount, min: 2, max: 1}
                      d: {value: amount, min: 2, otherwise: default, default: 1}
                      e: {value: amount, min: x}
                      f: {value: amount, min: 1, default: 2}
                      g: {entity: card, aggregate: count, windows: 1d, min: 1, default: 0}
                      h: {entity: card, aggregate: count, windows: 1d, min: 1, otherwise: default}
                      i: {entity: card, aggregate: count, windows: 1d, otherwise: fail}
                    """))
        .satisfiesExactly(
            p -> assertThat(p).startsWith("p.yaml:9: features.a.default: \"x\" is no number"),
            p -> assertThat(p).startsWith("p.yaml:10: features.b.otherwise: says what becomes"),
            p -> assertThat(p).isEqualTo("p.yaml:11: features.c.min: 2 is more than max, 1"),
            p ->
                assertThat(p)
                    .isEqualTo(
                        "p.yaml:12: features.d.default: \"1\" is out of the feature's own bounds"),
            p -> assertThat(p).isEqualTo("p.yaml:13: features.e.min: \"x\" is no number"),
            p ->
                assertThat(p)
                    .isEqualTo(
                        "p.yaml:15: features.g.default: \"0\" is out of the feature's own bounds"),
            p -> assertThat(p).startsWith("p.yaml:16: features.h.default: is missing"),
            p -> assertThat(p).startsWith("p.yaml:17: features.i.otherwise: says what becomes"));
  }
}
