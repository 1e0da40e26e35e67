package io.pelton.job;

import io.pelton.pipeline.Latency;
import java.io.IOException;
import java.io.Reader;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;

/**
 * How the jobs reach Kafka: the brokers, and client properties (TLS, SASL, tuning) from the file of
 * {@code --kafka-config}. A property goes to those of the consumer, producer and admin client that
 * know it; one that none knows is an error.
 */
public final class KafkaSettings implements Serializable {
  private static final long serialVersionUID = 1;

  /** What Pelton decides itself, with the way to influence it. */
  private static final Map<String, String> OWN =
      Map.of(
          "bootstrap.servers", "give --brokers",
          "group.id", "give --group",
          "transactional.id", "it is made of pipeline, job and topic",
          "isolation.level", "only committed records are read",
          "enable.auto.commit", "offsets are committed with checkpoints",
          "key.serializer", "keys are bytes",
          "value.serializer", "values are bytes",
          "key.deserializer", "keys are bytes",
          "value.deserializer", "values are bytes");

  private final String brokers;
  private final TreeMap<String, String> properties;

  /**
   * @param brokers {@code host:port} of one broker or several, separated by commas
   * @throws IllegalArgumentException when a property is not one of Kafka's, or is Pelton's to set
   */
  public KafkaSettings(String brokers, Map<String, String> properties) {
    if (brokers.isBlank()) {
      throw new IllegalArgumentException(
          "Kafka brokers must not be blank; give host:port, several separated by commas");
    }
    this.brokers = brokers;
    this.properties = new TreeMap<>(properties);
    List<String> problems = new ArrayList<>();
    for (String key : this.properties.keySet()) {
      if (OWN.containsKey(key)) {
        problems.add(key + ": is not set here: " + OWN.get(key));
      } else if (!consumerKeys().contains(key)
          && !producerKeys().contains(key)
          && !adminKeys().contains(key)) {
        problems.add(key + ": no Kafka client has this property; mend its name or remove it");
      }
    }
    if (!problems.isEmpty()) {
      throw new IllegalArgumentException(
          "Kafka client properties: " + String.join("\n  ", problems));
    }
  }

  /** Brokers that need no further properties. */
  public static KafkaSettings of(String brokers) {
    return new KafkaSettings(brokers, Map.of());
  }

  /**
   * @param file properties of the Kafka clients
   * @throws IOException when the file cannot be read
   * @throws IllegalArgumentException when a property is not one of Kafka's, or is Pelton's to set
   */
  public static KafkaSettings read(String brokers, Path file) throws IOException {
    Properties read = new Properties();
    try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      read.load(reader);
    } catch (IllegalArgumentException e) {
      throw new IOException(file + ": is not a properties file: " + e.getMessage(), e);
    }
    Map<String, String> properties = new TreeMap<>();
    read.stringPropertyNames().forEach(key -> properties.put(key, read.getProperty(key)));
    try {
      return new KafkaSettings(brokers, properties);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
    }
  }

  public String brokers() {
    return brokers;
  }

  /** For a consumer of committed records; offsets and deserializers are the caller's. */
  public Properties consumer() {
    Properties view = view(consumerKeys());
    view.setProperty(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
    return view;
  }

  /** The same, fetching as the profile does where no property says otherwise. */
  public Properties consumer(Latency latency) {
    Properties view = consumer();
    view.putIfAbsent(
        ConsumerConfig.FETCH_MIN_BYTES_CONFIG, Integer.toString(latency.fetchMinBytes()));
    view.putIfAbsent(
        ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, Integer.toString(latency.fetchMaxWait()));
    return view;
  }

  public Properties producer() {
    return view(producerKeys());
  }

  /** The same, gathering records as the profile does where no property says otherwise. */
  public Properties producer(Latency latency) {
    Properties view = producer();
    view.putIfAbsent(ProducerConfig.LINGER_MS_CONFIG, Integer.toString(latency.linger()));
    view.putIfAbsent(ProducerConfig.BATCH_SIZE_CONFIG, Integer.toString(latency.batchBytes()));
    return view;
  }

  public Properties admin() {
    return view(adminKeys());
  }

  private Properties view(Set<String> known) {
    Properties view = new Properties();
    properties.forEach(
        (key, value) -> {
          if (known.contains(key)) {
            view.setProperty(key, value);
          }
        });
    view.setProperty("bootstrap.servers", brokers);
    return view;
  }

  private static Set<String> consumerKeys() {
    return ConsumerConfig.configNames();
  }

  private static Set<String> producerKeys() {
    return ProducerConfig.configNames();
  }

  private static Set<String> adminKeys() {
    return AdminClientConfig.configNames();
  }

  /** Brokers and properties; whatever may be a secret is left out. */
  @Override
  public String toString() {
    Map<String, String> shown = new TreeMap<>(properties);
    shown.replaceAll((key, value) -> isSecret(key) ? "(hidden)" : value);
    return "Kafka at " + brokers + " with " + shown;
  }

  private static boolean isSecret(String key) {
    String name = key.toLowerCase(Locale.ROOT);
    return name.contains("password")
        || name.contains("jaas")
        || name.contains("secret")
        || name.contains("token")
        || name.contains("credential")
        || name.endsWith("keystore.key")
        || name.endsWith("certificate.chain");
  }
}
