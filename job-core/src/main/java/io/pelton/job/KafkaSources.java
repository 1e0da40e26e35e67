package io.pelton.job;

import io.pelton.feature.FeatureRow;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.schemas.DeadLetter;
import io.pelton.schemas.Outcome;
import java.time.Duration;
import org.apache.flink.api.common.eventtime.SerializableTimestampAssigner;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.typeutils.EitherTypeInfo;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.KafkaSourceBuilder;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.types.Either;

/**
 * Feature rows, predictions and outcomes from their topics, for jobs that run on their own. A
 * record that cannot be decoded becomes a dead letter; it has no event time and does not move the
 * watermark.
 */
public final class KafkaSources {
  /**
   * How a topic is read.
   *
   * @param group consumer group that the offsets are committed to
   * @param start where to begin without a checkpoint, e.g. {@code committedOffsets(EARLIEST)}
   * @param bounded stop at the offsets that are the last ones when the job starts
   * @param outOfOrderness how far behind the newest event time of its partition a row may be, ms
   * @param idleAfter a partition without records for this long does not hold the watermark, ms
   */
  public record Reading(
      String group,
      OffsetsInitializer start,
      boolean bounded,
      long outOfOrderness,
      long idleAfter) {
    public Reading {
      if (group.isBlank()) {
        throw new IllegalArgumentException("consumer group must not be blank; give --group");
      }
      if (outOfOrderness < 0 || idleAfter <= 0) {
        throw new IllegalArgumentException(
            "out-of-orderness is "
                + outOfOrderness
                + " ms and idle-after "
                + idleAfter
                + " ms; the first must not be negative, the second must be positive");
      }
    }
  }

  private final StreamExecutionEnvironment env;
  private final KafkaSettings kafka;
  private final PipelineDefinition pipeline;

  public KafkaSources(
      StreamExecutionEnvironment env, KafkaSettings kafka, PipelineDefinition pipeline) {
    this.env = env;
    this.kafka = kafka;
    this.pipeline = pipeline;
  }

  /** The features topic; writer schemas are looked up in the schemas topic. */
  public Decoded<FeatureRow> features(Reading reading) {
    return decoded(
        "features",
        pipeline.topic(Topic.FEATURES),
        RowKafkaDeserializer.ofFeatures(pipeline, schemas(), either(new FeatureRowTypeInfo())),
        new FeatureRowTypeInfo(),
        row -> row.time,
        reading);
  }

  /** The predictions topic; writer schemas are looked up in the schemas topic. */
  public Decoded<ScoredRow> predictions(Reading reading) {
    return decoded(
        "predictions",
        pipeline.topic(Topic.PREDICTIONS),
        RowKafkaDeserializer.ofPredictions(pipeline, schemas(), either(new ScoredRowTypeInfo())),
        new ScoredRowTypeInfo(),
        row -> row.time,
        reading);
  }

  /** The outcomes topic; an outcome's time is when it was reported. */
  public Decoded<Outcome> outcomes(Reading reading) {
    return decoded(
        "outcomes",
        pipeline.topic(Topic.OUTCOMES),
        new OutcomeKafkaDeserializer(
            pipeline, schemas(), either(new SpecificRecordTypeInfo<>(Outcome.class))),
        new SpecificRecordTypeInfo<>(Outcome.class),
        outcome -> outcome.getReportedAt().toEpochMilli(),
        reading);
  }

  private KafkaSchemaStore schemas() {
    return new KafkaSchemaStore(kafka, pipeline.topic(Topic.SCHEMAS));
  }

  private static <T> TypeInformation<Either<T, DeadLetter>> either(TypeInformation<T> row) {
    return new EitherTypeInfo<>(row, new SpecificRecordTypeInfo<>(DeadLetter.class));
  }

  /** Event time of a row; Java serializes it with the job. */
  private interface TimeOf<T> extends java.io.Serializable {
    long of(T row);
  }

  private <T> Decoded<T> decoded(
      String name,
      String topic,
      KafkaRecordDeserializationSchema<Either<T, DeadLetter>> deserializer,
      TypeInformation<T> type,
      TimeOf<T> time,
      Reading reading) {
    KafkaSourceBuilder<Either<T, DeadLetter>> source =
        KafkaSource.<Either<T, DeadLetter>>builder()
            .setProperties(kafka.consumer(pipeline.latency()))
            .setTopics(topic)
            .setGroupId(reading.group())
            .setStartingOffsets(reading.start())
            .setDeserializer(deserializer);
    if (reading.bounded()) {
      source.setBounded(OffsetsInitializer.latest());
    }
    SerializableTimestampAssigner<Either<T, DeadLetter>> eventTime =
        (record, timestamp) -> record.isLeft() ? time.of(record.left()) : Long.MIN_VALUE;
    WatermarkStrategy<Either<T, DeadLetter>> watermarks =
        WatermarkStrategy.<Either<T, DeadLetter>>forBoundedOutOfOrderness(
                Duration.ofMillis(reading.outOfOrderness()))
            .withTimestampAssigner(eventTime)
            .withIdleness(Duration.ofMillis(reading.idleAfter()));

    SingleOutputStreamOperator<Either<T, DeadLetter>> records =
        env.fromSource(source.build(), watermarks, "read " + topic).uid(name + "-source");
    SingleOutputStreamOperator<T> rows =
        records
            .process(new DeadLetterSplit<T>())
            .returns(type)
            .name("split " + topic)
            .uid(name + "-split");
    return new Decoded<>(rows, rows.getSideOutput(DeadLetterSplit.DEAD_LETTERS));
  }
}
