package io.pelton.job;

import io.pelton.feature.FeatureRow;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.Latency;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.schemas.DeadLetter;
import io.pelton.schemas.DriftAlert;
import io.pelton.schemas.DriftReport;
import io.pelton.schemas.LateEvent;
import io.pelton.schemas.ModelCommand;
import io.pelton.schemas.PerformanceReport;
import io.pelton.wire.FeatureVectorCodec;
import io.pelton.wire.PredictionCodec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.avro.Schema;
import org.apache.avro.specific.SpecificRecordBase;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.KafkaSinkBuilder;
import org.apache.flink.util.function.SerializableFunction;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.config.ConfigResource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Kafka sinks of one job of a pipeline.
 *
 * <ul>
 *   <li>Features and predictions: key is the key of the pipeline's first entity, so that its rows
 *       stay in one partition (in order as far as one subtask writes them); the event id where
 *       there is no entity. The Kafka timestamp is event time (the epoch for events before 1970),
 *       so that a source downstream and a search by time see it.
 *   <li>Other records: the Kafka timestamp is when they were written.
 * </ul>
 *
 * A topic that is delivered at least once is written at once, and again after a failure what was
 * written since a checkpoint. One that is delivered exactly once is written in transactions that
 * commit with the checkpoint. A transaction that the broker gave up because the job was down for
 * longer than its timeout is lost, so the timeout is an hour, or the most that the broker allows; a
 * broker that does not tell, or allows too little, is a {@link KafkaUnavailableException}.
 */
public final class KafkaSinks {
  private static final Logger LOG = LoggerFactory.getLogger(KafkaSinks.class);
  private static final Duration WANTED = Duration.ofHours(1);
  private static final Duration LEAST = Duration.ofMinutes(1);
  private static final String BROKER_MAXIMUM = "transaction.max.timeout.ms";

  private final KafkaSettings kafka;
  private final PipelineDefinition pipeline;
  private final String job;
  private @Nullable Duration transactionTimeout;

  /**
   * @param pipeline says of each topic how often its records are delivered
   * @param job name of the job, in the transactional ids: no two running jobs of a pipeline may
   *     share it
   */
  public KafkaSinks(KafkaSettings kafka, PipelineDefinition pipeline, String job) {
    this.kafka = kafka;
    this.pipeline = pipeline;
    this.job = job;
  }

  private static Duration transactionTimeout(KafkaSettings kafka) throws KafkaUnavailableException {
    String chosen = kafka.producer().getProperty(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG);
    if (chosen != null) {
      return Duration.ofMillis(Long.parseLong(chosen));
    }
    Duration allowed = longestTransaction(kafka);
    if (allowed.compareTo(LEAST) < 0) {
      throw new KafkaUnavailableException(
          "Kafka at "
              + kafka.brokers()
              + ": "
              + BROKER_MAXIMUM
              + " is "
              + allowed.toMillis()
              + "; a job that is down for longer loses what it had not committed, so Pelton wants"
              + " at least "
              + LEAST.toMillis()
              + ": raise it on the broker, or choose delivery at-least-once");
    }
    if (allowed.compareTo(WANTED) < 0) {
      LOG.warn(
          "transactions time out after {} min, for the broker allows no more ({}): a job that is"
              + " down for longer loses what it had not committed",
          allowed.toMinutes(),
          BROKER_MAXIMUM);
      return allowed;
    }
    return WANTED;
  }

  private static Duration longestTransaction(KafkaSettings kafka) throws KafkaUnavailableException {
    String what = "read " + BROKER_MAXIMUM + " of a broker";
    try (Admin admin = KafkaUnavailableException.admin(kafka, kafka.admin())) {
      Collection<Node> nodes =
          KafkaUnavailableException.await(
              kafka, what, admin.describeCluster().nodes(), Topics.TIMEOUT);
      ConfigResource broker =
          new ConfigResource(ConfigResource.Type.BROKER, nodes.iterator().next().idString());
      Map<ConfigResource, Config> configs =
          KafkaUnavailableException.await(
              kafka,
              what + " (allow DescribeConfigs, or set transaction.timeout.ms in --kafka-config)",
              admin.describeConfigs(List.of(broker)).all(),
              Topics.TIMEOUT);
      Config config = configs.values().iterator().next();
      return Duration.ofMillis(Long.parseLong(config.get(BROKER_MAXIMUM).value()));
    }
  }

  /** How long a transaction may stay open; the broker is asked once, when a sink needs it. */
  Duration transactionTimeout() throws KafkaUnavailableException {
    if (transactionTimeout == null) {
      transactionTimeout = transactionTimeout(kafka);
    }
    return transactionTimeout;
  }

  /**
   * Publishes the schemas of all records that these sinks write. The schema of predictions depends
   * on the model version: {@link #predictionSchemas} is for those that do not take all features.
   *
   * @throws KafkaUnavailableException when the brokers do not answer or refuse
   */
  public void publishSchemas() throws KafkaUnavailableException {
    List<Schema> schemas = new ArrayList<>();
    schemas.add(FeatureVectorCodec.schema(pipeline));
    if (pipeline.model() != null) {
      schemas.add(PredictionCodec.schema(pipeline, pipeline.modelFeatures()));
    }
    schemas.add(LateEvent.getClassSchema());
    schemas.add(DeadLetter.getClassSchema());
    schemas.add(DriftReport.getClassSchema());
    schemas.add(DriftAlert.getClassSchema());
    schemas.add(PerformanceReport.getClassSchema());
    schemas.add(ModelCommand.getClassSchema());
    schemaStore().publish(schemas);
  }

