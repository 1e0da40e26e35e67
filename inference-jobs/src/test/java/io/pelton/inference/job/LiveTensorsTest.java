package io.pelton.inference.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.feature.FeatureRow;
import io.pelton.job.ScoredRowTypeInfo;
import io.pelton.model.ScoredRow;
import io.pelton.model.TinyModels;
import io.pelton.pipeline.Breaker;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Safeguards;
import io.pelton.registry.LocalStorage;
import io.pelton.registry.NewVersion;
import io.pelton.registry.Registry;
import io.pelton.rollout.RolloutPlan;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.runtime.clusterframework.types.ResourceID;
import org.apache.flink.runtime.executiongraph.ExecutionAttemptID;
import org.apache.flink.runtime.metrics.groups.TaskManagerMetricGroup;
import org.apache.flink.runtime.metrics.groups.TaskMetricGroup;
import org.apache.flink.runtime.metrics.util.TestingMetricRegistry;
import org.apache.flink.runtime.operators.testutils.MockEnvironmentBuilder;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Batches leave nothing in an engine's memory. */
final class LiveTensorsTest {
  private static final int BATCHES = 5_000;
  private static final int SIZE = 16;

  /** No float holds it, so that the row fails, and its batch with it. */
  private static final double TOO_LARGE = 1e300;

  @TempDir Path directory;

  @Test
  void onnxIsFlatOverBatchesThatFailToo() throws Exception {
    isFlat(
        TinyModels.onnxVersion(
            "fraud",
            directory.resolve("m.onnx"),
            InferenceTopologyTest.MODEL,
            InferenceTopologyTest.WEIGHTS,
            0.1),
        Safeguards.NONE);
  }

  @Test
  void tensorFlowIsFlatOverBatchesThatFailTooOnAThreadOfItsOwn() throws Exception {
    isFlat(
        TinyModels.savedModelVersion(
            "fraud",
            directory.resolve("m"),
            InferenceTopologyTest.MODEL,
            InferenceTopologyTest.WEIGHTS,
            0.1),
        new Safeguards(60_000L, new Breaker(3, 1_000), null));
  }

  private void isFlat(NewVersion version, Safeguards safeguards) throws Exception {
    Path registry = directory.resolve("registry");
    new Registry(new LocalStorage(registry)).publish(version);
    PipelineDefinition pipeline = InferenceTopologyTest.pipeline(safeguards);
    AtomicReference<Gauge<?>> live = new AtomicReference<>();
    try (var harness =
        new OneInputStreamOperatorTestHarness<FeatureRow, ScoredRow>(
            new BatchingInferenceOperator(
                pipeline,
                SIZE,
                10,
                RolloutPlan.of("fraud", 1),
                RegistryModels.of(registry.toUri().toString(), "fraud", pipeline, null),
                null,
                false),
            new MockEnvironmentBuilder().setMetricGroup(metrics(live)).build())) {
      harness.setup(new ScoredRowTypeInfo().createSerializer(new SerializerConfigImpl()));
      harness.open();
      Object base = live.get().getValue();
      int died = 0;
      for (int batch = 0; batch < BATCHES; batch++) {
        for (int i = 0; i < SIZE; i++) {
          boolean bad = batch % 5 == 0 && i % 4 == 1;
          died += bad ? 1 : 0;
          double[] values = {i, 0, batch, bad ? TOO_LARGE : 1};
          harness.processElement(
              new StreamRecord<>(
                  new FeatureRow("" + i, batch, new String[] {"c"}, values, new Object[0])));
        }
        harness.processWatermark(batch); // waits for a batch that is under way
        assertThat(live.get().getValue()).as("after batch %d", batch).isEqualTo(base);
      }
      assertThat(harness.extractOutputValues()).hasSize(BATCHES * SIZE - died);
      assertThat(harness.getSideOutput(BatchingInferenceOperator.DEAD_LETTERS)).hasSize(died);
    }
  }

  private static TaskMetricGroup metrics(AtomicReference<Gauge<?>> live) {
    return TaskManagerMetricGroup.createTaskManagerMetricGroup(
            TestingMetricRegistry.builder()
                .setRegisterConsumer(
                    (metric, name, group) -> {
                      if (name.equals("live_tensors")) {
                        live.set((Gauge<?>) metric);
                      }
                    })
                .build(),
            "localhost",
            ResourceID.generate())
        .addJob(new JobID(), "job")
        .addTask(ExecutionAttemptID.randomId(), "task");
  }
}
