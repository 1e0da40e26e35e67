package io.pelton.it;

import io.pelton.cli.embedded.EmbeddedKafka;
import io.pelton.job.KafkaSettings;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.util.FileUtils;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.kafka.KafkaContainer;

/**
 * A Kafka broker for the tests of a class: in a container where a Docker engine answers, else in
 * this process. Either is a real one.
 */
final class KafkaFixture implements BeforeAllCallback, AfterAllCallback {
  private static final String IMAGE = "apache/kafka:4.2.0";

  private KafkaContainer container;
  private EmbeddedKafka embedded;
  private Path directory;

  @Override
  public void beforeAll(ExtensionContext context) throws Exception {
    if (DockerClientFactory.instance().isDockerAvailable()) {
      container = new KafkaContainer(IMAGE);
      container.start();
    } else {
      directory = Files.createTempDirectory("pelton-kafka-");
      embedded = EmbeddedKafka.start(directory);
    }
    context.publishReportEntry("kafka", container != null ? IMAGE : "embedded");
  }

  /** Settings for clients and jobs. */
  KafkaSettings settings() {
    return KafkaSettings.of(brokers());
  }

  String brokers() {
    return container != null ? container.getBootstrapServers() : embedded.bootstrapServers();
  }

  @Override
  public void afterAll(ExtensionContext context) throws Exception {
    if (container != null) {
      container.stop();
    }
    if (embedded != null) {
      embedded.close();
      FileUtils.deleteDirectory(directory.toFile());
    }
  }
}
