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
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * The feature engine beside what stands in its place: each job in a JVM of its own, in turns, over
 * the same events in memory, at parallelism 1, its windows checked against a plain scan.
 */
@Command(
    name = "features",
    description = "The feature engine alone, over events in memory.",
    mixinStandardHelpOptions = true)
final class FeatureBenchmark {
  private static final String SCHEMA = "transaction.avsc";
  private static final long SIMULATED = 1_800_000;
  private static final int SAMPLE_EVERY = 499;
  private static final double SHOWN = 0.01;
  private static final Set<FeatureJob> COMPARED_WITH =
      EnumSet.of(FeatureJob.PASS_THROUGH, FeatureJob.SQL, FeatureJob.BY_HAND);
  private static final long MINUTES_OF_30_DAYS = 43_200;
  private static final List<String> AGGREGATES =
      List.of(
          "count",
          "sum(amount)",
          "variance(amount)",
          "min(amount)",
          "first(amount)",
          "last(amount)",
          "time-since-last",
          "distinct(amount)",
          "\"quantile(amount, 0.95)\"",
          "\"decayed-mean(amount, 1d)\"",
          "sum(amount), by: customer_id");
  private static final List<String> COST_COLUMNS =
      List.of(
          "1 window: bytes a key",
          "3 windows",
          "tiles, 1 window",
          "3 windows",
          "1 window: ns an event",
          "3 windows",
          "tiles, 1 window",
          "3 windows");

  /** What all measurements share. */
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

    @Option(names = "--repeat", paramLabel = "N", description = "Rounds; default ${DEFAULT-VALUE}.")
    private int repeat = 3;

