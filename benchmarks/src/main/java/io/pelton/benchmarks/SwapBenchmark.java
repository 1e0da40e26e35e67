package io.pelton.benchmarks;

import io.pelton.job.ControlTopic;
import io.pelton.job.KafkaSchemaStore;
import io.pelton.job.KafkaSettings;
import io.pelton.job.Topics;
import io.pelton.pipeline.Latency;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.registry.GoldenRows;
import io.pelton.registry.NewVersion;
import io.pelton.registry.Registry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.apache.flink.util.FileUtils;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The all-in-one job at half of its capacity while versions of its model are deployed, refused and
 * rolled back, or with shadows beside; laid out as {@link LatencyBenchmark} is.
 */
@Command(
    name = "swaps",
    description =
        "Latency while versions change or shadows score, beside that while none does, at half capacity.",
    mixinStandardHelpOptions = true)
final class SwapBenchmark implements Callable<Integer> {
  private static final String NAME = "swaps";
  private static final int TRAINED_ON = 405_000;
  private static final int SENT = 100_000;
  private static final int PARTITIONS = 4;
  private static final double[] SHARES = {0.5, 0.99, 0.999, 1};

  @Option(
      names = "--capacity",
      paramLabel = "N",
      description = "Events a second that the job can take; left out, it is measured first.")
  private int capacity;

  @Option(
      names = "--capacity-events",
      paramLabel = "N",
      description = "Events to measure it with; default ${DEFAULT-VALUE}.")
  private int capacityEvents = 400_000;

  @Option(
      names = "--seconds",
      paramLabel = "SECONDS",
      description =
          "Seconds measured: a good version, a refused one and a rollback in turn; default ${DEFAULT-VALUE}.")
  private int seconds = 120;

  @Option(
      names = "--pause",
      paramLabel = "SECONDS",
      description = "Seconds before each command; default ${DEFAULT-VALUE}.")
  private double pause = 2;

  @Option(
      names = "--window",
      paramLabel = "SECONDS",
      description =
          "Seconds from a command on that count as its own, at least; default ${DEFAULT-VALUE}.")
  private double window = 0.5;

  @Option(
      names = "--warm-up",
      paramLabel = "SECONDS",
      description = "Seconds at half capacity before those measured; default ${DEFAULT-VALUE}.")
  private int warmUp = 20;

  @Option(
      names = "--profile",
      paramLabel = "PROFILE",
      description = "low, balanced or throughput; default ${DEFAULT-VALUE}.")
  private String profile = "balanced";

  @Option(
      names = "--delivery",
      paramLabel = "GUARANTEE",
      description = "The job's --delivery; default ${DEFAULT-VALUE}.")
  private String delivery = "exactly-once";

  @Option(
      names = "--shadows",
      description =
          "Instead of swaps: a slow shadow and one that always fails in turn, each for a --pause.")
  private boolean shadows;

  @Option(names = "--jvm", paramLabel = "OPTION", description = "More options for the job's JVM.")
  private List<String> jvm = new ArrayList<>();

  @Override
  public Integer call() throws Exception {
    Latency latency = checked();
    Path directory = Files.createTempDirectory("pelton-benchmark");
    Process broker =
        FreshJvm.start(
            List.of("-Xmx512m"), Broker.class, List.of(directory.resolve("kafka").toString()));
    try {
      String brokers = FreshJvm.await(broker, Broker.READY);
      PipelineDefinition pipeline = LatencyBenchmark.pipeline(directory, NAME, latency);
      Preparation preparation = Preparation.simulated(pipeline, TRAINED_ON, directory);
      publish(preparation.trained(directory.resolve("model")), directory);
      return run(pipeline, latency, brokers, preparation.first(SENT), directory);
    } finally {
      end(broker);
      FileUtils.deleteDirectory(directory.toFile());
    }
  }

  private Latency checked() throws InputException {
    if (capacity < 0 || capacityEvents < 2 || seconds < 1 || warmUp < 0) {
      throw new InputException(
          "--capacity %d, --capacity-events %d, --seconds %d, --warm-up %d: seconds must be 1 or more, events 2 or more"
              .formatted(capacity, capacityEvents, seconds, warmUp));
    }
    if (!(window > 0 && pause > window)) {
      throw new InputException(
          "--pause %s, --window %s: the pause must be longer than the window, or nothing is steady"
              .formatted(pause, window));
    }
    try {
      return Latency.named(profile);
    } catch (IllegalArgumentException e) {
      throw new InputException(e);
    }
  }

  /** The champion, and what the commands need beside it. */
  private void publish(NewVersion version, Path directory) throws Exception {
    Registry registry = Preparation.publish(directory.resolve("registry"), version);
    if (shadows) {
      ShadowModels.publish(registry, version, directory);
      return;
    }
    // Its scores are not those that it is published with.
    double[][] others =
        Arrays.stream(version.goldenRows().outputs())
            .map(row -> new double[] {1 - row[0]})
            .toArray(double[][]::new);
    registry.publish(
        new NewVersion(
            version.name(),
            version.engine(),
            version.artifact(),
            version.signature(),
            version.engineOptions(),
            new GoldenRows(version.goldenRows().features(), others),
            version.profileJson(),
            version.evaluation(),
            version.provenance()));
    for (int i = 0; i < SwapCommands.mostNewVersions(seconds, pause); i++) {
      registry.publish(version);
    }
  }

  private List<Swap.Kind> kinds() {
    return shadows ? Swap.Kind.SHADOWS : Swap.Kind.SWAPS;
  }

