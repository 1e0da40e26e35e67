package io.pelton.benchmarks;

import io.pelton.job.KafkaSchemaStore;
import io.pelton.job.KafkaSettings;
import io.pelton.job.Topics;
import io.pelton.pipeline.InvalidPipelineException;
import io.pelton.pipeline.Latency;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.pipeline.Topic;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.apache.flink.util.FileUtils;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * From the producer to the prediction through the all-in-one job on arrival order, at fixed rates,
 * for each latency profile; the job, the broker and who sends and receives are processes of their
 * own on one machine.
 */
@Command(
    name = "latency",
    description = "Producer to prediction at fixed rates, by latency profile.",
    mixinStandardHelpOptions = true)
final class LatencyBenchmark implements Callable<Integer> {
  private static final Path EXAMPLE = Path.of("examples/card-fraud");
  private static final int TRAINED_ON = 405_000;
  private static final int SENT = 100_000;
  private static final int PARTITIONS = 4;
  private static final List<String> PROCESSES = List.of("job", "broker", "load");
  private static final double[] SHARES = {0.5, 0.95, 0.99, 0.999};

  @Option(
      names = "--rates",
      split = ",",
      paramLabel = "N",
      description = "Events a second; default 1000,5000,20000.")
  private List<Integer> rates = List.of(1_000, 5_000, 20_000);

  @Option(
      names = "--profiles",
      split = ",",
      paramLabel = "PROFILE",
      description = "Of low, balanced, throughput; default all of them.")
  private List<String> profiles = List.of("low", "balanced", "throughput");

  @Option(
      names = "--warm-up",
      paramLabel = "SECONDS",
      description = "Seconds at the rate before those measured; default ${DEFAULT-VALUE}.")
  private int warmUp = 30;

  @Option(
      names = "--seconds",
      paramLabel = "SECONDS",
      description = "Seconds measured; default ${DEFAULT-VALUE}.")
  private int seconds = 30;

  @Option(names = "--repeat", paramLabel = "N", description = "Rounds; default ${DEFAULT-VALUE}.")
  private int repeat = 1;

  @Option(
      names = "--delivery",
      paramLabel = "GUARANTEE",
      description = "The job's --delivery; default ${DEFAULT-VALUE}.")
  private String delivery = "exactly-once";

  @Option(names = "--committed", description = "The consumer reads committed predictions only.")
  private boolean committed;

  @Option(
      names = "--checkpoint-interval",
      paramLabel = "SECONDS",
      description = "Seconds between checkpoints; default ${DEFAULT-VALUE}.")
  private double checkpointSeconds = 10;

  @Option(names = "--jvm", paramLabel = "OPTION", description = "More options for the job's JVM.")
  private List<String> jvm = new ArrayList<>();

  @Option(
      names = "--job",
      paramLabel = "OPTION",
      description = "More options of the job, as --job=--kafka-config=FILE.")
  private List<String> more = new ArrayList<>();

  private record Case(Latency profile, int rate) {}

  @Override
  public Integer call() throws Exception {
    List<Latency> chosen = chosen();
    Path directory = Files.createTempDirectory("pelton-benchmark");
    Process broker =
        FreshJvm.start(
            List.of("-Xmx512m"), Broker.class, List.of(directory.resolve("kafka").toString()));
    try {
      String brokers = FreshJvm.await(broker, Broker.READY);
      PipelineDefinition any = pipeline(directory, "latency", Latency.BALANCED);
      Preparation preparation = Preparation.simulated(any, TRAINED_ON, directory);
      preparation.train(directory.resolve("registry"), directory.resolve("model"));
      List<@Nullable Object[]> events = preparation.first(SENT);
      Map<Case, List<Figures>> results = new LinkedHashMap<>();
      for (int round = 0; round < repeat; round++) {
        for (int rate : rates) {
          for (Latency profile : chosen) {
            Case now = new Case(profile, rate);
            Figures figures = run(now, round, broker, brokers, events, directory);
            System.out.println(row(now, List.of(figures)));
            results.computeIfAbsent(now, unused -> new ArrayList<>()).add(figures);
          }
        }
      }
      print(results);
    } finally {
      broker.getOutputStream().close();
      if (!broker.waitFor(20, TimeUnit.SECONDS)) {
        broker.destroyForcibly();
      }
      FileUtils.deleteDirectory(directory.toFile());
    }
    return 0;
  }

  private List<Latency> chosen() throws InputException {
    if (rates.stream().anyMatch(rate -> rate < 1) || seconds < 1 || warmUp < 0) {
      throw new InputException(
          "--rates %s, --seconds %d, --warm-up %d: rates and seconds must be 1 or more, the warm-up 0 or more"
              .formatted(rates, seconds, warmUp));
    }
    try {
      return profiles.stream().map(Latency::named).toList();
    } catch (IllegalArgumentException e) {
      throw new InputException(e);
    }
  }

