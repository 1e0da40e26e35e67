package io.pelton.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

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
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The JSON Schema that editors use says the same as the parser. */
class PipelineSchemaTest {
  private static JsonNode schema() throws Exception {
    try (InputStream in = DeadLetter.class.getResourceAsStream("pipeline.schema.json")) {
      return new ObjectMapper().readTree(in);
    }
  }

  private static List<String> keys(JsonNode object) {
    List<String> names = new ArrayList<>();
    object.get("properties").fieldNames().forEachRemaining(names::add);
    return names;
  }

  @Test
  void knowsTheKeysThatTheParserKnows() throws Exception {
    JsonNode root = schema();
    JsonNode sections = root.get("properties");
    assertThat(keys(root)).containsExactlyElementsOf(PipelineFile.KEYS);
    assertThat(keys(sections.get("events"))).containsExactlyElementsOf(EventSections.EVENT_KEYS);
    assertThat(keys(sections.get("entities").get("additionalProperties").get("oneOf").get(1)))
        .containsExactlyElementsOf(EventSections.ENTITY_KEYS);
    JsonNode kinds = sections.get("features").get("additionalProperties").get("oneOf");
    Set<String> featureKeys = new LinkedHashSet<>(keys(kinds.get(1)));
    featureKeys.addAll(keys(kinds.get(0)));
    assertThat(featureKeys).containsExactlyInAnyOrderElementsOf(FeatureSections.FEATURE_KEYS);
    JsonNode events = sections.get("events").get("properties");
    assertThat(keys(events.get("deduplicate")))
        .containsExactlyElementsOf(EventSections.DEDUPLICATE_KEYS);
    assertThat(keys(events.get("rules").get("additionalProperties").get("oneOf").get(1)))
        .containsExactlyElementsOf(ConstraintSections.RULE_KEYS);
    assertThat(keys(events.get("fields").get("additionalProperties")))
        .containsExactlyElementsOf(ConstraintSections.FIELD_KEYS);
    assertThat(keys(sections.get("model"))).containsExactlyElementsOf(ModelSections.MODEL_KEYS);
    assertThat(keys(sections.get("model").get("properties").get("batch")))
        .containsExactlyElementsOf(ModelSections.BATCH_KEYS);
    assertThat(keys(sections.get("model").get("properties").get("breaker")))
        .containsExactlyElementsOf(ModelSections.BREAKER_KEYS);
    assertThat(keys(sections.get("model").get("properties").get("fallback")))
        .containsExactlyElementsOf(ModelSections.FALLBACK_KEYS);
    assertThat(keys(sections.get("model").get("properties").get("shadow")))
        .containsExactlyElementsOf(ModelSections.SHADOW_KEYS);
    assertThat(keys(sections.get("outcomes")))
        .containsExactlyElementsOf(ModelSections.OUTCOME_KEYS);
    JsonNode drift = sections.get("drift");
    assertThat(keys(drift)).containsExactlyElementsOf(DriftSection.KEYS);
    assertThat(keys(drift.get("properties").get("thresholds")))
        .containsExactlyElementsOf(DriftSection.THRESHOLD_KEYS);
    assertThat(keys(drift.get("properties").get("persistence")))
        .containsExactlyElementsOf(DriftSection.PERSISTENCE_KEYS);
    assertThat(keys(sections.get("topics")))
        .containsExactlyElementsOf(PipelineDefinition.topicKinds());
    assertThat(keys(sections.get("delivery").get("oneOf").get(1)))
        .containsExactlyElementsOf(Delivery.kinds());
  }

  @Test
  void acceptsTheExampleAndRefusesAnUnknownKey() throws Exception {
    JsonSchema schema =
        JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012).getSchema(schema());
    String example = Files.readString(Path.of("../examples/card-fraud/pipeline.yaml"));
    assertThat(schema.validate(example, InputFormat.YAML)).isEmpty();
    assertThat(schema.validate(example.replace("carry:", "cary:"), InputFormat.YAML)).isNotEmpty();
    assertThat(schema.validate(example.replace("mean(amount)", "avg(amount)"), InputFormat.YAML))
        .isNotEmpty();
  }

  @Test
  void theSummarySaysWhatThePipelineDoes() throws Exception {
    assertThat(
            PipelineSummary.of(PipelineFile.read(Path.of("../examples/card-fraud/pipeline.yaml"))))
        .contains("Pipeline card-fraud")
        .contains("reads avro events from topic transactions")
        .contains("waits 10s for earlier ones")
        .contains("computes 15 features")
        .contains(
            "terminal_risk_1d, terminal_risk_7d, terminal_risk_30d = mean(fraud) over the"
                + " terminal's last 1d, 7d, 30d, ending 7d before the event, 0 when there are none")
        .contains("in batches of up to 256 rows or 5ms, on a GPU where there is one")
        .contains("alerts to card-fraud.alerts when PSI > 0.2 or KS > 0.1")
        .contains(
            "joins predictions with the outcomes of topic outcomes, up to 30d after their event:"
                + " how they did goes to topic card-fraud.performance");
  }
}
