package io.pelton.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import io.pelton.cli.AllJobs;
import io.pelton.cli.embedded.EmbeddedFlink;
import io.pelton.job.JobEnvironment;
import io.pelton.job.JobOptions;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MetricOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Runs one job in this process over the events that lie in the topic, and measures it from the end
 * of the warm-up to the last event. Prints one line for {@link AllInOneBenchmark}.
 */
final class JobProcess {
  static final String RESULT = "result ";
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Duration LOOK = Duration.ofSeconds(1);

  /** A job to measure. */
  enum Job {
    PASS_THROUGH("Kafka to Kafka, bytes", PassThroughJob.SINK),
    ALL_IN_ONE("Pelton: features, scores, drift", "predictions"),
    NAIVE("by hand: features, scores", NaiveJob.SINK);

    final String title;
    private final String sink;

    Job(String title, String sink) {
      this.title = title;
      this.sink = sink;
    }

    static Job named(String name) {
      return valueOf(name.toUpperCase(Locale.ROOT).replace('-', '_'));
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  private JobProcess() {}

  /**
   * @param arguments job, parallelism, brokers, pipeline file, input topic, output topic, model
   *     file, run's name, directory, events to warm up with, events to measure, seconds between
   *     checkpoints
   */
  public static void main(String[] arguments) {
    int exit = 1;
    try {
      System.out.println(RESULT + run(arguments));
      System.out.flush();
      exit = 0;
    } catch (Exception e) {
      e.printStackTrace();
    }
    // The job is not stopped: what is left of it is thrown away with its topics.
    System.exit(exit);
  }

  private static String run(String[] arguments) throws Exception {
    Job job = Job.named(arguments[0]);
    int parallelism = Integer.parseInt(arguments[1]);
    String brokers = arguments[2];
    String pipelineFile = arguments[3];
    String run = arguments[7];
    long warmUp = Long.parseLong(arguments[9]);
    long events = Long.parseLong(arguments[10]);
    String checkpointSeconds = arguments[11];

    Configuration cluster = new Configuration();
    cluster.setString(MetricOptions.REPORTERS_LIST.key(), "progress");
    cluster.setString("metrics.reporter.progress.factory.class", Progress.class.getName());
    EmbeddedFlink flink =
        EmbeddedFlink.start(parallelism, Path.of(arguments[8]), EmbeddedFlink.State.HEAP, cluster);
    JobOptions options =
        JobOptions.parse(
            "benchmark",
            "--pipeline=" + pipelineFile,
            "--brokers=" + brokers,
            "--group=" + run,
            "--checkpoint-interval=" + checkpointSeconds);
    Configuration settings = JobEnvironment.settings(options.configuration());
    settings.set(
        CheckpointingOptions.CHECKPOINTING_INTERVAL,
        Duration.ofSeconds(Long.parseLong(checkpointSeconds)));
    StreamExecutionEnvironment environment = flink.environment(settings);
    environment.setParallelism(parallelism);
    PassThroughJob.Kafka kafka = new PassThroughJob.Kafka(brokers, arguments[4], arguments[5], run);
    switch (job) {
      case PASS_THROUGH -> PassThroughJob.define(environment, kafka);
      case ALL_IN_ONE -> AllJobs.define(environment, options);
      case NAIVE ->
          NaiveJob.define(
              environment, kafka, options.pipeline().events().schema(), Path.of(arguments[6]));
    }
    JobClient client = environment.executeAsync(job.toString());
    return measure(job, client, warmUp, events);
  }

  private static String measure(Job job, JobClient client, long warmUp, long events)
      throws Exception {
    String sink = job.sink + ": Writer";
    await(client, sink, 1);
    Sample started = Sample.now(sink);
    await(client, sink, warmUp);
    Sample warm = Sample.now(sink);
    resetPeaks();
    await(client, sink, warmUp + events);
    Sample end = Sample.now(sink);

    double millions = (end.taken - warm.taken) / 1e6;
    List<String> values = new ArrayList<>();
    values.add("rate=" + millions * 1e6 / (end.wall - warm.wall));
    values.add("cpu=" + (end.cpu - warm.cpu) / millions);
    values.add("warm-up-cpu=" + (warm.cpu - started.cpu) / ((warm.taken - started.taken) / 1e6));
    values.add("heap=" + peakHeap(""));
    values.add("old=" + peakHeap("Old"));
    Map<String, Double> kinds = new TreeMap<>(end.kinds);
    kinds.forEach(
        (kind, seconds) ->
            values.add(
                "cpu "
                    + kind
                    + "="
                    + Math.max(0, seconds - warm.kinds.getOrDefault(kind, 0.0)) / millions));
    return String.join(";", values);
  }

  private static void await(JobClient client, String sink, long count) throws Exception {
    long last = -1;
    long lastChange = System.nanoTime();
    while (Progress.taken(sink) < count) {
      long taken = Progress.taken(sink);
      long idle = System.nanoTime() - lastChange;
      if (taken != last) {
        last = taken;
        lastChange = System.nanoTime();
      } else if (idle > PATIENCE.toNanos()) {
        throw new IllegalStateException(
            sink + " has not seen " + count + " events; seen by\n" + Progress.describe());
      } else if (idle > LOOK.toNanos() // asking costs the job something
          && client.getJobStatus().get().isGloballyTerminalState()) {
        client.getJobExecutionResult().get();
        throw new IllegalStateException("the job ended before " + count + " events");
      }
      Thread.sleep(1);
    }
  }

  private record Sample(long taken, double wall, double cpu, Map<String, Double> kinds) {
    static Sample now(String sink) throws IOException {
      OperatingSystemMXBean system =
          (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
      return new Sample(
          Progress.taken(sink),
          System.nanoTime() / 1e9,
          system.getProcessCpuTime() / 1e9,
          CpuTime.byKind());
    }
  }

  private static void resetPeaks() {
    ManagementFactory.getMemoryPoolMXBeans().forEach(MemoryPoolMXBean::resetPeakUsage);
  }

  /**
   * Most that the heap's pools of that name held, megabytes; of the old generation it is what the
   * job keeps, and what outlived a while.
   */
  private static double peakHeap(String name) {
    return ManagementFactory.getMemoryPoolMXBeans().stream()
            .filter(pool -> pool.getType() == MemoryType.HEAP && pool.getName().contains(name))
            .mapToLong(pool -> pool.getPeakUsage().getUsed())
            .sum()
        / 1e6;
  }
}
