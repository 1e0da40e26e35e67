package io.pelton.job;

import io.pelton.feature.FeatureRow;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.wire.FeatureVectorCodec;
import io.pelton.wire.PredictionCodec;
import java.util.ArrayList;
import java.util.List;

/** What a pipeline's topics hold of one event. Topics are read whole: their keys are entities. */
public final class EventTrail {
  private final KafkaSettings kafka;
  private final PipelineDefinition pipeline;
  private final KafkaSchemaStore schemas;

  /**
   * A record of the event.
   *
   * @param place partition and offset, in words
   */
  public record Found<T>(T value, String place) {}

  /**
   * What a topic holds of the event.
   *
   * @param unreadable records of any event that could not be read
   * @param problem why the first of them could not; empty without any
   */
  public record Search<T>(List<Found<T>> found, long unreadable, String problem) {}

  private interface Id<T> {
    String of(T value);
  }

  public EventTrail(KafkaSettings kafka, PipelineDefinition pipeline) {
    this.kafka = kafka;
    this.pipeline = pipeline;
    schemas = new KafkaSchemaStore(kafka, pipeline.topic(Topic.SCHEMAS));
  }

  /**
   * The event's predictions, in the topic's order: more than one where a failure repeated some.
   *
   * @throws KafkaUnavailableException when the brokers do not answer, or the topic is missing
   */
  public Search<ScoredRow> predictions(String id) throws KafkaUnavailableException {
    PredictionCodec codec = new PredictionCodec(pipeline, schemas);
    return find(Topic.PREDICTIONS, id, codec::decode, row -> row.id);
  }

  /**
   * The event's feature rows.
   *
   * @throws KafkaUnavailableException when the brokers do not answer, or the topic is missing
   */
  public Search<FeatureRow> features(String id) throws KafkaUnavailableException {
    FeatureVectorCodec codec = new FeatureVectorCodec(pipeline, schemas);
    return find(Topic.FEATURES, id, codec::decode, row -> row.id);
  }

  private <T> Search<T> find(Topic topic, String id, DecodedTopic.Decoder<T> decoder, Id<T> ids)
      throws KafkaUnavailableException {
    List<Found<T>> found = new ArrayList<>();
    DecodedTopic.Unreadable unreadable =
        DecodedTopic.read(
            kafka,
            pipeline,
            topic,
            decoder,
            (value, place) -> {
              if (ids.of(value).equals(id)) {
                found.add(new Found<>(value, place));
              }
            });
    return new Search<>(found, unreadable.count(), unreadable.problem());
  }
}
