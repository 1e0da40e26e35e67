package io.pelton.cli;

import io.pelton.feature.job.EventSources;
import io.pelton.feature.job.FeatureOutputs;
import io.pelton.feature.job.FeatureTopology;
import io.pelton.pipeline.PipelineDefinition;
import java.util.List;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Files that features are computed of.
 *
 * @param outcomes none when no feature aggregates them
 */
record HistoryFiles(PipelineDefinition pipeline, List<Path> events, List<Path> outcomes) {
  FeatureOutputs features(StreamExecutionEnvironment environment) {
    return FeatureTopology.build(
        EventSources.files(environment, pipeline, events),
        outcomes.isEmpty() ? null : EventSources.outcomeFiles(environment, pipeline, outcomes),
        pipeline);
  }
}
