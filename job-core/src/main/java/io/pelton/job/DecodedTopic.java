package io.pelton.job;

import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.wire.UndecodableException;
import org.jspecify.annotations.Nullable;

/** Reads one of a pipeline's topics from its start to the end that it has now. */
public final class DecodedTopic {
  private DecodedTopic() {}

  /** What a record's value means. */
  public interface Decoder<T> {
    T decode(byte @Nullable [] value) throws UndecodableException;
  }

  /** Gets the records, those of a partition in order. */
  public interface Taker<T> {
    /**
     * @param place partition and offset, in words
     */
    void take(T value, String place);
  }

  /**
   * Records that could not be read.
   *
   * @param problem why the first of them could not, and where it is; empty without any
   */
  public record Unreadable(long count, String problem) {}

  /**
   * Reads all records, none of which is kept.
   *
   * @throws KafkaUnavailableException when the brokers do not answer, or the topic is missing
   */
  public static <T> Unreadable read(
      KafkaSettings kafka,
      PipelineDefinition pipeline,
      Topic topic,
      Decoder<T> decoder,
      Taker<T> taker)
      throws KafkaUnavailableException {
    long[] count = {0};
    StringBuilder problem = new StringBuilder();
    try {
      WholeTopic.read(
          kafka,
          topic.suffix() + " topic",
          pipeline.topic(topic),
          record -> {
            String place = "partition %d offset %d".formatted(record.partition(), record.offset());
            try {
              taker.take(decoder.decode(record.value()), place);
            } catch (UndecodableException e) {
              if (count[0]++ == 0) {
                problem.append(place).append(' ').append(e.getMessage());
              }
            }
          });
    } catch (IllegalStateException e) {
      throw new KafkaUnavailableException(String.valueOf(e.getMessage()), e);
    }
    return new Unreadable(count[0], problem.toString());
  }
}
