package io.pelton.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.pipeline.Latency;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KafkaSettingsTest {
  @TempDir Path directory;

  @Test
  void givesEachClientThePropertiesItKnows() throws Exception {
    Path file = directory.resolve("kafka.properties");
    Files.writeString(
        file, "security.protocol=SASL_SSL\nlinger.ms=7\nfetch.min.bytes=9\nmax.poll.records = 3\n");
    KafkaSettings kafka = KafkaSettings.read("broker:9092", file);
    assertThat(kafka.consumer())
        .containsEntry("bootstrap.servers", "broker:9092")
        .containsEntry("security.protocol", "SASL_SSL")
        .containsEntry("fetch.min.bytes", "9")
        .containsEntry("max.poll.records", "3")
        .containsEntry("isolation.level", "read_committed")
        .doesNotContainKey("linger.ms");
    assertThat(kafka.producer())
        .containsEntry("linger.ms", "7")
        .doesNotContainKey("fetch.min.bytes");
    assertThat(kafka.admin()).containsOnlyKeys("bootstrap.servers", "security.protocol");
  }

  @Test
  void reportsAllPropertiesThatItCannotUse() throws Exception {
    Path file = directory.resolve("kafka.properties");
    Files.writeString(file, "lingerms=7\nbootstrap.servers=other:9092\n");
    assertThatThrownBy(() -> KafkaSettings.read("broker:9092", file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("kafka.properties")
        .hasMessageContaining("lingerms: no Kafka client has this property")
        .hasMessageContaining("bootstrap.servers: is not set here: give --brokers");
  }

  @Test
  void showsNoSecrets() {
    KafkaSettings kafka =
        new KafkaSettings(
            "broker:9092",
            Map.of(
                "sasl.jaas.config", "x required password=\"hunter2\";",
                "ssl.key.password", "hunter2",
                "ssl.keystore.key", "hunter2",
                "linger.ms", "7"));
    assertThat(kafka.toString())
        .doesNotContain("hunter2")
        .contains("broker:9092", "linger.ms=7", "ssl.key.password=(hidden)");
  }

  @Test
  void aProfileGathersWhereNoPropertySaysOtherwise() {
    KafkaSettings plain = KafkaSettings.of("broker:9092");
    assertThat(plain.producer(Latency.LOW)).containsEntry("linger.ms", "0");
    assertThat(plain.producer(Latency.THROUGHPUT))
        .containsEntry("linger.ms", "50")
        .containsEntry("batch.size", "524288");
    assertThat(plain.consumer(Latency.THROUGHPUT))
        .containsEntry("fetch.min.bytes", "65536")
        .containsEntry("fetch.max.wait.ms", "200")
        .containsEntry("isolation.level", "read_committed");

    KafkaSettings tuned =
        new KafkaSettings("broker:9092", Map.of("linger.ms", "7", "fetch.min.bytes", "9"));
    assertThat(tuned.producer(Latency.LOW)).containsEntry("linger.ms", "7");
    assertThat(tuned.consumer(Latency.THROUGHPUT)).containsEntry("fetch.min.bytes", "9");
  }
}
