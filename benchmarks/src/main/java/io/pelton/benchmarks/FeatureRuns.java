package io.pelton.benchmarks;

import io.pelton.benchmarks.WindowCheck.Column;
import io.pelton.cli.embedded.EmbeddedFlink.State;
import io.pelton.feature.job.EventSources;
import io.pelton.pipeline.InvalidPipelineException;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineDefinition.Feature;
import io.pelton.pipeline.PipelineDefinition.WindowedFeature;
import io.pelton.pipeline.PipelineFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.flink.util.FileUtils;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Runs of the feature engine's jobs, each in a JVM of its own, their windows checked, and the table
 * of what came out. For one measurement.
 */
final class FeatureRuns {
  private static final String SCHEMA = "transaction.avsc";
  private static final long SIMULATED = 1_800_000;
  private static final int SAMPLE_EVERY = 499;
  private static final double SHOWN = 0.01;
  private static final Set<FeatureJob> COMPARED_WITH =
      EnumSet.of(FeatureJob.PASS_THROUGH, FeatureJob.SQL, FeatureJob.BY_HAND);

  /** What all commands take. */
  static final class Jvm {
    @Option(names = "--jvm", paramLabel = "OPTION", description = "More options for the job's JVM.")
    private List<String> options = new ArrayList<>();
  }

  /** What is measured in rounds takes. */
  static final class Rounds {
    @Option(names = "--repeat", paramLabel = "N", description = "Rounds; default ${DEFAULT-VALUE}.")
    private int repeat = 3;

    @Mixin private final Jvm jvm;

    Rounds() {
      this(new Jvm());
    }

    Rounds(Jvm jvm) {
      this.jvm = jvm;
    }
  }

  /** What is measured by the clock takes, over events that are the user's or simulated. */
  static final class Options {
    @Option(
        names = "--data",
        arity = "1..*",
        paramLabel = "FILES",
        description =
            "Card transactions, in the order of time: paths and globs, a glob's files by name."
                + " Default: simulated ones.")
    private List<String> data = new ArrayList<>();

    @Option(
        names = "--warm-up",
        paramLabel = "N",
        description = "Events before the measurement, at least; default ${DEFAULT-VALUE}.")
    private long warmUp = 500_000;

    @Option(
        names = "--seconds",
        paramLabel = "N",
        description =
            "Length of a measurement, and of the warm-up at least; default ${DEFAULT-VALUE}.")
    private int seconds = 10;

    @Mixin private final Rounds rounds;

    Options() {
      this(new Rounds());
    }

    Options(Rounds rounds) {
      this.rounds = rounds;
    }
  }

  /** One line of the table. */
  record Case(
      String title, FeatureJob job, Path pipeline, int keysInOne, State state, boolean checked) {}

  record Results(Map<Case, List<Figures>> figures, Map<Case, WindowCheck.Outcome> checks) {}

  private final Options options;
  private final Path directory;
  private final Schema schema =
      SchemaBuilder.record("Transaction")
          .namespace("com.example.cards")
          .fields()
          .requiredLong("transaction_id")
          .name("event_time")
          .type(
              org.apache.avro.LogicalTypes.timestampMillis()
                  .addToSchema(Schema.create(Schema.Type.LONG)))
          .noDefault()
          .requiredLong("customer_id")
          .requiredDouble("amount")
          .endRecord();
  private int stages;
  private boolean wrong;

  /**
   * @param directory for what the runs write
   */
  FeatureRuns(Options options, Path directory) throws IOException {
    this.options = options;
    this.directory = directory;
    Files.writeString(directory.resolve(SCHEMA), schema.toString());
  }

  /** Runs in so many stages, each of all events, in place of one by the clock. */
  void stages(int number) {
    stages = number;
  }

  /** Whether a window that was printed is wrong. */
  boolean wrong() {
    return wrong;
  }

