package io.pelton.job;

import io.pelton.pipeline.PipelineDefinition;
import io.pelton.wire.PredictionCodec;
import java.io.Serializable;
import java.util.List;

/**
 * Publishes the schemas of predictions, which depend on the version that scores. Asking the brokers
 * takes a while, so it is done where a version is loaded, before its first row, and not where rows
 * are written.
 *
 * @param store the schemas topic
 */
public record PredictionSchemas(KafkaSchemaStore store, PipelineDefinition pipeline)
    implements Serializable {
  private static final long serialVersionUID = 1;

  /**
   * Returns when the brokers have the schema; at once when they are known to have it.
   *
   * @param modelFeatures that the version takes, in its order
   * @throws KafkaUnavailableException when the brokers do not answer or refuse
   */
  public void publish(List<String> modelFeatures) throws KafkaUnavailableException {
    store.publish(List.of(PredictionCodec.schema(pipeline, modelFeatures)));
  }
}
