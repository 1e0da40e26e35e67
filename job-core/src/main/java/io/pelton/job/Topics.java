package io.pelton.job;

import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Table;
import io.pelton.pipeline.Topic;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.CreateTopicsResult;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.TopicExistsException;

/**
 * Makes sure that a pipeline's topics are there before a job starts. Those that carry rows get the
 * given number of partitions, the others one, so that their records have one order. Replication is
 * the broker's default.
 *
 * <p>Records of the topics of features, predictions and shadows have event time as their Kafka
 * timestamp. Kafka's retention by time would count from that, and drop rows of replayed history as
 * soon as they are written, so Pelton creates these three without it ({@code retention.ms=-1});
 * bound them by {@code retention.bytes} or a {@code retention.ms} that suits the history you
 * replay.
 */
public final class Topics {
  /** How long a broker may take to answer. */
  public static final Duration TIMEOUT = Duration.ofSeconds(20);

  private static final long POLL_NANOS = 20_000_000;

  /**
   * A topic as it should be.
   *
   * @param compacted only the newest record of a key counts
   * @param ahead for records that carry event time as their Kafka timestamp: how far that may be
   *     ahead of the clock, milliseconds; else 0
   * @param ours whether Pelton writes it; how one of somebody else is kept when it is there
   *     already, is left to them
   * @param settings that it is created with, beside what follows from the others
   */
  public record Spec(
      String name,
      int partitions,
      boolean compacted,
      long ahead,
      boolean ours,
      Map<String, String> settings) {
    /** One without settings of its own. */
    public Spec(String name, int partitions, boolean compacted, long ahead, boolean ours) {
      this(name, partitions, compacted, ahead, ours, Map.of());
    }

    /** One that Pelton writes. */
    public Spec(String name, int partitions, boolean compacted, long ahead) {
      this(name, partitions, compacted, ahead, true);
    }

    public Spec {
      if (partitions < 1) {
        throw new IllegalArgumentException(
            "topic " + name + ": partitions is " + partitions + "; it must be at least 1");
      }
    }
  }

  private Topics() {}

  /**
   * @param topics that of outcomes counts only where features aggregate them or performance is
   *     measured, that of performance only there; with that of events come those of reference
   *     tables
   * @param partitions of the topics that carry rows
   */
  public static List<Spec> of(
      PipelineDefinition pipeline, Collection<Topic> topics, int partitions) {
    List<Spec> specs = new ArrayList<>();
    for (Topic topic : topics) {
      if (topic == Topic.OUTCOMES
          && pipeline.featuresOfOutcomes().isEmpty()
          && !pipeline.measuresPerformance()) {
        continue; // no job reads it
      }
      if (topic == Topic.PERFORMANCE && !pipeline.measuresPerformance()) {
        continue; // no job writes it
      }
      boolean rows =
          switch (topic) {
            case EVENTS, OUTCOMES, FEATURES, PREDICTIONS, SHADOW -> true;
            case LATE, DEAD_LETTERS, DRIFT, ALERTS, PERFORMANCE, CONTROL, STATUS, AUDIT, SCHEMAS ->
                false;
          };
      specs.add(
          new Spec(
              pipeline.topic(topic),
              rows ? partitions : 1,
              topic.compacted(),
              switch (topic) {
                case FEATURES, PREDICTIONS, SHADOW -> pipeline.events().maxAhead();
                default -> 0;
              },
              true,
              settings(topic)));
    }
    if (topics.contains(Topic.EVENTS)) {
      for (Table table : pipeline.tables()) {
        if (table.streamed() && table.topic() != null) {
          specs.add(new Spec(table.topic(), partitions, true, 0, false));
        }
      }
    }
    return specs;
  }

  private static Map<String, String> settings(Topic topic) {
    return switch (topic) {
      // Subtasks repeat what they say: of a running one the newest is enough, of others it goes.
      case STATUS ->
          Map.of(
              TopicConfig.CLEANUP_POLICY_CONFIG,
              TopicConfig.CLEANUP_POLICY_COMPACT + "," + TopicConfig.CLEANUP_POLICY_DELETE,
              TopicConfig.SEGMENT_MS_CONFIG,
              Long.toString(Duration.ofMinutes(10).toMillis()),
              TopicConfig.RETENTION_MS_CONFIG,
              Long.toString(Duration.ofDays(7).toMillis()));
      case AUDIT -> Map.of(TopicConfig.RETENTION_MS_CONFIG, "-1");
      default -> Map.of();
    };
  }

