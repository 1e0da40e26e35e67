package io.pelton.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LatencyTest {
  private static final Path EXAMPLE = Path.of("../examples/card-fraud/pipeline.yaml");

  @TempDir Path directory;

  @BeforeEach
  void copySchema() throws Exception {
    Files.copy(EXAMPLE.resolveSibling("transaction.avsc"), directory.resolve("transaction.avsc"));
  }

  /** The example, but for how long a batch waits. */
  private Path file(String more) throws Exception {
    return Files.writeString(
        directory.resolve("p.yaml"),
        Files.readString(EXAMPLE).replaceFirst("(?m)^  batch: .*\n", "") + more);
  }

  private static long batchDelay(PipelineDefinition pipeline) {
    return Objects.requireNonNull(pipeline.model()).maxBatchDelay();
  }

  @Test
  void aProfileGivesTheBatchDelayThatTheFileDoesNot() throws Exception {
    PipelineDefinition none = PipelineFile.read(file(""));
    assertThat(none.latency()).isEqualTo(Latency.BALANCED);
    assertThat(batchDelay(none)).isEqualTo(5);
    assertThat(batchDelay(PipelineFile.read(file("latency: low\n")))).isEqualTo(1);

    PipelineDefinition given = PipelineFile.read(file("latency: low\n"), Latency.THROUGHPUT);
    assertThat(given.latency()).isEqualTo(Latency.THROUGHPUT);
    assertThat(batchDelay(given)).isEqualTo(20);
    assertThat(batchDelay(PipelineFile.read(EXAMPLE, Latency.LOW))).as("as written").isEqualTo(5);
  }

  @Test
  void theSummaryTellsEverySetting() throws Exception {
    assertThat(PipelineSummary.of(PipelineFile.read(file("latency: low\n"))))
        .contains("in batches of up to 256 rows or 1ms")
        .endsWith(
            "latency low: records wait up to 0ms between operators, and 0ms or for 131072 bytes to"
                + " go to Kafka; they are fetched by 1 bytes or after 500ms; watermarks every"
                + " 20ms");
  }

  @Test
  void asksWhichProfileWasMeant() {
    assertThatThrownBy(() -> PipelineFile.read(file("latency: lo\n")))
        .hasMessageContaining("latency: unknown value \"lo\"; did you mean \"low\"?");
    assertThatThrownBy(() -> PipelineFile.read(file("latency: lo\n"), Latency.LOW))
        .as("the file is checked whatever is given")
        .hasMessageContaining("unknown value");
    assertThatThrownBy(() -> Latency.named("troughput"))
        .hasMessage(
            "--latency \"troughput\": there is no such profile; did you mean \"throughput\"?");
  }
}