  private int run(
      PipelineDefinition pipeline,
      Latency latency,
      String brokers,
      List<@Nullable Object[]> events,
      Path directory)
      throws Exception {
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
    Process job =
        FreshJvm.start(
            options,
            LatencyJobProcess.class,
            List.of(
                directory.resolve("state").toString(),
                "--pipeline=" + LatencyBenchmark.file(directory, NAME),
                "--brokers=" + brokers,
                "--latency=" + latency.label(),
                "--delivery=" + delivery));
    try {
      FreshJvm.await(job, LatencyJobProcess.READY);
      OpenLoop loop = new OpenLoop(kafka, pipeline, events, false);
      double all = capacity > 0 ? capacity : loop.capacity(capacityEvents);
      int rate = (int) Math.max(1, all / 2);
      System.out.printf(
          "capacity %,.0f events/s%s; now %,d events/s%n",
          all, capacity > 0 ? " as given" : "", rate);
      SwapCommands commands =
          new SwapCommands(new ControlTopic(kafka, pipeline), model(pipeline), kinds());
      Commanding commanding =
          new Commanding(
              new FutureTask<>(
                  () ->
                      commands.give(Duration.ofSeconds(seconds), Duration.ofNanos(nanos(pause)))));
      OpenLoop.Run run = loop.run(rate, warmUp, seconds, commanding);
      // A shadow's time is all that is before the next command.
      SwapFigures figures =
          new SwapFigures(run, commanding.given.get(), nanos(shadows ? seconds : window));
      print(figures);
      if (shadows) {
        System.out.printf(
            "records of shadows: %,d%n", records(kafka, pipeline.topic(Topic.SHADOW)));
      }
      return figures.wrong().length == 0 ? 0 : 1;
    } finally {
      end(job);
    }
  }

  /** Gives commands from the end of the warm-up on. */
  private record Commanding(FutureTask<List<Swap>> given) implements OpenLoop.Watch {
    @Override
    public void measuring() {
      new Thread(given, "commands").start();
    }

    @Override
    public void sent() {}
  }

  private static String model(PipelineDefinition pipeline) {
    return Objects.requireNonNull(pipeline.model()).name();
  }

  private static long nanos(double seconds) {
    return Math.round(seconds * 1e9);
  }

  private static void end(Process process) throws Exception {
    process.getOutputStream().close();
    if (!process.waitFor(20, TimeUnit.SECONDS)) {
      process.destroyForcibly();
    }
  }

  private void print(SwapFigures figures) {
    System.out.printf(
        "%n%d s after %d s of warm-up, profile %s, delivery %s; milliseconds%n%n",
        seconds, warmUp, profile, delivery);
    System.out.println("| when sent | events | p50 | p99 | p99.9 | max | p99 / steady |");
    System.out.println("|---|---|---|---|---|---|---|");
    long[] steady = shadows ? figures.during(Swap.Kind.NO_SHADOW) : figures.steady();
    print(shadows ? "no shadow" : "steady state", steady, steady);
    if (!shadows) {
      print("during all commands", figures.during(), steady);
    }
    for (Swap.Kind kind : EnumSet.copyOf(kinds())) {
      if (kind != Swap.Kind.NO_SHADOW) {
        print("during a " + kind.words(), figures.during(kind), steady);
        if (kind.lasts()) {
          print("while it is loaded", figures.until(kind), steady);
        }
      }
    }
    System.out.printf(
        "%n| command | number | effect: median, max | job's word: median, max |%n|---|---|---|---|%n");
    for (Swap.Kind kind : EnumSet.copyOf(kinds())) {
      long[] answers = figures.answers(kind);
      System.out.printf(
          "| %s | %d | %s | %s |%n",
          kind.words(),
          answers.length,
          kind == Swap.Kind.DEPLOY || kind == Swap.Kind.ROLLBACK
              ? medianAndMost(figures.effects(kind))
              : "",
          medianAndMost(answers));
    }
    int[] wrong = figures.wrong();
    System.out.printf(
        "%nno prediction lost or doubled; %d by a version that was not to serve%s%n",
        wrong.length, wrong.length == 0 ? "" : ", the first of event " + wrong[0]);
  }

  private static void print(String when, long[] latencies, long[] steady) {
    StringBuilder row = new StringBuilder("| %s | %,d |".formatted(when, latencies.length));
    if (latencies.length > 0 && steady.length > 0) {
      for (double share : SHARES) {
        row.append(" %.1f |".formatted(LatencyBenchmark.at(latencies, share) / 1e6));
      }
      row.append(
          " %.2f |"
              .formatted(
                  (double) LatencyBenchmark.at(latencies, 0.99)
                      / LatencyBenchmark.at(steady, 0.99)));
    }
    System.out.println(row);
  }

  /** A little more, for ends of transactions have offsets too. */
  private static long records(KafkaSettings kafka, String topic) {
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            kafka.consumer(), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> partitions =
          consumer.partitionsFor(topic).stream()
              .map(info -> new TopicPartition(topic, info.partition()))
              .toList();
      return consumer.endOffsets(partitions).values().stream().mapToLong(end -> end).sum();
    }
  }

  private static String medianAndMost(long[] sorted) {
    return sorted.length == 0
        ? ""
        : "%.0f, %.0f"
            .formatted(
                LatencyBenchmark.at(sorted, 0.5) / 1e6, LatencyBenchmark.at(sorted, 1) / 1e6);
  }
}
