package io.pelton.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import io.pelton.cli.embedded.EmbeddedFlink;
import io.pelton.job.JobEnvironment;
import io.pelton.pipeline.PipelineFile;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Runs one job in this process over events in memory, one subtask an operator, and measures it
 * while it runs; then lets it come to rest and weighs a savepoint. Prints one line for {@link
 * FeatureBenchmark}.
 */
final class FeatureJobProcess {
  static final String RESULT = "result ";
  static final String STATE = "state";
  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(60);
  private static final long LOOK = TimeUnit.SECONDS.toNanos(1);
  // Longer than watermarks take: they are sent every 200 ms.
  private static final long REST = TimeUnit.MILLISECONDS.toNanos(1_500);
  // A stage ends this much early, for its last events wait for a watermark that does not come.
  private static final int STAGE_TAIL = 500;

  private final FeatureRun run;
  private final JobClient client;

  private FeatureJobProcess(FeatureRun run, JobClient client) {
    this.run = run;
    this.client = client;
  }

  public static void main(String[] arguments) {
    int exit = 1;
    try {
      System.out.println(RESULT + measure(FeatureRun.parse(arguments)));
      System.out.flush();
      exit = 0;
    } catch (Exception e) {
      e.printStackTrace();
    }
    // The job is not stopped: nothing of it is wanted any more.
    System.exit(exit);
  }

  private static String measure(FeatureRun run) throws Exception {
    ReplaySource.replay(ReplayedEvents.load(run.events()).folded(run.keysInOne()));
    EmbeddedFlink flink = EmbeddedFlink.start(1, run.directory(), run.state(), new Configuration());
    StreamExecutionEnvironment environment =
        flink.environment(JobEnvironment.settings(new Configuration()));
    environment.setParallelism(1);
    run.job().define(environment, PipelineFile.read(run.pipeline()), run);
    JobClient client = environment.executeAsync(run.job().toString());
    FeatureJobProcess process = new FeatureJobProcess(run, client);
    return run.stageEvents() > 0 ? process.byStages() : process.byTheClock();
  }

  private String byTheClock() throws Exception {
    long seconds = TimeUnit.SECONDS.toNanos(run.seconds());
    ReplaySource.limit(Long.MAX_VALUE);
    await(1);
    long start = System.nanoTime();
    await(run.warmUp());
    sleepUntil(start + seconds);
    Usage warm = Usage.now();
    sleepUntil(System.nanoTime() + seconds);
    Usage end = Usage.now();
    ReplaySource.limit(0);
    return describe(end.since(warm), List.of(STATE + "=" + stateBytes()));
  }

  /** The rate is that of the stages after the warm-up. */
  private String byStages() throws Exception {
    List<String> states = new ArrayList<>();
    Cost cost = null;
    for (int stage = 1; stage <= run.stages(); stage++) {
      long until = (long) stage * run.stageEvents();
      Usage before = Usage.now();
      ReplaySource.limit(until);
      await(until - Math.min(STAGE_TAIL, run.stageEvents() / 2));
      Usage after = Usage.now();
      if (until > run.warmUp()) {
        Cost ofStage = after.since(before);
        cost = cost == null ? ofStage : cost.plus(ofStage);
      }
      states.add(STATE + " " + stage + "=" + stateBytes());
    }
    if (cost == null) {
      throw new IllegalStateException("no stage after the warm-up: " + run);
    }
    return describe(cost, states);
  }

  private static String describe(Cost cost, List<String> states) {
    List<String> values = cost.perEvent();
    values.addAll(states);
    values.add("given=" + ReplaySource.given());
    values.add("taken=" + TakenRows.count());
    return String.join(";", values);
  }

  /** Waits until nothing comes out any more, then weighs all files of a savepoint. */
  private long stateBytes() throws Exception {
    long taken = -1;
    long change = System.nanoTime();
    while (System.nanoTime() - change < REST) {
      if (TakenRows.count() != taken) {
        taken = TakenRows.count();
        change = System.nanoTime();
      }
      Thread.sleep(10);
    }
    String savepoint =
        client
            .triggerSavepoint(
                run.directory().resolve("savepoints").toUri().toString(),
                SavepointFormatType.CANONICAL)
            .get();
    try (Stream<Path> files = Files.walk(Path.of(java.net.URI.create(savepoint)))) {
      long bytes = 0;
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        bytes += Files.size(file);
      }
      return bytes;
    }
  }

  private static void sleepUntil(long nanos) throws InterruptedException {
    long left = nanos - System.nanoTime();
    if (left > 0) {
      TimeUnit.NANOSECONDS.sleep(left);
    }
  }

  private void await(long count) throws Exception {
    long last = -1;
    long lastChange = System.nanoTime();
    while (TakenRows.count() < count) {
      long taken = TakenRows.count();
      long idle = System.nanoTime() - lastChange;
      if (taken != last) {
        last = taken;
        lastChange = System.nanoTime();
      } else if (idle > PATIENCE) {
        throw new IllegalStateException(
            "%,d of %,d events came, of %,d given".formatted(taken, count, ReplaySource.given()));
      } else if (idle > LOOK // asking costs the job something
          && client.getJobStatus().get().isGloballyTerminalState()) {
        client.getJobExecutionResult().get();
        throw new IllegalStateException("the job ended before " + count + " events");
      }
      Thread.sleep(1);
    }
  }

  private record Usage(
      long taken, double wall, double cpu, double allocated, Map<String, Double> kinds) {
    static Usage now() throws IOException {
      OperatingSystemMXBean system =
          (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
      ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      long allocated =
          Arrays.stream(threads.getThreadAllocatedBytes(threads.getAllThreadIds()))
              .filter(bytes -> bytes > 0)
              .sum();
      return new Usage(
          TakenRows.count(),
          System.nanoTime() / 1e9,
          system.getProcessCpuTime() / 1e9,
          allocated,
          CpuTime.byKind());
    }

    Cost since(Usage before) {
      Map<String, Double> spent = new TreeMap<>(kinds);
      spent.replaceAll(
          (kind, seconds) -> Math.max(0, seconds - before.kinds.getOrDefault(kind, 0.0)));
      return new Cost(
          taken - before.taken,
          wall - before.wall,
          cpu - before.cpu,
          allocated - before.allocated,
          spent);
    }
  }

  /** What events cost: seconds, bytes. */
  private record Cost(
      long events, double wall, double cpu, double allocated, Map<String, Double> kinds) {
    Cost plus(Cost other) {
      Map<String, Double> both = new TreeMap<>(kinds);
      other.kinds.forEach((kind, seconds) -> both.merge(kind, seconds, Double::sum));
      return new Cost(
          events + other.events,
          wall + other.wall,
          cpu + other.cpu,
          allocated + other.allocated,
          both);
    }

    List<String> perEvent() {
      List<String> values = new ArrayList<>();
      values.add("rate=" + events / wall);
      values.add("cpu=" + cpu / (events / 1e6));
      values.add("allocated=" + allocated / events);
      double busiest = 0;
      for (Map.Entry<String, Double> kind : kinds.entrySet()) {
        double seconds = kind.getValue() / (events / 1e6);
        values.add("cpu " + kind.getKey() + "=" + seconds);
        if (!kind.getKey().equals("compiler") && !kind.getKey().equals("garbage collector")) {
          busiest = Math.max(busiest, seconds);
        }
      }
      values.add("busiest=" + busiest);
      return values;
    }
  }
}
