package io.pelton.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import io.pelton.cli.embedded.EmbeddedFlink;
import io.pelton.job.JobEnvironment;
import io.pelton.pipeline.PipelineFile;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;

/**
 * Scores rows that lie in this process's memory, as fast as it goes or at a rate, and measures it
 * after a warm-up. Prints one line for {@link InferenceBenchmark}.
 */
final class ScoringProcess {
  static final String RESULT = "result ";
  static final double[] SHARES = {0.5, 0.99, 0.999};
  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(60);
  private static final int LONGER = 4;
  private static final long LEAST_PAUSE = 50_000;

  private final ScoringRun run;

  private ScoringProcess(ScoringRun run) {
    this.run = run;
  }

  public static void main(String[] arguments) {
    int exit = 1;
    try {
      System.out.println(RESULT + new ScoringProcess(ScoringRun.parse(arguments)).measure());
      System.out.flush();
      exit = 0;
    } catch (Exception e) {
      e.printStackTrace();
    }
    // What runs is not stopped: nothing of it is wanted any more.
    System.exit(exit);
  }

  private String measure() throws Exception {
    PacedRows.hold(HeldRows.load(run.prepared().resolve(ScoredModel.ROWS_FILE)));
    if (run.contender() == Contender.BARE || run.contender() == Contender.BARE_WITH_ROWS) {
      BareLoop loop = new BareLoop(run);
      Thread thread = new Thread(loop, "bare");
      thread.setDaemon(true);
      thread.start();
      return throughput(loop::count, null);
    }
    EmbeddedFlink flink =
        EmbeddedFlink.start(1, run.directory(), EmbeddedFlink.State.HEAP, new Configuration());
    StreamExecutionEnvironment environment =
        flink.environment(JobEnvironment.settings(new Configuration()));
    environment.setParallelism(1);
    ScoringJob.define(
        environment,
        PipelineFile.read(
            ScoredModel.pipeline(
                run.prepared(),
                run.batch(),
                run.delay(),
                run.contender() == Contender.OPERATOR_OVERLAPPING)),
        run);
    JobClient client = environment.executeAsync(run.contender().toString());
    // The first rows wait for the model.
    ReplaySource.limit(1);
    await(client, 1);
    if (run.rate() > 0) {
      return latency(client);
    }
    ReplaySource.limit(Long.MAX_VALUE);
    return throughput(ScoredRows::count, client);
  }

  private interface Count {
    long now();
  }

  private String throughput(Count count, @Nullable JobClient client) throws Exception {
    spend(run.warmUp());
    long warm = count.now();
    double cpu = cpuSeconds();
    double server = serverSeconds();
    Map<String, Double> before = CpuTime.byKind();
    long from = System.nanoTime();
    spend(run.seconds());
    long rows = count.now() - warm;
    double seconds = (System.nanoTime() - from) / 1e9;
    double spent = cpuSeconds() - cpu;
    double served = serverSeconds() - server;
    double task = 0;
    for (Map.Entry<String, Double> kind : CpuTime.byKind().entrySet()) {
      if (!kind.getKey().equals("compiler") && !kind.getKey().equals("garbage collector")) {
        task = Math.max(task, kind.getValue() - before.getOrDefault(kind.getKey(), 0.0));
      }
    }
    if (rows == 0) {
      throw failure(client);
    }
    double millions = rows / 1e6;
    return "rate=%s;cpu=%s;task=%s;server=%s"
        .formatted(rows / seconds, spent / millions, task / millions, served / millions);
  }

  /** As long as that, and longer where others keep this process from the cores. */
  private static void spend(int seconds) throws InterruptedException {
    double cpu = cpuSeconds() + seconds;
    long from = System.nanoTime();
    TimeUnit.SECONDS.sleep(seconds);
    while (cpuSeconds() < cpu
        && System.nanoTime() - from < LONGER * TimeUnit.SECONDS.toNanos(seconds)) {
      Thread.sleep(10);
    }
  }

  /** Rows go in when they are due, whether or not those before came out. */
  private String latency(JobClient client) throws Exception {
    int warmUp = run.rate() * run.warmUp();
    int all = warmUp + run.rate() * run.seconds();
    ScoredRows.keepTimes(all + 1);
    long start = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(100);
    PacedRows.pace(start, run.rate());
    double cpu = Double.NaN;
    double server = 0;
    long from = 0;
    long sent = 0;
    while (sent < all) {
      long due = start + sent * 1_000_000_000L / run.rate();
      long now = System.nanoTime();
      if (now < due) {
        LockSupport.parkNanos(Math.max(LEAST_PAUSE, due - now));
        continue;
      }
      sent = Math.min(all, (now - start) * run.rate() / 1_000_000_000L + 1);
      ReplaySource.limit(1 + sent);
      if (Double.isNaN(cpu) && sent >= warmUp) {
        cpu = cpuSeconds();
        server = serverSeconds();
        from = now;
      }
    }
    double seconds = (System.nanoTime() - from) / 1e9;
    double cores = (cpuSeconds() - cpu) / seconds;
    double serverCores = (serverSeconds() - server) / seconds;
    await(client, 1 + all);
    long[] latencies = ScoredRows.latencies(start + run.warmUp() * 1_000_000_000L);
    Arrays.sort(latencies);
    List<String> values = new ArrayList<>();
    for (double share : SHARES) {
      values.add(LatencyBenchmark.name(share) + "=" + LatencyBenchmark.at(latencies, share) / 1e6);
    }
    values.add("max=" + latencies[latencies.length - 1] / 1e6);
    values.add("cores=" + cores);
    values.add("server=" + serverCores);
    return String.join(";", values);
  }

  private static double cpuSeconds() {
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    return system.getProcessCpuTime() / 1e9;
  }

  private double serverSeconds() {
    return ProcessHandle.of(run.server())
        .flatMap(process -> process.info().totalCpuDuration())
        .map(spent -> spent.toNanos() / 1e9)
        .orElse(0.0);
  }

  private static void await(JobClient client, long count) throws Exception {
    long last = -1;
    long change = System.nanoTime();
    while (ScoredRows.count() < count) {
      if (ScoredRows.count() != last) {
        last = ScoredRows.count();
        change = System.nanoTime();
      } else if (System.nanoTime() - change > PATIENCE) {
        throw failure(client);
      }
      Thread.sleep(1);
    }
  }

  /** What the job failed of, if it did. */
  private static Exception failure(@Nullable JobClient client) throws Exception {
    if (client != null && client.getJobStatus().get().isGloballyTerminalState()) {
      client.getJobExecutionResult().get();
    }
    return new IllegalStateException("no more rows came than " + ScoredRows.count());
  }
}
