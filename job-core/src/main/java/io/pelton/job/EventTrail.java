package io.pelton.job;

import io.pelton.feature.FeatureRow;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.wire.FeatureVectorCodec;
import io.pelton.wire.PredictionCodec;
import io.pelton.wire.UndecodableException;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

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

  private interface Decoder<T> {
    T decode(byte @Nullable [] value) throws UndecodableException;
  }

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
  public List<Found<ScoredRow>> predictions(String id) throws KafkaUnavailableException {
    PredictionCodec codec = new PredictionCodec(pipeline, schemas);
    return find(Topic.PREDICTIONS, id, codec::decode, row -> row.id);
  }

  /**
   * The event's feature rows.
   *
   * @throws KafkaUnavailableException when the brokers do not answer, or the topic is missing
   */
  public List<Found<FeatureRow>> features(String id) throws KafkaUnavailableException {
    FeatureVectorCodec codec = new FeatureVectorCodec(pipeline, schemas);
    return find(Topic.FEATURES, id, codec::decode, row -> row.id);
  }

  private <T> List<Found<T>> find(Topic topic, String id, Decoder<T> decoder, Id<T> ids)
      throws KafkaUnavailableException {
    List<Found<T>> found = new ArrayList<>();
    try {
      WholeTopic.read(
          kafka,
          topic.suffix() + " topic",
          pipeline.topic(topic),
          record -> {
            T value = decoded(record, decoder);
            if (value != null && ids.of(value).equals(id)) {
              found.add(
                  new Found<>(
                      value,
                      "partition %d offset %d".formatted(record.partition(), record.offset())));
            }
          });
    } catch (IllegalStateException e) {
      throw new KafkaUnavailableException(String.valueOf(e.getMessage()), e);
    }
    return found;
  }

  /** A record that cannot be read is not the event's, as far as anyone can tell. */
  private static <T> @Nullable T decoded(
      ConsumerRecord<byte[], byte[]> record, Decoder<T> decoder) {
    try {
      return decoder.decode(record.value());
    } catch (UndecodableException e) {
      return null;
    }
  }
}
