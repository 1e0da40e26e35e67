package io.pelton.cli;

import io.pelton.cli.embedded.EmbeddedFlink;
import io.pelton.job.JobEnvironment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.NettyShuffleEnvironmentOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.FileUtils;

/** Batch jobs on a Flink of this process, one after the other. */
final class LocalBatch {
  /** Defines a job. */
  interface Job {
    void define(StreamExecutionEnvironment environment) throws Exception;
  }

  /** Runs jobs. */
  interface Session {
    JobExecutionResult run(String name, Job job) throws Exception;
  }

  /** What is done with a Flink. */
  interface Work {
    void with(Session session) throws Exception;
  }

  private LocalBatch() {}

  /**
   * Runs one job to its end.
   *
   * @throws InterruptedException when the user stopped it
   */
  static JobExecutionResult run(int parallelism, String name, Job job) throws Exception {
    JobExecutionResult[] result = new JobExecutionResult[1];
    run(parallelism, session -> result[0] = session.run(name, job));
    return result[0];
  }

  /**
   * Starts a Flink, and stops it when the work is done.
   *
   * @throws InterruptedException when the user stopped it
   */
  static void run(int parallelism, Work work) throws Exception {
    Path scratch = Files.createTempDirectory("pelton-batch");
    Thread main = Thread.currentThread();
    try (StopSignal.Taken taken = StopSignal.onStop(main::interrupt);
        EmbeddedFlink flink =
            EmbeddedFlink.start(parallelism, scratch, EmbeddedFlink.State.HEAP, settings())) {
      work.with(
          (name, job) -> {
            StreamExecutionEnvironment environment =
                flink.environment(JobEnvironment.batchSettings(new Configuration()));
            environment.setParallelism(parallelism);
            job.define(environment);
            return environment.execute(name);
          });
    } finally {
      FileUtils.deleteDirectoryQuietly(scratch.toFile());
    }
  }

  /** Settings of the Flink that a run without a cluster starts; a cluster has its own. */
  private static Configuration settings() {
    Configuration configuration = new Configuration();
    // Taken as rows come; what does not fit is sorted in files.
    configuration.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(512));
    configuration.set(TaskManagerOptions.NETWORK_MEMORY_MIN, MemorySize.ofMebiBytes(128));
    configuration.set(TaskManagerOptions.NETWORK_MEMORY_MAX, MemorySize.ofMebiBytes(128));
    // Between stages rows lie in files of this machine for a moment.
    configuration.set(
        NettyShuffleEnvironmentOptions.SHUFFLE_COMPRESSION_CODEC,
        NettyShuffleEnvironmentOptions.CompressionCodec.NONE);
    return configuration;
  }
}
