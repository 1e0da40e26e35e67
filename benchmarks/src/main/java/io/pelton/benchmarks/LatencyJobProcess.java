package io.pelton.benchmarks;

import io.pelton.cli.AllJobs;
import io.pelton.cli.embedded.EmbeddedFlink;
import io.pelton.job.JobEnvironment;
import io.pelton.job.JobOptions;
import java.nio.file.Path;
import java.util.Arrays;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Runs the all-in-one job for {@link LatencyBenchmark}, until standard input ends. */
final class LatencyJobProcess {
  static final String READY = "running";

  private LatencyJobProcess() {}

  /**
   * @param arguments the directory of its state, then the job's options
   */
  public static void main(String[] arguments) {
    int exit = 1;
    try {
      JobOptions options =
          JobOptions.parse("benchmark", Arrays.copyOfRange(arguments, 1, arguments.length));
      EmbeddedFlink flink =
          EmbeddedFlink.start(
              1, Path.of(arguments[0]), EmbeddedFlink.State.HEAP, new Configuration());
      StreamExecutionEnvironment environment =
          flink.environment(JobEnvironment.settings(options.configuration()));
      environment.setParallelism(1);
      JobClient client = environment.executeAsync(AllJobs.define(environment, options));
      while (client.getJobStatus().get() != JobStatus.RUNNING) {
        Thread.sleep(50);
      }
      System.out.println(READY);
      while (System.in.read() >= 0) {
        // Until the benchmark has its figures.
      }
      exit = 0;
    } catch (Exception e) {
      e.printStackTrace();
    }
    // The job is not stopped: nothing of it is wanted any more.
    System.exit(exit);
  }
}
