package io.pelton.benchmarks;

import io.pelton.benchmarks.FeatureRuns.Case;
import io.pelton.benchmarks.FeatureRuns.Jvm;
import io.pelton.benchmarks.FeatureRuns.Options;
import io.pelton.benchmarks.FeatureRuns.Rounds;
import io.pelton.cli.embedded.EmbeddedFlink.State;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.flink.util.FileUtils;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/**
 * The feature engine beside what stands in its place: each job in a JVM of its own, in turns, over
 * the same events in memory, at parallelism 1, its windows checked against a plain scan.
 */
@Command(
    name = "features",
    description = "The feature engine alone, over events in memory.",
    mixinStandardHelpOptions = true)
final class FeatureBenchmark {
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
          List<FeatureJob> jobs)
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
            for (FeatureJob job : jobs) {
              switch (job) {
                case SOURCE ->
                    cases.add(bare("source alone", FeatureJob.SOURCE, ordered, together));
                case PELTON_SOURCE ->
                    cases.add(
                        bare(
                            "source alone, Pelton's rows",
                            FeatureJob.PELTON_SOURCE,
                            ordered,
                            together));
                case PASS_THROUGH ->
                    cases.add(
                        bare("keyed pass-through", FeatureJob.PASS_THROUGH, ordered, together));
                case PELTON -> {
                  cases.add(checked("Pelton, by (time, id)", FeatureJob.PELTON, ordered, together));
                  cases.add(checked("Pelton, on arrival", FeatureJob.PELTON, onArrival, together));
                }
                case SQL ->
                    cases.add(checked("Flink SQL, OVER", FeatureJob.SQL, ordered, together));
                case BY_HAND ->
                    cases.add(checked("by hand, MapState", FeatureJob.BY_HAND, ordered, together));
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
      @Mixin Rounds rounds,
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
              converter = Days.class,
              description =
                  "Days, at least 3; the rate is that of those after the second, when windows are full."
                      + " Default ${DEFAULT-VALUE}.")
          int days)
      throws Exception {
    return inDirectory(
        new Options(rounds),
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
          runs.stages(days);
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
  int costs(@Mixin Jvm jvm) throws Exception {
    return inDirectory(
        new Options(new Rounds(jvm)),
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

  /** The first two fill the windows. */
  static final class Days implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String text) {
      if (!text.matches("\\d{1,4}") || Integer.parseInt(text) < 3) {
        throw new TypeConversionException("'" + text + "' is no number of days from 3 to 9999");
      }
      return Integer.valueOf(text);
    }
  }

  private interface Measurement {
    void run(FeatureRuns runs) throws Exception;
  }

  /** The exit code is 1 when windows were wrong. */
  private static int inDirectory(Options options, Measurement measurement) throws Exception {
    Path directory = Files.createTempDirectory("pelton-benchmark");
    try {
      FeatureRuns runs = new FeatureRuns(options, directory);
      measurement.run(runs);
      return runs.wrong() ? 1 : 0;
    } finally {
      FileUtils.deleteDirectory(directory.toFile());
    }
  }
}