  /**
   * Writes a pipeline file.
   *
   * @param outOfOrderness null to take events on arrival
   */
  Path pipeline(String name, @Nullable String outOfOrderness, String features) throws IOException {
    Path file = directory.resolve(name + ".yaml");
    Files.writeString(
        file,
        """
        pipeline: %s
        events:
          topic: transactions
          schema: %s
          id: transaction_id
          time: event_time
        %sentities:
          customer: customer_id
          tiled: {key: customer_id, resolution: 1h}
        features:
        %s"""
            .formatted(
                name,
                SCHEMA,
                outOfOrderness == null ? "" : "  out-of-orderness: " + outOfOrderness + "\n",
                features));
    return file;
  }

  /**
   * @throws InputException when the files cannot be used
   */
  ReplayedEvents payments() throws IOException, InvalidPipelineException {
    if (options.data.isEmpty()) {
      return ReplayedEvents.read(List.of(Preparation.simulate(SIMULATED, directory)), schema);
    }
    Path any =
        pipeline(
            "payments",
            "10s",
            "  amount_sum: {entity: customer, aggregate: sum(amount), windows: [1h]}\n");
    try {
      return ReplayedEvents.read(
          EventSources.resolve(options.data, PipelineFile.read(any)).stream()
              .map(file -> Path.of(file.getPath()))
              .toList(),
          schema);
    } catch (IOException e) {
      throw new InputException(e);
    }
  }

  /** Runs each case once a round, over the same events. */
  Results inTurns(List<Case> cases, ReplayedEvents events) throws Exception {
    Path file = directory.resolve("events");
    events.save(file);
    Results results = new Results(new LinkedHashMap<>(), new LinkedHashMap<>());
    for (int round = 0; round < options.rounds.repeat; round++) {
      for (Case now : cases) {
        FeatureRun run =
            new FeatureRun(
                now.job,
                now.pipeline,
                file,
                now.keysInOne,
                now.state,
                stages > 0 ? 2L * events.size() : options.warmUp,
                options.seconds,
                stages > 0 ? events.size() : 0,
                stages,
                // Of a hot key each sampled event has millions to scan.
                stages > 0 ? Math.max(1, events.size() / 10 - 1) : SAMPLE_EVERY,
                Files.createDirectory(directory.resolve("run")));
        Figures figures = run(now, run);
        results.figures.computeIfAbsent(now, unused -> new ArrayList<>()).add(figures);
        if (now.checked) {
          results.checks.merge(
              now, check(run, figures, events.folded(now.keysInOne)), WindowCheck.Outcome::plus);
        }
        FileUtils.deleteDirectory(run.directory().toFile());
      }
    }
    return results;
  }

  private Figures run(Case now, FeatureRun run) throws Exception {
    List<String> jvm = new ArrayList<>(List.of("-Xmx2g"));
    jvm.addAll(options.rounds.jvm.options);
    Process job = FreshJvm.start(jvm, FeatureJobProcess.class, run.toArguments());
    Figures figures = Figures.parse(FreshJvm.await(job, FeatureJobProcess.RESULT));
    job.waitFor();
    System.out.printf("%s:", now.title);
    figures
        .byName()
        .forEach(
            (name, value) -> {
              if (value >= SHOWN) {
                System.out.printf(" %s %,.2f;", name, value);
              }
            });
    System.out.println();
    return figures;
  }

  /** Bytes of state a key, and nanoseconds an event. */
  String[] costs(Path pipeline) throws IOException {
    List<String> jvm = new ArrayList<>(List.of("-Xmx2g"));
    jvm.addAll(options.rounds.jvm.options);
    Process process = FreshJvm.start(jvm, AggregateCosts.class, List.of(pipeline.toString()));
    return FreshJvm.await(process, AggregateCosts.RESULT).split(" ");
  }