    @Option(names = "--jvm", paramLabel = "OPTION", description = "More options for the job's JVM.")
    private List<String> jvm = new ArrayList<>();
  }

  /** One line of the table. */
  private record Case(
      String title, FeatureJob job, Path pipeline, int keysInOne, State state, boolean checked) {}

  private record Results(Map<Case, List<Figures>> figures, Map<Case, WindowCheck.Outcome> checks) {}

  @Command(
      name = "sums",
      description = "Five sliding sums: Pelton, Flink SQL, by hand.",
      mixinStandardHelpOptions = true)
  int sums(
      @Mixin Options options,
      @Option(
              names = "--keys-in-one",
              split = ",",
              defaultValue = "1,10",
              paramLabel = "N",
              description =
                  "How many customers are taken as one, for more events a key; default ${DEFAULT-VALUE}.")
          List<Integer> keysInOne,
      @Option(
              names = "--jobs",
              split = ",",
              defaultValue = "source,pelton-source,pass-through,pelton,sql,by-hand",
              paramLabel = "JOB",
              description = "Default ${DEFAULT-VALUE}.")
          List<String> jobs)
      throws Exception {
    return inDirectory(
        options,
        runs -> {
          String sums =
              feature("amount_sum", "sum(amount)", List.of("1h", "6h", "1d", "7d", "30d"));
          Path ordered = runs.pipeline("sums", "10s", sums);
          Path onArrival = runs.pipeline("sums-on-arrival", null, sums);
          ReplayedEvents events = runs.payments();
          for (int together : keysInOne) {
            List<Case> cases = new ArrayList<>();
            for (String job : jobs) {
              switch (job) {
                case "source" ->
                    cases.add(bare("source alone", FeatureJob.SOURCE, ordered, together));
                case "pelton-source" ->
                    cases.add(
                        bare(
                            "source alone, Pelton's rows",
                            FeatureJob.PELTON_SOURCE,
                            ordered,
                            together));
                case "pass-through" ->
                    cases.add(
                        bare("keyed pass-through", FeatureJob.PASS_THROUGH, ordered, together));
                case "pelton" -> {
                  cases.add(checked("Pelton, by (time, id)", FeatureJob.PELTON, ordered, together));
                  cases.add(checked("Pelton, on arrival", FeatureJob.PELTON, onArrival, together));
                }
                case "sql" ->
                    cases.add(checked("Flink SQL, OVER", FeatureJob.SQL, ordered, together));
                case "by-hand" ->
                    cases.add(checked("by hand, MapState", FeatureJob.BY_HAND, ordered, together));
                default -> throw new IllegalArgumentException("--jobs: unknown job " + job);
              }
            }
            runs.print(runs.inTurns(cases, events), events.folded(together));
          }
        });
  }

  @Command(
      name = "hot-key",
      description = "One key, ten windows, a million events a day: state day by day.",
      mixinStandardHelpOptions = true)
  int hotKey(
      @Mixin Options options,
      @Option(
              names = "--events-a-day",
              defaultValue = "1000000",
              paramLabel = "N",
              description = "Default ${DEFAULT-VALUE}.")
          int eventsADay,
      @Option(
              names = "--days",
              defaultValue = "5",
              paramLabel = "N",
              description =
                  "Days; the rate is that of those after the second, when windows are full."
                      + " Default ${DEFAULT-VALUE}.")
          int days)
      throws Exception {
    if (days < 3) {
      throw new IllegalArgumentException("--days " + days + ": must be 3 or more");
    }
    return inDirectory(
        options,
        runs -> {
          String sums =
              feature(
                  "amount_sum",
                  "sum(amount)",
                  List.of("1m", "5m", "15m", "30m", "1h", "3h", "6h", "12h", "1d", "2d"));
          Path exact = runs.pipeline("hot-key", "10s", sums);
          Path tiled = runs.pipeline("hot-key-tiled", "10s", sums);
          Files.writeString(
              tiled,
              Files.readString(tiled)
                  .replace(
                      "customer: customer_id", "customer: {key: customer_id, resolution: 1m}"));
          List<Case> cases = new ArrayList<>();
          cases.add(bare("keyed pass-through", FeatureJob.PASS_THROUGH, exact, 1));
          cases.add(checked("Pelton, exact", FeatureJob.PELTON, exact, 1));
          cases.add(checked("Pelton, tiles of 1m", FeatureJob.PELTON, tiled, 1));
          ReplayedEvents events = ReplayedEvents.hotKey(eventsADay);
          runs.stages = days;
          runs.print(runs.inTurns(cases, events), events);
        });
  }

  @Command(
      name = "growth",
      description = "1, 10, 100, 1,000 features of one entity.",
      mixinStandardHelpOptions = true)
  int growth(@Mixin Options options) throws Exception {
    return inDirectory(
        options,
        runs -> {
          Path one = runs.pipeline("features-1", "10s", features(1, List.of("sum(amount)")));
          List<String> all =
              List.of("sum(amount)", "mean(amount)", "min(amount)", "max(amount)", "count");
          List<Case> cases = new ArrayList<>();
          cases.add(bare("keyed pass-through", FeatureJob.PASS_THROUGH, one, 1));
          cases.add(checked("1 feature", FeatureJob.PELTON, one, 1));
          for (int count : new int[] {10, 100, 1_000}) {
            Path pipeline =
                runs.pipeline("features-" + count, "10s", features(count / all.size(), all));
            cases.add(checked("%,d features".formatted(count), FeatureJob.PELTON, pipeline, 1));
          }
          ReplayedEvents events = runs.payments();
          runs.print(runs.inTurns(cases, events), events);
        });
  }

  @Command(
      name = "backends",
      description = "State on the heap and in RocksDB.",
      mixinStandardHelpOptions = true)
  int backends(@Mixin Options options) throws Exception {
    return inDirectory(
        options,
        runs -> {
          Path pipeline =
              runs.pipeline(
                  "sums",
                  "10s",
                  feature("amount_sum", "sum(amount)", List.of("1h", "6h", "1d", "7d", "30d")));
          List<Case> cases = new ArrayList<>();
          cases.add(bare("keyed pass-through", FeatureJob.PASS_THROUGH, pipeline, 1));
          for (State state : State.values()) {
            String where = state == State.HEAP ? ", heap" : ", RocksDB";
            cases.add(new Case("Pelton" + where, FeatureJob.PELTON, pipeline, 1, state, true));
            cases.add(new Case("by hand" + where, FeatureJob.BY_HAND, pipeline, 1, state, true));
          }
          ReplayedEvents events = runs.payments();
          runs.print(runs.inTurns(cases, events), events);
        });
  }

  @Command(
      name = "costs",
      description = "Each aggregate alone, without Flink: bytes of state a key, time an event.",
      mixinStandardHelpOptions = true)
  int costs(@Mixin Options options) throws Exception {
    return inDirectory(
        options,
        runs -> {
          System.out.println("| aggregate | " + String.join(" | ", COST_COLUMNS) + " |");
          System.out.println("|---|" + "---|".repeat(COST_COLUMNS.size()));
          for (String aggregate : AGGREGATES) {
            StringBuilder bytes = new StringBuilder();
            StringBuilder nanos = new StringBuilder();
            for (String entity : List.of("customer", "tiled")) {
              for (List<String> windows : List.of(List.of("30d"), List.of("1d", "7d", "30d"))) {
                String feature =
                    "  it: {entity: %s, aggregate: %s, windows: %s}%n"
                        .formatted(entity, aggregate, windows);
                String[] costs = runs.costs(runs.pipeline("costs", "10s", feature));
                bytes.append(" | ").append("%,d".formatted(Long.parseLong(costs[0])));
                nanos.append(" | ").append("%,d".formatted(Long.parseLong(costs[1])));
              }
            }
            System.out.println("| `" + aggregate.replace("\"", "") + "`" + bytes + nanos + " |");
          }
        });
  }

  private static Case bare(String title, FeatureJob job, Path pipeline, int keysInOne) {
    return new Case(title, job, pipeline, keysInOne, State.HEAP, false);
  }

  private static Case checked(String title, FeatureJob job, Path pipeline, int keysInOne) {
    return new Case(title, job, pipeline, keysInOne, State.HEAP, true);
  }

  private static String feature(String name, String aggregate, List<String> windows) {
    return "  %s: {entity: customer, aggregate: %s, windows: %s}%n"
        .formatted(name, aggregate, windows);
  }

  /** Each aggregate over so many windows, the widest always 30 days. */
  private static String features(int windows, List<String> aggregates) {
    List<String> widths =
        IntStream.rangeClosed(1, windows)
            .mapToObj(i -> MINUTES_OF_30_DAYS * i / windows + "m")
            .toList();
    StringBuilder text = new StringBuilder();
    for (String aggregate : aggregates) {
      text.append(feature("amount_" + aggregate.replaceAll("\\W.*", ""), aggregate, widths));
    }
    return text.toString();
  }

  private interface Measurement {
    void run(Runs runs) throws Exception;
  }

  /** The exit code is 1 when windows were wrong. */
  private static int inDirectory(Options options, Measurement measurement) throws Exception {
    Path directory = Files.createTempDirectory("pelton-benchmark");
    try {
      Runs runs = new Runs(options, directory);
      measurement.run(runs);
      return runs.wrong ? 1 : 0;
    } finally {
      FileUtils.deleteDirectory(directory.toFile());
    }
  }

  private static final class Runs {
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

    Runs(Options options, Path directory) throws IOException {
      this.options = options;
      this.directory = directory;
      Files.writeString(directory.resolve(SCHEMA), schema.toString());
    }

    /**
     * Writes a pipeline file.
     *
     * @param outOfOrderness null to take events on arrival
     */
    Path pipeline(String name, @Nullable String outOfOrderness, String features)
        throws IOException {
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
      Path any = pipeline("payments", "10s", feature("amount_sum", "sum(amount)", List.of("1h")));
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

    Results inTurns(List<Case> cases, ReplayedEvents events) throws Exception {
      Path file = directory.resolve("events");
      events.save(file);
      Results results = new Results(new LinkedHashMap<>(), new LinkedHashMap<>());
      for (int round = 0; round < options.repeat; round++) {
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
      jvm.addAll(options.jvm);
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
      jvm.addAll(options.jvm);
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
                  window ->
                      columns.add(new Column(windowed.aggregate().function(), window.width())));
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

    private void print(Results results, ReplayedEvents events) {
      System.out.printf(
          "%n%,d keys, %.1f events a key and day; parallelism 1; median of %d%n%n",
          events.distinctKeys(), events.eventsAKeyAndDay(), options.repeat);
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
                Figures.median(runs, "cpu compiler")
                    + Figures.median(runs, "cpu garbage collector"),
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
}