  /** The example on arrival order, with topics of its own and the batch delay of the profile. */
  static PipelineDefinition pipeline(Path directory, String name, Latency profile)
      throws IOException, InvalidPipelineException {
    Path schema = directory.resolve("transaction.avsc");
    if (Files.notExists(schema)) {
      Files.copy(EXAMPLE.resolve("transaction.avsc"), schema);
    }
    String text =
        Files.readString(EXAMPLE.resolve("pipeline.yaml"))
            .replaceFirst("(?m)^pipeline: .*$", "pipeline: " + name)
            .replaceFirst("(?m)^  topic: transactions$", "  topic: " + name + ".events")
            .replaceFirst("(?m)^  out-of-orderness: .*\n", "")
            .replaceFirst("(?m)^  batch: .*\n", "");
    return PipelineFile.read(Files.writeString(file(directory, name), text), profile);
  }

  static Path file(Path directory, String name) {
    return directory.resolve(name + ".yaml");
  }

  private Figures run(
      Case now,
      int round,
      Process broker,
      String brokers,
      List<@Nullable Object[]> events,
      Path directory)
      throws Exception {
    String name = "latency-%s-%d-%d".formatted(now.profile.label(), now.rate, round);
    PipelineDefinition pipeline = pipeline(directory, name, now.profile);
    KafkaSettings kafka = KafkaSettings.of(brokers);
    Topics.ensure(
        kafka,
        Topics.of(pipeline, List.of(Topic.EVENTS, Topic.PREDICTIONS, Topic.SCHEMAS), PARTITIONS),
        true,
        Duration.ofSeconds(30));
    new KafkaSchemaStore(kafka, pipeline.topic(Topic.SCHEMAS))
        .publish(List.of(pipeline.events().schema()));
    List<String> options = new ArrayList<>(List.of("-Xmx2g"));
    options.addAll(jvm);
    List<String> arguments =
        new ArrayList<>(
            List.of(
                directory.resolve("state-" + name).toString(),
                "--pipeline=" + file(directory, name),
                "--brokers=" + brokers,
                "--latency=" + now.profile.label(),
                "--delivery=" + delivery,
                "--checkpoint-interval=" + checkpointSeconds));
    arguments.addAll(more);
    Process job = FreshJvm.start(options, LatencyJobProcess.class, arguments);
    try {
      FreshJvm.await(job, LatencyJobProcess.READY);
      CpuOf cpu = new CpuOf(List.of(job.toHandle(), broker.toHandle(), ProcessHandle.current()));
      long[] latencies =
          new OpenLoop(kafka, pipeline, events, committed)
              .run(now.rate, warmUp, seconds, cpu)
              .latencies();
      Map<String, Double> figures = new LinkedHashMap<>();
      for (double share : SHARES) {
        figures.put(name(share), at(latencies, share) / 1e6);
      }
      figures.put("max", latencies[latencies.length - 1] / 1e6);
      for (int i = 0; i < PROCESSES.size(); i++) {
        figures.put(PROCESSES.get(i), cpu.cores(i));
      }
      return new Figures(figures);
    } finally {
      job.getOutputStream().close();
      if (!job.waitFor(20, TimeUnit.SECONDS)) {
        job.destroyForcibly();
      }
    }
  }

  /** The least value that so great a share of the values does not exceed. */
  static long at(long[] sorted, double share) {
    return sorted[(int) Math.max(0, Math.ceil(share * sorted.length) - 1)];
  }

  static String name(double share) {
    return "p" + Math.round(share * 1_000) / 10.0;
  }

  /** What processes take of the cores while events are measured. */
  private static final class CpuOf implements OpenLoop.Watch {
    private final List<ProcessHandle> processes;
    private List<Double> from = List.of();
    private List<Double> to = List.of();
    private long begin;
    private long end;

    CpuOf(List<ProcessHandle> processes) {
      this.processes = processes;
    }

    @Override
    public void measuring() {
      from = seconds();
      begin = System.nanoTime();
    }

    @Override
    public void sent() {
      to = seconds();
      end = System.nanoTime();
    }

    double cores(int process) {
      return (to.get(process) - from.get(process)) * 1e9 / (end - begin);
    }

    private List<Double> seconds() {
      return processes.stream()
          .map(
              process ->
                  process.info().totalCpuDuration().map(spent -> spent.toNanos() / 1e9).orElse(0.0))
          .toList();
    }
  }

  private void print(Map<Case, List<Figures>> results) {
    System.out.printf(
        "%n%d s after %d s of warm-up, median of %d; milliseconds, delivery %s, checkpoints every %s s%s%n%n",
        seconds,
        warmUp,
        repeat,
        delivery,
        checkpointSeconds,
        committed ? ", committed predictions" : "");
    System.out.println(
        "| events/s | profile | p50 | p95 | p99 | p99.9 | max | cores: job, broker, load |");
    System.out.println("|---|---|---|---|---|---|---|---|");
    results.forEach((now, runs) -> System.out.println(row(now, runs)));
  }

  private static String row(Case now, List<Figures> runs) {
    StringBuilder row = new StringBuilder("| %,d | %s |".formatted(now.rate, now.profile.label()));
    for (double share : SHARES) {
      row.append(" %.1f |".formatted(Figures.median(runs, name(share))));
    }
    return row.append(
            " %.0f | %.2f, %.2f, %.2f |"
                .formatted(
                    Figures.median(runs, "max"),
                    Figures.median(runs, "job"),
                    Figures.median(runs, "broker"),
                    Figures.median(runs, "load")))
        .toString();
  }
}
