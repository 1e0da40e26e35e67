package io.pelton.feature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.pelton.event.AvroEventReader;
import io.pelton.event.CsvEventReader;
import io.pelton.event.EventEncoder;
import io.pelton.event.EventSchema;
import io.pelton.event.JsonEventReader;
import io.pelton.pipeline.EventFormat;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.wire.SingleObject;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ConstraintsTest {
  /** Every field may be null for the writer, so that each format can leave each out. */
  private static final List<String> FIELDS =
      List.of("id", "at", "card", "amount", "share", "items", "channel", "kind", "online", "due");

  private static final String SCHEMA =
      """
      {"type": "record", "name": "E", "fields": [
        {"name": "id", "type": "long"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "card", "type": "string"},
        {"name": "amount", "type": ["null", "double"], "default": null},
        {"name": "share", "type": ["null", "float"], "default": null},
        {"name": "items", "type": ["null", "long"], "default": null},
        {"name": "channel", "type": ["null", "string"], "default": null},
        {"name": "kind", "type": ["null", {"type": "enum", "name": "K", "symbols": ["A", "B", "C"]}], "default": null},
        {"name": "online", "type": ["null", "boolean"], "default": null},
        {"name": "due", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}], "default": null}
      ]}
      """;

  private enum Encoding {
    CSV,
    JSON,
    AVRO
  }

  @TempDir Path directory;

  private PipelineDefinition pipeline(String fields, String schema, String rest) throws Exception {
    Files.writeString(directory.resolve("e.avsc"), schema);
    return PipelineFile.read(
        Files.writeString(
            directory.resolve("p.yaml"),
            """
            pipeline: p
            events:
              topic: e
              schema: e.avsc
              id: id
              time: at
              fields: {%s}
            %s
            """
                .formatted(fields, rest)));
  }

  private FeaturePlan plan(String fields) throws Exception {
    return new FeaturePlan(pipeline(fields, SCHEMA, "features: {amount: {value: amount}}"));
  }

  /** An event with one field that matters, through the encoding and its reader. */
  private static @Nullable Object[] read(Encoding encoding, String field, @Nullable Object value) {
    EventSchema schema = new EventSchema(new Schema.Parser().parse(SCHEMA));
    @Nullable Object[] fields = new @Nullable Object[FIELDS.size()];
    fields[0] = 7L;
    fields[1] = 1_000L;
    fields[2] = "c";
    fields[FIELDS.indexOf(field)] = value;
    return switch (encoding) {
      case AVRO ->
          new AvroEventReader(schema, schema.schema())
              .read(new EventEncoder(schema, EventFormat.AVRO).encode(fields), SingleObject.HEADER);
      case JSON ->
          new JsonEventReader(schema)
              .read(new EventEncoder(schema, EventFormat.JSON).encode(fields));
      case CSV ->
          new CsvEventReader(schema, FIELDS, List.of())
              .read(
                  java.util.Arrays.stream(fields).map(v -> v == null ? "" : v.toString()).toList());
    };
  }

  private static @Nullable Object value(String field, @Nullable String text) {
    if (text == null) {
      return null;
    }
    return switch (field) {
      case "amount" -> Double.valueOf(text);
      case "share" -> (double) Float.parseFloat(text);
      case "items" -> Long.valueOf(text);
      case "online" -> Boolean.valueOf(text);
      case "due" -> Instant.parse(text).toEpochMilli();
      default -> text;
    };
  }

  private static RejectedEventException rejection(FeaturePlan plan, @Nullable Object[] fields) {
    RejectedEventException e =
        catchThrowableOfType(
            RejectedEventException.class, () -> plan.admit(fields, Long.MAX_VALUE));
    assertThat(e).as("the event was admitted").isNotNull();
    return e;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "amount: {required: true}                    | amount  | 0.0     |",
        "amount: {min: 0, max: 10}                   | amount  | 0.0     | -0.1",
        "amount: {min: 0, max: 10}                   | amount  | 10.0    | 10.000001",
        "amount: {min: 0}                            | amount  | Infinity| NaN",
        "amount: {max: 0}                            | amount  | -1.0    | NaN",
        "amount: {max: 1e3}                          | amount  | 1000.0  | Infinity",
        "share: {max: 0.1}                           | share   | 0.1     | 0.1000001",
        "items: {min: 9007199254740993}              | items   | 9007199254740993 | 9007199254740992",
        "items: {allowed: [3, -1, 2]}                | items   | -1      | 0",
        "items: {allowed: 3}                         | items   | 3       | 4",
        "channel: {allowed: [web, pos]}              | channel | web     | Web",
        "channel: {required: true}                   | channel | x       |",
        "kind: {allowed: [A, B]}                     | kind    | B       | C",
        "online: {allowed: [true]}                   | online  | true    | false",
        "due: {min: 2020-01-01}                      | due     | 2020-01-01T00:00:00Z | 2019-12-31T23:59:59.999Z",
        "due: {max: '2020-01-01T12:00:00Z'}          | due     | 2020-01-01T12:00:00Z | 2020-01-01T12:00:00.001Z",
      })
  void letsGoodValuesThroughAndRefusesBadOnesInEveryFormat(
      String constraint, String field, String good, @Nullable String bad) throws Exception {
    FeaturePlan plan = plan(constraint);
    for (Encoding encoding : Encoding.values()) {
      FeatureRow row = plan.admit(read(encoding, field, value(field, good)), Long.MAX_VALUE);
      assertThat(row.id).isEqualTo("7");
      RejectedEventException e = rejection(plan, read(encoding, field, value(field, bad)));
      assertThat(e.reason()).isEqualTo("rule");
      assertThat(e.rule()).startsWith("fields." + field + ".");
      assertThat(e.detail())
          .startsWith("rule " + e.rule() + " is broken: field \"" + field + "\" is ");
      assertThat(e.eventId()).isEqualTo("7");
      assertThat(e.fatal()).isFalse();
      assertThat(plan.takeReplaced()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource
  void letsNullThroughWhereItIsNotRequired(Encoding encoding) throws Exception {
    FeaturePlan plan = plan("amount: {min: 0, max: 1}, channel: {allowed: web}");
    FeatureRow row = plan.admit(read(encoding, "amount", null), Long.MAX_VALUE);
    assertThat(row.values[0]).isNaN();
  }

  @Test
  void namesFieldValueAndRule() throws Exception {
    FeaturePlan plan =
        plan(
            "amount: {min: 0, max: 100000}, channel: {allowed: [web, pos]},"
                + " due: {min: 2020-01-01}, items: {required: true}");
    assertThat(rejection(plan, event("amount", -5.5)).detail())
        .isEqualTo("rule fields.amount.min is broken: field \"amount\" is -5.5, less than 0");
    assertThat(rejection(plan, event("amount", 1e6)).detail())
        .isEqualTo(
            "rule fields.amount.max is broken: field \"amount\" is 1000000, more than 100000");
    assertThat(rejection(plan, event("amount", Double.NaN)).detail())
        .isEqualTo(
            "rule fields.amount.min is broken: field \"amount\" is NaN, which no range holds (min"
                + " 0)");
    assertThat(rejection(plan, event("channel", "fax")).detail())
        .isEqualTo(
            "rule fields.channel.allowed is broken: field \"channel\" is \"fax\", none of \"web\","
                + " \"pos\"");
    assertThat(rejection(plan, event("due", 0L)).detail())
        .isEqualTo(
            "rule fields.due.min is broken: field \"due\" is 1970-01-01T00:00:00Z, before"
                + " 2020-01-01T00:00:00Z");
    assertThat(rejection(plan, event("items", null)).detail())
        .isEqualTo(
            "rule fields.items.required is broken: field \"items\" is null, but is required");
  }

  private static @Nullable Object[] event(String field, @Nullable Object value) {
    return read(Encoding.AVRO, field, value);
  }

  @Test
  void defaultsAreSeenByRulesFeaturesAndCarriedFieldsAndCounted() throws Exception {
    FeaturePlan plan =
        new FeaturePlan(
            pipeline(
                "amount: {required: true, max: 10, otherwise: default, default: 1.5},"
                    + " channel: {allowed: [web, pos], otherwise: default, default: web},"
                    + " due: {min: 2020-01-01, otherwise: default, default: 2021-01-01},"
                    + " online: {required: true, otherwise: default, default: false}",
                SCHEMA,
                """
                  rules: {paid: "amount < 2.0", web: "channel == 'web'"}
                entities: {card: card}
                features:
                  amount: {value: "amount * 2.0"}
                  year: {value: "due.getFullYear()"}
                  mean: {entity: card, aggregate: mean(amount), windows: 1d}
                carry: [channel, online, due]
                """));
    @Nullable Object[] fields = event("amount", null);
    fields[FIELDS.indexOf("channel")] = "fax";
    fields[FIELDS.indexOf("due")] = 5L;
    FeatureRow row = plan.admit(fields, Long.MAX_VALUE);
    assertThat(row.values).containsExactly(3.0, 2021.0, Double.NaN, 1.5);
    assertThat(row.carried)
        .containsExactly("web", false, Instant.parse("2021-01-01T00:00:00Z").toEpochMilli());
    assertThat(plan.takeReplaced())
        .containsExactly(
            "fields.amount.required",
            "fields.channel.allowed",
            "fields.due.min",
            "fields.online.required");
    assertThat(plan.takeReplaced()).isEmpty();
    assertThat(
            FeaturePlan.rules(
                pipeline(
                    "amount: {required: true, min: 0, max: 10}",
                    SCHEMA,
                    """
          rules: {r: "true"}
        features: {amount: {value: amount, max: 3}}
        """)))
        .containsExactly(
            "fields.amount.required",
            "fields.amount.min",
            "fields.amount.max",
            "r",
            "features.amount.max");
  }

  @Test
  void failStopsForFieldsRulesAndFeatures() throws Exception {
    String features = "features: {amount: {value: amount, max: 5, otherwise: fail}}";
    FeaturePlan plan =
        new FeaturePlan(
            pipeline(
                "items: {min: 0, otherwise: fail}",
                SCHEMA,
                "  rules: {some: {check: \"amount != 3.0\", otherwise: fail}}\n" + features));
    assertThat(rejection(plan, event("items", -1L)))
        .matches(RejectedEventException::fatal)
        .returns("fields.items.min", RejectedEventException::rule);
    assertThat(rejection(plan, event("amount", 3.0)))
        .matches(RejectedEventException::fatal)
        .returns("some", RejectedEventException::rule);
    assertThat(rejection(plan, event("amount", 5.5)))
        .matches(RejectedEventException::fatal)
        .returns("features.amount.max", RejectedEventException::rule)
        .returns(
            "rule features.amount.max is broken: feature \"amount\" is 5.5, more than 5",
            RejectedEventException::detail);
  }

  @Test
  void featuresOfTheEventAreHeldToTheirBoundsButMissingOnesAreNotOutOfThem() throws Exception {
    FeaturePlan plan =
        new FeaturePlan(
            pipeline(
                "",
                SCHEMA,
                """
                entities: {card: card}
                features:
                  amount: {value: amount, min: 0, max: 5, otherwise: default, default: 5}
                  most: {entity: card, aggregate: max(amount), windows: 1d}
                  items: {value: items, min: 1}
                """));
    assertThat(plan.admit(event("amount", 5.0), Long.MAX_VALUE).values[0]).isEqualTo(5.0);
    assertThat(plan.takeReplaced()).isEmpty();
    FeatureRow replaced = plan.admit(event("amount", -3.0), Long.MAX_VALUE);
    // The aggregate's input stays what the event says.
    assertThat(replaced.values).containsExactly(5.0, Double.NaN, Double.NaN, -3.0);
    assertThat(plan.takeReplaced()).containsExactly("features.amount.min");
    assertThat(plan.admit(event("amount", null), Long.MAX_VALUE).values[0])
        .as("the default is also for a value that is missing")
        .isEqualTo(5);
    assertThat(plan.takeReplaced()).isEmpty();
    assertThat(rejection(plan, event("items", 0L)))
        .returns("features.items.min", RejectedEventException::rule)
        .returns(false, RejectedEventException::fatal);
  }

  @Test
  void nullIsRefusedWhereTheSchemaDoesNotAllowItAndThePipelineReadsTheField() throws Exception {
    String schema =
        SCHEMA
            .replace("[\"null\", \"double\"], \"default\": null", "\"double\"")
            .replace("[\"null\", \"long\"], \"default\": null", "\"long\"");
    String features = "features: {amount: {value: amount}}";
    FeaturePlan plan = new FeaturePlan(pipeline("", schema, features));
    EventSchema events = plan.schema();
    Map<Encoding, @Nullable Object[]> withoutAmount =
        Map.of(
            Encoding.JSON,
            new JsonEventReader(events).read(bytes("{\"id\": 7, \"at\": 5, \"card\": \"c\"}")),
            Encoding.CSV,
            new CsvEventReader(events, List.of("id", "at", "card", "amount"), List.of())
                .read(List.of("7", "5", "c", "")),
            Encoding.AVRO,
            new AvroEventReader(events, new Schema.Parser().parse(SCHEMA))
                .read(
                    new EventEncoder(
                            new EventSchema(new Schema.Parser().parse(SCHEMA)), EventFormat.AVRO)
                        .encode(event("items", null)),
                    SingleObject.HEADER));
    withoutAmount.forEach(
        (encoding, fields) ->
            assertThat(rejection(plan, fields))
                .as("%s", encoding)
                .returns("fields.amount.required", RejectedEventException::rule)
                .returns(
                    "rule fields.amount.required is broken: field \"amount\" is null, but the event"
                        + " schema does not allow null",
                    RejectedEventException::detail));

    FeaturePlan mending =
        new FeaturePlan(pipeline("amount: {otherwise: default, default: 2}", schema, features));
    for (@Nullable Object[] fields : withoutAmount.values()) {
      assertThat(mending.admit(fields, Long.MAX_VALUE).values[0]).isEqualTo(2.0);
      assertThat(mending.takeReplaced()).containsExactly("fields.amount.required");
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void keysAndTimesAreHeldToConstraintsToo() throws Exception {
    FeaturePlan plan = plan("card: {allowed: [c, d]}, at: {min: 1970-01-02}");
    assertThat(rejection(plan, event("amount", 1.0)))
        .returns("fields.at.min", RejectedEventException::rule)
        .matches(e -> e.detail().contains("1970-01-01T00:00:01Z, before 1970-01-02T00:00:00Z"));
    @Nullable Object[] fields = event("amount", 1.0);
    fields[1] = 86_400_000L * 2;
    fields[2] = "e";
    assertThat(rejection(plan, fields))
        .returns("fields.card.allowed", RejectedEventException::rule);
  }

  @Test
  void aMissingIdOrKeyIsRefusedByTheConstraintThatSaysSoElseByItsOwnReason() throws Exception {
    @Nullable Object[] noId = event("amount", 1.0);
    noId[0] = null;
    assertThat(rejection(plan("id: {otherwise: fail}"), noId.clone()))
        .returns("fields.id.required", RejectedEventException::rule)
        .returns(null, RejectedEventException::eventId)
        .matches(RejectedEventException::fatal);
    assertThat(rejection(plan("amount: {min: 0}"), noId))
        .returns("missing-id", RejectedEventException::reason);
    FeaturePlan keyed =
        new FeaturePlan(
            pipeline(
                "",
                SCHEMA,
                """
                entities: {card: card}
                features: {amount: {value: "amount + double(size(card)) + double(id) + double(at.getHours())"}}
                carry: [card]
                """));
    @Nullable Object[] noKey = event("amount", 1.0);
    noKey[2] = null;
    assertThat(rejection(keyed, noId)).returns("missing-id", RejectedEventException::reason);
    @Nullable Object[] noTime = event("amount", 1.0);
    noTime[1] = null;
    assertThat(rejection(keyed, noTime)).returns("missing-time", RejectedEventException::reason);
    assertThat(rejection(keyed, noKey))
        .returns("missing-key", RejectedEventException::reason)
        .returns("7", RejectedEventException::eventId);
  }

  @Test
  void theFirstConstraintInTheFilesOrderDecides() throws Exception {
    FeaturePlan plan = plan("items: {min: 0}, amount: {required: true, otherwise: fail}");
    assertThat(rejection(plan, event("items", -1L)))
        .returns("fields.items.min", RejectedEventException::rule)
        .returns(false, RejectedEventException::fatal);
  }
}
