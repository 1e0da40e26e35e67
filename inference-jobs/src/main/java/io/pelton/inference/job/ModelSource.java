package io.pelton.inference.job;

import io.pelton.pipeline.PipelineDefinition;
import java.io.Serializable;

/**
 * Where a job takes its model from.
 *
 * @param registry directory on any Flink file system
 * @param reference {@code name} (its champion), {@code name@3} or {@code name@alias}
 */
public record ModelSource(String registry, String reference) implements Serializable {
  /** The champion of the pipeline's model. */
  public static ModelSource champion(String registry, PipelineDefinition pipeline) {
    PipelineDefinition.Model model = pipeline.model();
    if (model == null) {
      throw new IllegalArgumentException(
          "pipeline " + pipeline.name() + " has no model section; add one to score with it");
    }
    return new ModelSource(registry, model.name());
  }
}