  /**
   * Creates the topics that are missing, and checks the settings of the others: whether those that
   * must be compacted are, and whether event time may be a record's timestamp.
   *
   * @param create false: a missing topic is an error
   * @throws KafkaUnavailableException when the brokers do not answer or refuse, or topics are
   *     missing and may not be created
   */
  public static void ensure(KafkaSettings kafka, List<Spec> specs, boolean create, Duration timeout)
      throws KafkaUnavailableException {
    Properties properties = kafka.admin();
    properties.setProperty(
        AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, Long.toString(timeout.toMillis()));
    properties.setProperty(
        AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, Long.toString(timeout.toMillis()));
    try (Admin admin = KafkaUnavailableException.admin(kafka, properties)) {
      Set<String> present =
          KafkaUnavailableException.await(
              kafka, "list the topics", admin.listTopics().names(), timeout);
      List<Spec> missing =
          specs.stream().filter(spec -> !present.contains(spec.name())).distinct().toList();
      if (!missing.isEmpty() && !create) {
        throw new KafkaUnavailableException(
            "Kafka at "
                + kafka.brokers()
                + ": topics are missing: "
                + String.join(", ", missing.stream().map(Spec::name).toList())
                + "; create them, or run without --no-create");
      }
      create(kafka, admin, missing, timeout);
      awaitVisible(kafka, admin, missing, timeout);
      check(
          kafka,
          admin,
          specs.stream()
              .filter(Spec::ours)
              .filter(spec -> (spec.compacted() || spec.ahead() > 0) && !missing.contains(spec))
              .toList(),
          timeout);
    }
  }

  private static void create(KafkaSettings kafka, Admin admin, List<Spec> missing, Duration timeout)
      throws KafkaUnavailableException {
    if (missing.isEmpty()) {
      return;
    }
    CreateTopicsResult result = admin.createTopics(missing.stream().map(Topics::topic).toList());
    for (Map.Entry<String, KafkaFuture<Void>> created : result.values().entrySet()) {
      try {
        KafkaUnavailableException.await(
            kafka, "create topic " + created.getKey(), created.getValue(), timeout);
      } catch (KafkaUnavailableException e) {
        // Another job of the pipeline was faster.
        if (!(e.getCause() instanceof TopicExistsException)) {
          throw e;
        }
      }
    }
  }

  /** The controller has the topics before the brokers tell clients of them. */
  private static void awaitVisible(
      KafkaSettings kafka, Admin admin, List<Spec> created, Duration timeout)
      throws KafkaUnavailableException {
    List<String> names = created.stream().map(Spec::name).toList();
    long deadline = System.nanoTime() + timeout.toNanos();
    while (!names.isEmpty()
        && !KafkaUnavailableException.await(
                kafka, "list the topics", admin.listTopics().names(), timeout)
            .containsAll(names)) {
      if (System.nanoTime() > deadline) {
        throw new KafkaUnavailableException(
            "Kafka at "
                + kafka.brokers()
                + ": topics "
                + names
                + " were created but are not listed after "
                + timeout.toMillis()
                + " ms; check that all brokers are up");
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
  }

  private static NewTopic topic(Spec spec) {
    Map<String, String> settings = new LinkedHashMap<>(spec.settings());
    if (spec.compacted()) {
      settings.put(TopicConfig.CLEANUP_POLICY_CONFIG, TopicConfig.CLEANUP_POLICY_COMPACT);
    }
    if (spec.ahead() > 0) {
      settings.put(TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG, "CreateTime");
      settings.put(
          TopicConfig.MESSAGE_TIMESTAMP_AFTER_MAX_MS_CONFIG, Long.toString(Long.MAX_VALUE));
      settings.put(TopicConfig.RETENTION_MS_CONFIG, "-1");
    }
    return new NewTopic(spec.name(), Optional.of(spec.partitions()), Optional.empty())
        .configs(settings);
  }

  private static void check(KafkaSettings kafka, Admin admin, List<Spec> present, Duration timeout)
      throws KafkaUnavailableException {
    if (present.isEmpty()) {
      return;
    }
    Map<String, Config> configs = new LinkedHashMap<>();
    KafkaUnavailableException.await(
            kafka,
            "read the settings of topics " + present.stream().map(Spec::name).toList(),
            admin
                .describeConfigs(
                    present.stream()
                        .map(spec -> new ConfigResource(ConfigResource.Type.TOPIC, spec.name()))
                        .toList())
                .all(),
            timeout)
        .forEach((resource, config) -> configs.put(resource.name(), config));
    for (Spec spec : present) {
      Config config = Objects.requireNonNull(configs.get(spec.name()), spec.name());
      String policy = config.get(TopicConfig.CLEANUP_POLICY_CONFIG).value();
      if (spec.compacted() && !TopicConfig.CLEANUP_POLICY_COMPACT.equals(policy)) {
        throw new KafkaUnavailableException(
            "topic "
                + spec.name()
                + ": cleanup.policy is "
                + policy
                + "; it must be compact, for Pelton reads it from the start and the newest record"
                + " of each key must be there: set it with kafka-configs --alter");
      }
      String ahead = config.get(TopicConfig.MESSAGE_TIMESTAMP_AFTER_MAX_MS_CONFIG).value();
      if (spec.ahead() > 0
          && config.get(TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG).value().equals("CreateTime")
          && Long.parseLong(ahead) < spec.ahead()) {
        throw new KafkaUnavailableException(
            "topic "
                + spec.name()
                + ": message.timestamp.after.max.ms is "
                + ahead
                + "; its records carry event time, which may be max-ahead ("
                + spec.ahead()
                + " ms) ahead, and Kafka would refuse them: raise it with kafka-configs --alter");
      }
    }
  }
}
