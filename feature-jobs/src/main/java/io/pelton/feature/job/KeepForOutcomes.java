package io.pelton.feature.job;

import io.pelton.feature.FeaturePlan;
import io.pelton.feature.FeatureRow;
import io.pelton.feature.OutcomePlan;
import io.pelton.pipeline.PipelineDefinition;
import java.util.Objects;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/** Reduces events to what is kept of them until their outcome is known. */
final class KeepForOutcomes extends ProcessFunction<FeatureRow, FeatureRow> {
  private static final long serialVersionUID = 1;

  private final PipelineDefinition pipeline;
  private transient @Nullable OutcomePlan plan;

  KeepForOutcomes(PipelineDefinition pipeline) {
    this.pipeline = pipeline;
  }

  @Override
  public void open(OpenContext context) {
    plan = Objects.requireNonNull(new FeaturePlan(pipeline).outcomes());
  }

  @Override
  public void processElement(FeatureRow row, Context context, Collector<FeatureRow> out) {
    out.collect(Objects.requireNonNull(plan).keep(row));
  }
}
