package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

class RealClusterTest {
  // The logs of a failed test stay.
  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path directory;

  @Test
  void runsAJobToItsEndAndRestoresAnotherWhenATaskManagerDies() throws Exception {
    try (RealCluster cluster = RealCluster.start(directory, 2, 1)) {
      RealCluster.Client bounded = cluster.run(CountingJob.class, "1000");
      assertThat(bounded.exitCode()).as(bounded.output()).isZero();
      assertThat(cluster.status(bounded.jobId())).isEqualTo("FINISHED");
      assertThat(
              cluster
                  .get("/jobs/" + bounded.jobId() + "/accumulators")
                  .get("user-task-accumulators")
                  .get(0)
                  .get("value")
                  .textValue())
          .isEqualTo("1000");

      String endless = cluster.submit(CountingJob.class, Long.toString(Long.MAX_VALUE)).jobId();
      cluster.awaitAllTasksRunning(endless);
      Await.until(
          "a checkpoint",
          Duration.ofSeconds(60),
          () ->
              cluster
                      .get("/jobs/" + endless + "/checkpoints")
                      .get("counts")
                      .get("completed")
                      .intValue()
                  > 0);
      cluster.killTaskManager(0);
      cluster.startTaskManager();
      Await.until(
          "the job was restored",
          Duration.ofSeconds(90),
          () ->
              cluster
                      .get("/jobs/" + endless + "/checkpoints")
                      .get("counts")
                      .get("restored")
                      .intValue()
                  > 0);
      cluster.awaitAllTasksRunning(endless);
      cluster.cancel(endless);
    }
  }
}
