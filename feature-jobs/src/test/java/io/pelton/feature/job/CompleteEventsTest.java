package io.pelton.feature.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.feature.FeatureRow;
import io.pelton.job.Incoming;
import io.pelton.job.JobMetric;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.DeadLetter;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.apache.flink.streaming.api.operators.ProcessOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Events of a terminal of which nothing is known, which breaks the rule. */
class CompleteEventsTest {
  private static final long START = 1_600_000_000_000L;

  @TempDir Path directory;

  private PipelineDefinition pipeline(String rule) throws Exception {
    return TopicTables.pipeline(directory, "rules:\n  known: " + rule);
  }

  private static OneInputStreamOperatorTestHarness<Incoming, FeatureRow> harness(
      PipelineDefinition pipeline) throws Exception {
    return new OneInputStreamOperatorTestHarness<>(
        new ProcessOperator<>(new CompleteEvents<FeatureRow>(pipeline, (event, row) -> row)));
  }

  private static StreamRecord<Incoming> event(PipelineDefinition pipeline) {
    return new StreamRecord<>(TopicTables.event(pipeline, 5, START, 1, 7), START);
  }

  private static Object dead(OneInputStreamOperatorTestHarness<Incoming, FeatureRow> harness) {
    return harness
        .getEnvironment()
        .getAccumulatorRegistry()
        .getUserMap()
        .get(JobMetric.FEATURE_DEAD_JOINED.id())
        .getLocalValue();
  }

  @Test
  void whatBreaksARuleIsADeadLetterWithItsBytesAndPlace() throws Exception {
    PipelineDefinition pipeline = pipeline("\"terminals.terminal_id != null\"");
    try (var harness = harness(pipeline)) {
      harness.open();
      StreamRecord<Incoming> event = event(pipeline);
      harness.processElement(event);
      assertThat(harness.extractOutputValues()).isEmpty();
      DeadLetter letter = harness.getSideOutput(CompleteEvents.DEAD).element().getValue();
      assertThat(letter.getRule()).isEqualTo("known");
      assertThat(letter.getOffset()).isEqualTo(5);
      assertThat(letter.getValue()).isEqualTo(ByteBuffer.wrap(event.getValue().value));
      assertThat(letter.getDetail())
          .startsWith("rule known is broken")
          .contains("customer_id: 1, terminal_id: 7, amount: 5.0", "terminals.terminal_id: null");
      assertThat(dead(harness)).isEqualTo(1L);
    }
  }

  @Test
  void aLateEventIsAccountedForAlready() throws Exception {
    PipelineDefinition pipeline = pipeline("\"terminals.terminal_id != null\"");
    try (var harness = harness(pipeline)) {
      harness.open();
      StreamRecord<Incoming> event = event(pipeline);
      event.getValue().row.history = true;
      event.getValue().row.late = true;
      harness.processElement(event);
      assertThat(harness.getOutput()).isEmpty();
      assertThat(harness.getSideOutput(CompleteEvents.DEAD)).isNull();
      assertThat(dead(harness)).isEqualTo(0L);
    }
  }

  @Test
  void aRuleThatFailsStopsTheJob() throws Exception {
    PipelineDefinition pipeline =
        pipeline("{check: \"terminals.terminal_id != null\", otherwise: fail}");
    try (var harness = harness(pipeline)) {
      harness.open();
      assertThatThrownBy(() -> harness.processElement(event(pipeline)))
          .isInstanceOf(BrokenRuleException.class)
          .hasMessageContaining("event 5 of transactions, partition 0, offset 5: rule known");
    }
  }
}