  /** The pipeline's schemas topic. */
  public KafkaSchemaStore schemaStore() {
    return new KafkaSchemaStore(kafka, pipeline.topic(Topic.SCHEMAS));
  }

  /** Where the schemas of predictions go. */
  public PredictionSchemas predictionSchemas() {
    return new PredictionSchemas(schemaStore(), pipeline);
  }

  public KafkaSink<FeatureRow> features() throws KafkaUnavailableException {
    return features(pipeline.latency());
  }

  /**
   * Features that are scored in the same job: what is behind the topic waits a little, so that
   * predictions need not wait for cores and brokers that each row of it would take.
   */
  public KafkaSink<FeatureRow> scoredFeatures() throws KafkaUnavailableException {
    return features(pipeline.latency() == Latency.LOW ? Latency.BALANCED : pipeline.latency());
  }

  private KafkaSink<FeatureRow> features(Latency latency) throws KafkaUnavailableException {
    return sink(
        Topic.FEATURES,
        new FeatureRowKafkaSerializer(pipeline, pipeline.topic(Topic.FEATURES)),
        latency);
  }

  /** Rows of a version come after its schema was published. */
  public KafkaSink<ScoredRow> predictions() throws KafkaUnavailableException {
    return sink(
        Topic.PREDICTIONS,
        new ScoredRowKafkaSerializer(pipeline, pipeline.topic(Topic.PREDICTIONS)));
  }

  /** What shadows predict, at least once as far as it comes here; as {@link #predictions}. */
  public KafkaSink<ScoredRow> shadows() throws KafkaUnavailableException {
    return sink(Topic.SHADOW, new ScoredRowKafkaSerializer(pipeline, pipeline.topic(Topic.SHADOW)));
  }

  /** Keyed by event id. */
  public KafkaSink<LateEvent> late() throws KafkaUnavailableException {
    return records(Topic.LATE, LateEvent.class, LateEvent::getEventId);
  }

  /** Keyed by event id where it is known. */
  public KafkaSink<DeadLetter> deadLetters() throws KafkaUnavailableException {
    return records(Topic.DEAD_LETTERS, DeadLetter.class, DeadLetter::getEventId);
  }

  /** Keyed by model and feature. */
  public KafkaSink<DriftReport> driftReports() throws KafkaUnavailableException {
    return records(
        Topic.DRIFT, DriftReport.class, report -> report.getModel() + "/" + report.getFeature());
  }

  /** Keyed by alert id. */
  public KafkaSink<DriftAlert> alerts() throws KafkaUnavailableException {
    return records(Topic.ALERTS, DriftAlert.class, DriftAlert::getAlertId);
  }

  /** Keyed by model and version. */
  public KafkaSink<PerformanceReport> performanceReports() throws KafkaUnavailableException {
    return records(
        Topic.PERFORMANCE,
        PerformanceReport.class,
        report -> report.getModel() + "/" + report.getVersion());
  }

  /**
   * A sink for one of Pelton's own records.
   *
   * @param key text of the Kafka key; null: none
   */
  public <T extends SpecificRecordBase> KafkaSink<T> records(
      Topic topic, Class<T> type, SerializableFunction<T, @Nullable String> key)
      throws KafkaUnavailableException {
    return sink(topic, new RecordKafkaSerializer<>(type, pipeline.topic(topic), key));
  }

  private <T> KafkaSink<T> sink(Topic topic, KafkaRecordSerializationSchema<T> serializer)
      throws KafkaUnavailableException {
    return sink(topic, serializer, pipeline.latency());
  }

  private <T> KafkaSink<T> sink(
      Topic topic, KafkaRecordSerializationSchema<T> serializer, Latency latency)
      throws KafkaUnavailableException {
    Properties properties = new Properties();
    properties.setProperty(ProducerConfig.COMPRESSION_TYPE_CONFIG, "lz4");
    // A producer for each transaction would register the same metric names again and again; the
    // sink's own metrics stay.
    properties.setProperty("register.producer.metrics", "false");
    properties.putAll(kafka.producer(latency));
    properties.remove(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG);

    KafkaSinkBuilder<T> builder =
        KafkaSink.<T>builder().setBootstrapServers(kafka.brokers()).setRecordSerializer(serializer);
    switch (pipeline.delivery(topic)) {
      case AT_LEAST_ONCE -> builder.setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE);
      case EXACTLY_ONCE -> {
        properties.setProperty(
            ProducerConfig.TRANSACTION_TIMEOUT_CONFIG,
            Long.toString(transactionTimeout().toMillis()));
        builder
            .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
            .setTransactionalIdPrefix(
                "pelton-" + pipeline.name() + "-" + job + "-" + pipeline.topic(topic));
      }
    }
    return builder.setKafkaProducerConfig(properties).build();
  }
}
