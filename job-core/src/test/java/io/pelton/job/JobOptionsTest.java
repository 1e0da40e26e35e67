package io.pelton.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.pipeline.Delivery;
import io.pelton.pipeline.Latency;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.PipelineOptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JobOptionsTest {
  private static final Path EXAMPLE = Path.of("../examples/card-fraud/pipeline.yaml");

  @TempDir Path directory;
  private Path file;

  @BeforeEach
  void writePipeline() throws Exception {
    Files.copy(EXAMPLE.resolveSibling("transaction.avsc"), directory.resolve("transaction.avsc"));
    file =
        Files.writeString(
            directory.resolve("pipeline.yaml"),
            Files.readString(EXAMPLE)
                + "latency: throughput\ndelivery: {late: at-least-once, alerts: at-least-once}\n");
  }

  private JobOptions options(String... more) {
    return JobOptions.parse(
        "job",
        Stream.concat(Stream.of("--pipeline=" + file, "--brokers=b:1"), Stream.of(more))
            .toArray(String[]::new));
  }

  @Test
  void optionsReplaceWhatTheFileSaysOfDeliveryAndLatency() throws Exception {
    PipelineDefinition given =
        options("--delivery=predictions=at-least-once,late=exactly-once", "--latency=low")
            .pipeline();
    assertThat(given.delivery(Topic.PREDICTIONS)).isEqualTo(Delivery.AT_LEAST_ONCE);
    assertThat(given.delivery(Topic.LATE)).isEqualTo(Delivery.EXACTLY_ONCE);
    assertThat(given.delivery(Topic.ALERTS)).isEqualTo(Delivery.AT_LEAST_ONCE);
    assertThat(given.latency()).isEqualTo(Latency.LOW);
    assertThat(options().pipeline().latency()).isEqualTo(Latency.THROUGHPUT);
    assertThatThrownBy(() -> options("--latency=slow").pipeline())
        .hasMessageStartingWith("--latency \"slow\": there is no such profile");
  }

  @Test
  void aProfileSetsFlinkAndABalancedOneLeavesTheClustersSettings() throws Exception {
    Configuration low = options("--latency=low").configuration();
    assertThat(low.get(ExecutionOptions.BUFFER_TIMEOUT)).isEqualTo(Duration.ZERO);
    assertThat(low.get(PipelineOptions.AUTO_WATERMARK_INTERVAL)).isEqualTo(Duration.ofMillis(20));
    Configuration balanced = options("--latency=balanced").configuration();
    assertThat(balanced.contains(ExecutionOptions.BUFFER_TIMEOUT)).isFalse();
    assertThat(balanced.contains(PipelineOptions.AUTO_WATERMARK_INTERVAL)).isFalse();
    assertThat(ExecutionOptions.BUFFER_TIMEOUT.defaultValue())
        .isEqualTo(Duration.ofMillis(Latency.BALANCED.bufferTimeout()));
    assertThat(PipelineOptions.AUTO_WATERMARK_INTERVAL.defaultValue())
        .isEqualTo(Duration.ofMillis(Latency.BALANCED.watermarkInterval()));
  }
}
