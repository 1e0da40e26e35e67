package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.inference.job.InferenceJob;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * Which subtask takes which GPU, as Flink's own GPU driver hands them out. Only the discovery
 * script makes them up: so the models fall back to the CPU, and say from which GPU.
 */
class GpuTest {
  @RegisterExtension static final KafkaFixture KAFKA = new KafkaFixture();

  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final int ROWS = 200;
  private static final Pattern FALLBACK =
      Pattern.compile(
          "WARN .*card-fraud@1: device prefer-gpu falls back to cpu, for gpu\\((\\d+)\\) cannot be used: ");

  // The logs of a failed test stay.
  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path directory;

  @Test
  void subtasksOfATaskManagerTakeAGpuEach() throws Exception {
    try (RealCluster cluster = cluster(1, 2)) {
      String job = submit(cluster, "one-machine", "prefer-gpu");
      cluster.awaitAllTasksRunning(job);
      assertThat(gpus(cluster, 1)).containsExactlyInAnyOrder(0, 1);
      assertThat(cluster.log(1))
          .filteredOn(line -> line.contains("requested device prefer-gpu, actual cpu"))
          .hasSize(2);
      cluster.cancel(job);

      String demanding = submit(cluster, "demanding", "require-gpu");
      String way =
          "ONNX Runtime has its operators for the CPU alone;"
              + " give a GPU and the engine's GPU build, or ask for prefer-gpu or cpu";
      Await.until(
          "the job failed",
          PATIENCE,
          () ->
              cluster
                  .get("/jobs/" + demanding + "/exceptions")
                  .findValuesAsText("stacktrace")
                  .stream()
                  .anyMatch(
                      trace ->
                          trace.contains("card-fraud@1: device require-gpu, but gpu(")
                              && trace.contains(") cannot be used: " + way)));
      cluster.cancel(demanding);
    }
  }

  @Test
  void taskManagersGiveTheirSubtasksTheirOwnGpus() throws Exception {
    try (RealCluster cluster = cluster(2, 1)) {
      String job = submit(cluster, "two-machines", "prefer-gpu");
      cluster.awaitAllTasksRunning(job);
      List<Integer> first = gpus(cluster, 1);
      List<Integer> second = gpus(cluster, 2);
      assertThat(first).hasSize(1);
      assertThat(second).hasSize(1);
      assertThat(List.of(first.get(0), second.get(0))).containsExactlyInAnyOrder(0, 1);
      cluster.cancel(job);
    }
  }

  /** Two slots with a GPU each. */
  private RealCluster cluster(int taskManagers, int slotsEach) throws IOException {
    return RealCluster.start(
        directory.resolve("cluster"),
        taskManagers,
        slotsEach,
        """
        parallelism.default: 2
        external-resources: gpu
        external-resource.gpu.amount: %d
        external-resource.gpu.driver-factory.class: org.apache.flink.externalresource.gpu.GPUDriverFactory
        external-resource.gpu.param.discovery-script.path: %s
        external-resource.gpu.param.discovery-script.args: %s
        """
            .formatted(slotsEach, discoveryScript(), directory.resolve("taken")));
  }

  /**
   * Gives as many indexes as it is asked for, from 0 on, and each once: as Flink's own script does
   * with {@code --enable-coordination-mode} for TaskManagers on one machine.
   */
  private Path discoveryScript() throws IOException {
    Path script =
        Files.writeString(
            directory.resolve("discover.sh"),
            """
            #!/bin/sh
            amount=$1 taken=$2 index=0 found=
            mkdir -p "$taken"
            while [ "$amount" -gt 0 ]; do
              if mkdir "$taken/$index" 2>/dev/null; then
                found=$found${found:+,}$index
                amount=$((amount - 1))
              fi
              index=$((index + 1))
            done
            echo "$found"
            """);
    return Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
  }

  private String submit(RealCluster cluster, String name, String device) throws Exception {
    CardPipeline card = CardPipeline.write(directory, name, "device: cpu", "device: " + device);
    Path registry = directory.resolve(name + "-registry");
    Champion.publish(registry, card.definition(), rows(card), Set.of("0", "1", "2"));
    RealCluster.Client client =
        cluster.submit(
            InferenceJob.class,
            "--pipeline",
            card.file().toString(),
            "--brokers",
            KAFKA.brokers(),
            "--registry",
            registry.toString());
    assertThat(client.exitCode()).as(client.output()).isZero();
    return client.jobId();
  }

  private static BatchRows rows(CardPipeline card) {
    Random random = new Random(5);
    Map<String, double[]> rows = new LinkedHashMap<>();
    for (int row = 0; row < ROWS; row++) {
      rows.put(
          Integer.toString(row), random.doubles(card.definition().featureNames().size()).toArray());
    }
    return new BatchRows(rows);
  }

  /** Those that the subtasks of a TaskManager wanted to load onto. */
  private static List<Integer> gpus(RealCluster cluster, int taskManager) throws IOException {
    return FALLBACK
        .matcher(String.join("\n", cluster.log(taskManager)))
        .results()
        .map((MatchResult match) -> Integer.valueOf(match.group(1)))
        .toList();
  }
}