  private static WindowCheck.Outcome check(FeatureRun run, Figures figures, ReplayedEvents events)
      throws IOException, InvalidPipelineException {
    PipelineDefinition pipeline = PipelineFile.read(run.pipeline());
    List<Column> columns = new ArrayList<>();
    for (Feature feature : pipeline.features()) {
      if (feature instanceof WindowedFeature windowed) {
        windowed
            .windows()
            .forEach(
                window -> columns.add(new Column(windowed.aggregate().function(), window.width())));
      }
    }
    // All that is checked is of the first entity.
    return new WindowCheck(events, columns, pipeline.entities().get(0).resolution())
        .compare(
            run.sample(),
            (long) figures.get("taken"),
            run.sampleEvery(),
            run.job() == FeatureJob.SQL);
  }

  /** Prints the table of results, and what was wrong. */
  void print(Results results, ReplayedEvents events) {
    System.out.printf(
        "%n%,d keys, %.1f events a key and day; parallelism 1; median of %d%n%n",
        events.distinctKeys(), events.eventsAKeyAndDay(), options.rounds.repeat);
    List<Map.Entry<Case, List<Figures>>> bases =
        results.figures.entrySet().stream()
            .filter(entry -> COMPARED_WITH.contains(entry.getKey().job))
            .toList();
    StringBuilder head =
        new StringBuilder(
            "| job | events/s | least, most | CPU-s per million | of it busiest thread | compiler, GC |"
                + " allocated B/event |"
                + (stages > 0 ? " state after each day, B |" : " state B/key |"));
    bases.forEach(
        base -> head.append(" times ").append(base.getKey().title).append(": rate, CPU |"));
    head.append(" wrong of values checked |");
    System.out.println(head);
    System.out.println("|---".repeat(9 + bases.size()) + "|");
    results.figures.forEach(
        (now, runs) -> {
          WindowCheck.Outcome check = results.checks.get(now);
          System.out.printf(
              "| %s | %,.0f | %,.0f, %,.0f | %.2f | %.2f | %.2f | %,.0f | %s |",
              now.title,
              Figures.median(runs, "rate"),
              runs.stream().mapToDouble(run -> run.get("rate")).min().orElse(Double.NaN),
              runs.stream().mapToDouble(run -> run.get("rate")).max().orElse(Double.NaN),
              Figures.median(runs, "cpu"),
              Figures.median(runs, "busiest"),
              Figures.median(runs, "cpu compiler") + Figures.median(runs, "cpu garbage collector"),
              Figures.median(runs, "allocated"),
              state(runs, events));
          for (Map.Entry<Case, List<Figures>> base : bases) {
            System.out.printf(
                " %s, %s |",
                times(runs, base.getValue(), "rate"), times(runs, base.getValue(), "cpu"));
          }
          System.out.println(
              check == null
                  ? " |"
                  : " %,d of %,d |".formatted(check.different(), check.compared()));
          if (check != null && check.different() > 0) {
            wrong = true;
          }
        });
    System.out.println();
    results.checks.forEach(
        (now, check) -> {
          if (check.leftOut() > 0) {
            System.out.printf(
                "%s: %,d sampled events not compared, for they share key and time with a later"
                    + " one, which SQL counts in.%n",
                now.title, check.leftOut());
          }
          if (check.different() > 0) {
            System.out.printf("%s: WRONG, e.g. %s%n", now.title, check.example());
          }
        });
  }

  /** To another job's, round by round: what slows one in a round slows the next as well. */
  private static String times(List<Figures> runs, List<Figures> to, String name) {
    double[] ratios =
        IntStream.range(0, runs.size())
            .mapToDouble(round -> runs.get(round).get(name) / to.get(round).get(name))
            .sorted()
            .toArray();
    double median = (ratios[(ratios.length - 1) / 2] + ratios[ratios.length / 2]) / 2;
    return median >= 10 ? "%,.0f".formatted(median) : "%.2g".formatted(median);
  }

  private String state(List<Figures> runs, ReplayedEvents events) {
    if (stages == 0) {
      return "%,.0f".formatted(Figures.median(runs, "state") / events.distinctKeys());
    }
    List<String> days = new ArrayList<>();
    for (int stage = 1; stage <= stages; stage++) {
      days.add("%,.0f".formatted(Figures.median(runs, "state " + stage)));
    }
    return String.join("; ", days);
  }
}
