package io.pelton.pipeline;

import static io.pelton.pipeline.Delivery.AT_LEAST_ONCE;
import static io.pelton.pipeline.Delivery.EXACTLY_ONCE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeliveryTest {
  private static final Path EXAMPLE = Path.of("../examples/card-fraud/pipeline.yaml");

  @TempDir Path directory;

  @BeforeEach
  void copySchema() throws Exception {
    Files.copy(EXAMPLE.resolveSibling("transaction.avsc"), directory.resolve("transaction.avsc"));
  }

  private PipelineDefinition with(String text) throws Exception {
    return PipelineFile.read(
        Files.writeString(directory.resolve("p.yaml"), Files.readString(EXAMPLE) + text));
  }

  @Test
  void everyTopicIsWrittenExactlyOnceUnlessTheFileSaysOtherwise() throws Exception {
    assertThat(with("").delivery(Topic.PREDICTIONS)).isEqualTo(EXACTLY_ONCE);
    assertThat(PipelineSummary.of(with("")))
        .contains("writes exactly once: records show when a checkpoint completes");

    PipelineDefinition all = with("delivery: at-least-once\n");
    assertThat(Delivery.TOPICS).allMatch(topic -> all.delivery(topic) == AT_LEAST_ONCE);
    assertThat(PipelineSummary.of(all))
        .contains("writes at least once: records show at once, and again after a failure");

    PipelineDefinition some =
        with("delivery: {predictions: at-least-once, features: exactly-once}\n");
    assertThat(some.delivery(Topic.PREDICTIONS)).isEqualTo(AT_LEAST_ONCE);
    assertThat(some.delivery(Topic.FEATURES)).isEqualTo(EXACTLY_ONCE);
    assertThat(some.delivery(Topic.LATE)).isEqualTo(EXACTLY_ONCE);
    assertThat(PipelineSummary.of(some))
        .contains(
            "writes predictions at least once: records show at once, and again after a failure;"
                + " other topics exactly once: records show when a checkpoint completes");
  }

  @Test
  void asksWhichTopicOrGuaranteeWasMeant() {
    assertThatThrownBy(() -> with("delivery: {prediction: at-least-once, late: atleastonce}\n"))
        .hasMessageContaining("delivery.prediction: unknown key; did you mean \"predictions\"?")
        .hasMessageContaining(
            "delivery.late: unknown value \"atleastonce\"; did you mean \"at-least-once\"?");
    assertThatThrownBy(() -> with("delivery: {schemas: exactly-once}\n"))
        .hasMessageContaining("delivery.schemas: unknown key");
    assertThatThrownBy(() -> with("delivery: once\n"))
        .hasMessageContaining(
            "delivery: unknown value \"once\"; known: exactly-once, at-least-once");
    assertThatThrownBy(() -> with("delivery: [at-least-once]\n"))
        .hasMessageContaining("delivery: must be a text, but is a list");
  }

  @Test
  void anOptionNamesAllTopicsOrSome() throws Exception {
    assertThat(Delivery.parse("at-least-once"))
        .containsOnlyKeys(Delivery.TOPICS)
        .containsEntry(Topic.DRIFT, AT_LEAST_ONCE);
    assertThat(Delivery.parse("predictions=at-least-once, dead-letters=exactly-once"))
        .isEqualTo(Map.of(Topic.PREDICTIONS, AT_LEAST_ONCE, Topic.DEAD_LETTERS, EXACTLY_ONCE));

    PipelineDefinition file = with("delivery: {predictions: at-least-once, late: at-least-once}\n");
    PipelineDefinition given = file.with(Delivery.parse("predictions=exactly-once"));
    assertThat(given.delivery(Topic.PREDICTIONS)).isEqualTo(EXACTLY_ONCE);
    assertThat(given.delivery(Topic.LATE)).isEqualTo(AT_LEAST_ONCE);
  }

  @Test
  void refusesAnOptionThatNamesWhatThereIsNot() {
    assertThatThrownBy(() -> Delivery.parse("exactly_once"))
        .hasMessage(
            "--delivery \"exactly_once\": unknown guarantee \"exactly_once\"; did you mean"
                + " \"exactly-once\"?");
    assertThatThrownBy(() -> Delivery.parse("prediction=at-least-once"))
        .hasMessage(
            "--delivery \"prediction=at-least-once\": no job writes a topic \"prediction\"; did you"
                + " mean \"predictions\"?");
    assertThatThrownBy(() -> Delivery.parse("late=exactly-once,drift"))
        .hasMessageContaining("\"drift\" is not TOPIC=GUARANTEE; write predictions=");
    assertThatThrownBy(() -> Delivery.parse("late=exactly-once,late=at-least-once"))
        .hasMessageContaining("late is given twice; name it once");
  }
}
