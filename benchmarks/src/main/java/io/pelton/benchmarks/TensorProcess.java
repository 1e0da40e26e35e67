package io.pelton.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import io.pelton.cli.embedded.EmbeddedFlink;
import io.pelton.inference.job.InferenceJob;
import io.pelton.job.JobEnvironment;
import io.pelton.job.JobOptions;
import io.pelton.pipeline.Latency;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MetricOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Runs a job over tensors for {@link CrayfishBenchmark}: until standard input ends, or through the
 * records that lie in the topic, measured.
 */
final class TensorProcess {
  static final String RESULT = "result ";
  static final String READY = "running";
  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(60);
  private static final Duration CHECKPOINTS = Duration.ofSeconds(10);
  private static final int LARGEST_BATCH = 512;

  private TensorProcess() {}

  /**
   * @param arguments job, brokers, input topic, output topic, what {@link ScoredModel#prepare}
   *     wrote, directory of the run, records that lie in the topic or 0 to serve, most seconds of
   *     the warm-up, most seconds measured
   */
  public static void main(String[] arguments) {
    int exit = 1;
    try {
      run(arguments);
      exit = 0;
    } catch (Exception e) {
      e.printStackTrace();
    }
    // The job is not stopped: nothing of it is wanted any more.
    System.exit(exit);
  }

  private static void run(String[] arguments) throws Exception {
    TensorJob job = TensorJob.valueOf(arguments[0]);
    Path prepared = Path.of(arguments[4]);
    long records = Long.parseLong(arguments[6]);
    PassThroughJob.Kafka kafka =
        new PassThroughJob.Kafka(arguments[1], arguments[2], arguments[3], "tensors-" + job);

    Configuration cluster = new Configuration();
    cluster.setString(MetricOptions.REPORTERS_LIST.key(), "progress");
    cluster.setString("metrics.reporter.progress.factory.class", Progress.class.getName());
    EmbeddedFlink flink =
        EmbeddedFlink.start(1, Path.of(arguments[5]), EmbeddedFlink.State.HEAP, cluster);
    Configuration settings = JobEnvironment.settings(new Configuration());
    settings.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, CHECKPOINTS);
    if (job == TensorJob.BY_HAND) {
      settings = TensorsByHand.settings(settings);
    }
    StreamExecutionEnvironment environment = flink.environment(settings);
    environment.setParallelism(1);
    Latency latency = records == 0 ? Latency.LOW : Latency.BALANCED;
    Path file = ScoredModel.pipeline(prepared, LARGEST_BATCH, latency.batchDelay(), false);
    switch (job) {
      case PELTON_AVRO, PELTON_JSON -> {
        PipelineDefinition pipeline = PipelineFile.read(file, latency);
        TensorPipeline.define(environment, pipeline, prepared, job.format, kafka);
      }
      case INFERENCE_JOB ->
          InferenceJob.define(
              environment,
              JobOptions.parse(
                  "benchmark",
                  "--pipeline=" + file,
                  "--brokers=" + kafka.brokers(),
                  "--latency=" + latency.label(),
                  "--delivery=at-least-once",
                  "--group=" + kafka.group()));
      case BY_HAND ->
          TensorsByHand.define(
              environment, prepared.resolve(ScoredModel.ONNX).toString(), kafka, latency);
    }
    JobClient client = environment.executeAsync(job.toString());
    if (records == 0) {
      serve(client);
    } else {
      String sink = (job == TensorJob.INFERENCE_JOB ? "predictions" : TensorJob.SINK) + ": Writer";
      System.out.println(
          RESULT
              + measure(
                  client,
                  sink,
                  records,
                  Integer.parseInt(arguments[7]),
                  Integer.parseInt(arguments[8])));
      System.out.flush();
    }
  }

  private static void serve(JobClient client) throws Exception {
    while (client.getJobStatus().get() != JobStatus.RUNNING) {
      Thread.sleep(50);
    }
    System.out.println(READY);
    while (System.in.read() >= 0) {
      // Until the benchmark has its figures.
    }
  }

  /** The warm-up is half of the records at most. */
  private static String measure(
      JobClient client, String sink, long records, int warmUp, int seconds) throws Exception {
    await(client, sink, 1, PATIENCE);
    await(client, sink, records / 2, TimeUnit.SECONDS.toNanos(warmUp));
    long warm = Progress.taken(sink);
    double cpu = cpuSeconds();
    long from = System.nanoTime();
    await(client, sink, records, TimeUnit.SECONDS.toNanos(seconds));
    long taken = Progress.taken(sink) - warm;
    double wall = (System.nanoTime() - from) / 1e9;
    double spent = cpuSeconds() - cpu;
    if (taken == 0) {
      throw new IllegalStateException(
          "no record came while they were measured; seen by\n" + Progress.describe());
    }
    return "rate=%s;cpu=%s;records=%s".formatted(taken / wall, spent / (taken / 1e3), taken);
  }

  private static double cpuSeconds() {
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    return system.getProcessCpuTime() / 1e9;
  }

  /** Waits for so many records, or until the time is over, which is an error before the first. */
  private static void await(JobClient client, String sink, long count, long nanos)
      throws Exception {
    long end = System.nanoTime() + nanos;
    while (Progress.taken(sink) < count && System.nanoTime() < end) {
      Thread.sleep(1);
    }
    if (Progress.taken(sink) == 0) {
      if (client.getJobStatus().get().isGloballyTerminalState()) {
        client.getJobExecutionResult().get();
      }
      throw new IllegalStateException("no record came; seen by\n" + Progress.describe());
    }
  }
}
