package io.pelton.benchmarks;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.apache.flink.util.FileUtils;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Pelton's inference beside what stands in its place, over the same rows: each in a JVM of its own,
 * in turns. Ratios are what to look at.
 */
@Command(
    name = "inference",
    description =
        "The inference operator beside ONNX Runtime, a model server, a naive job, Crayfish.",
    mixinStandardHelpOptions = true)
final class InferenceBenchmark implements Callable<Integer> {
  private static final int DELAY = 5;
  private static final int SERVER_BATCH = 256;
  private static final int LOW_DELAY = 1;
  private static final List<Contender> SERVED =
      List.of(Contender.OPERATOR, Contender.SERVER, Contender.SERVER_IN_BATCHES);

  /** What to compare with. */
  enum Against {
    ONNX(List.of("--models", "--batches")),
    SERVER(List.of("--models", "--rates", "--server-delay")),
    NAIVE(List.of("--models", "--batches")),
    CRAYFISH(List.of("--records", "--rows", "--contenders"));

    private final List<String> options;

    Against(List<String> options) {
      this.options = options;
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  @Option(
      names = "--against",
      required = true,
      paramLabel = "WHAT",
      description = "${COMPLETION-CANDIDATES}.")
  private Against against = Against.ONNX;

  @Option(
      names = "--models",
      split = ",",
      paramLabel = "MODEL",
      description = "Of ${COMPLETION-CANDIDATES}; default all. Not with crayfish.")
  private @Nullable List<ScoredModel> models;

  @Option(
      names = "--batches",
      split = ",",
      paramLabel = "N",
      description = "Largest batches; default 1,32,128,512. With onnx and naive.")
  private @Nullable List<Integer> batches;

  @Option(
      names = "--rates",
      split = ",",
      paramLabel = "N",
      description = "Rows a second to take latencies at; default 1000,5000,20000. With server.")
  private @Nullable List<Integer> rates;

  @Option(
      names = "--server-delay",
      paramLabel = "MS",
      description =
          "How long the server waits for more; default 0: takes what is there. With server.")
  private @Nullable Integer serverDelay;

  @Option(
      names = "--records",
      paramLabel = "N",
      description = "Records of one row to go through; default 200000. With crayfish.")
  private @Nullable Integer records;

  @Option(
      names = "--rows",
      split = ",",
      paramLabel = "N",
      description = "Rows of a record to take latencies with; default 32,128,512. With crayfish.")
  private @Nullable List<Integer> rows;

  @Option(
      names = "--contenders",
      split = ",",
      paramLabel = "JOB",
      description = "Of pelton-avro, pelton-json, by-hand; default all. With crayfish.")
  private @Nullable List<TensorJob> contenders;

  @Option(
      names = "--warm-up",
      paramLabel = "SECONDS",
      description = "Seconds before those measured; default 4, with crayfish 10.")
  private @Nullable Integer givenWarmUp;

  @Option(
      names = "--seconds",
      paramLabel = "SECONDS",
      description = "Seconds measured; default 4, with crayfish 10.")
  private @Nullable Integer givenSeconds;

  @Option(names = "--repeat", paramLabel = "N", description = "Rounds; default ${DEFAULT-VALUE}.")
  private int repeat = 1;

  @Option(
      names = "--jvm",
      paramLabel = "OPTION",
      description = "More options for the JVM that scores.")
  private List<String> jvm = new ArrayList<>();

  private int warmUp;
  private int seconds;

  private record Case(ScoredModel model, Contender contender, int batch, int rate) {}

  private final Map<Case, List<Figures>> results = new LinkedHashMap<>();

  @Override
  public Integer call() throws Exception {
    int usual = against == Against.CRAYFISH ? 10 : 4;
    warmUp = givenWarmUp == null ? usual : givenWarmUp;
    seconds = givenSeconds == null ? usual : givenSeconds;
    check();
    Path directory = Files.createTempDirectory("pelton-benchmark");
    try {
      switch (against) {
        case ONNX -> {
          inTurns(
              directory,
              List.of(
                  Contender.BARE,
                  Contender.BARE_WITH_ROWS,
                  Contender.OPERATOR,
                  Contender.OPERATOR_OVERLAPPING));
          printByBatch(List.of(Contender.BARE, Contender.BARE_WITH_ROWS));
        }
        case NAIVE -> {
          inTurns(directory, List.of(Contender.NAIVE, Contender.OPERATOR));
          printByBatch(List.of(Contender.NAIVE));
        }
        case SERVER -> {
          besideServer(directory);
          printThroughput();
          printLatency();
        }
        case CRAYFISH ->
            new CrayfishBenchmark(
                    directory,
                    contenders == null ? List.of(TensorJob.values()) : contenders,
                    records == null ? 200_000 : records,
                    rows == null ? List.of(32, 128, 512) : rows,
                    warmUp,
                    seconds,
                    repeat,
                    jvm)
                .run();
      }
    } finally {
      FileUtils.deleteDirectory(directory.toFile());
    }
    return 0;
  }

  /**
   * @throws InputException of an option without a use, or a value out of rule
   */
  private void check() throws InputException {
    Map<String, @Nullable Object> given = new LinkedHashMap<>();
    given.put("--models", models);
    given.put("--batches", batches);
    given.put("--rates", rates);
    given.put("--server-delay", serverDelay);
    given.put("--records", records);
    given.put("--rows", rows);
    given.put("--contenders", contenders);
    for (Map.Entry<String, @Nullable Object> option : given.entrySet()) {
      if (option.getValue() != null && !against.options.contains(option.getKey())) {
        throw new InputException(
            "%s has no use with --against %s; that takes %s"
                .formatted(option.getKey(), against, String.join(", ", against.options)));
      }
      if (option.getValue() instanceof List<?> list) {
        for (Object value : list) {
          atLeast(option.getKey(), value, 1);
        }
      }
    }
    atLeast("--server-delay", serverDelay, 0);
    atLeast("--records", records, 1_000);
    atLeast("--warm-up", warmUp, 0);
    atLeast("--seconds", seconds, 1);
    atLeast("--repeat", repeat, 1);
  }

  private static void atLeast(String option, @Nullable Object value, int least)
      throws InputException {
    if (value instanceof Integer number && number < least) {
      throw new InputException("%s %d: it must be %d or more".formatted(option, number, least));
    }
  }

  private List<ScoredModel> models() {
    return models == null ? List.of(ScoredModel.values()) : models;
  }

  private Path prepared(Path directory, ScoredModel model) throws Exception {
    Path prepared = directory.resolve(model.toString());
    if (Files.notExists(prepared)) {
      model.prepare(Files.createDirectory(prepared));
    }
    return prepared;
  }

  private void inTurns(Path directory, List<Contender> contenders) throws Exception {
    for (int round = 0; round < repeat; round++) {
      for (ScoredModel model : models()) {
        for (int batch : batches == null ? List.of(1, 32, 128, 512) : batches) {
          for (Contender contender : contenders) {
            // The naive job has no batches: once a round will do.
            Case now = new Case(model, contender, contender == Contender.NAIVE ? 1 : batch, 0);
            if (results.getOrDefault(now, List.of()).size() <= round) {
              measure(directory, now, DELAY, 0, 0);
            }
          }
        }
      }
    }
  }

  private void besideServer(Path directory) throws Exception {
    for (int round = 0; round < repeat; round++) {
      for (ScoredModel model : models()) {
        for (Contender contender : SERVED) {
          measureServed(directory, new Case(model, contender, SERVER_BATCH, 0), DELAY);
        }
        for (int rate : rates == null ? List.of(1_000, 5_000, 20_000) : rates) {
          for (Contender contender : SERVED) {
            measureServed(directory, new Case(model, contender, SERVER_BATCH, rate), LOW_DELAY);
          }
        }
      }
    }
  }

  private void measureServed(Path directory, Case now, int delay) throws Exception {
    if (now.contender == Contender.OPERATOR) {
      measure(directory, now, delay, 0, 0);
      return;
    }
    Process server =
        FreshJvm.start(
            List.of("-Xmx512m"),
            ModelServer.class,
            List.of(
                now.model.name(),
                prepared(directory, now.model).resolve(ScoredModel.ONNX).toString(),
                Integer.toString(now.batch),
                Integer.toString(serverDelay == null ? 0 : serverDelay)));
    try {
      int port = Integer.parseInt(FreshJvm.await(server, ModelServer.READY));
      measure(directory, now, delay, port, server.pid());
    } finally {
      end(server);
    }
  }

  static void end(Process process) throws Exception {
    process.getOutputStream().close();
    if (!process.waitFor(20, TimeUnit.SECONDS)) {
      process.destroyForcibly();
    }
  }

  private void measure(Path directory, Case now, int delay, int port, long server)
      throws Exception {
    Path own = Files.createTempDirectory(directory, now.contender.toString());
    ScoringRun run =
        new ScoringRun(
            now.contender,
            now.model,
            prepared(directory, now.model),
            own,
            now.batch,
            delay,
            now.rate,
            warmUp,
            seconds,
            port,
            server);
    List<String> options = new ArrayList<>(List.of("-Xmx1g"));
    options.addAll(jvm);
    Process process = FreshJvm.start(options, ScoringProcess.class, run.toArguments());
    Figures figures = Figures.parse(FreshJvm.await(process, ScoringProcess.RESULT));
    process.waitFor();
    FileUtils.deleteDirectory(own.toFile());
    results.computeIfAbsent(now, unused -> new ArrayList<>()).add(figures);
    System.out.printf(
        "%s, %s, batch %d%s: %s%n",
        now.model,
        now.contender,
        now.batch,
        now.rate == 0 ? "" : ", %,d rows/s".formatted(now.rate),
        figures.byName());
  }

  private void header(String what) {
    System.out.printf(
        "%n%s: %d s after %d s of warm-up, median of %d%n%n", what, seconds, warmUp, repeat);
  }

  /** Each case, and its ratios to those of the same round. */
  private void printByBatch(List<Contender> bases) {
    header("Rows scored by one task");
    StringBuilder columns = new StringBuilder();
    bases.forEach(base -> columns.append(" rate / %s | by the task's CPU |".formatted(base)));
    System.out.println(
        "| model | by | largest batch | rows/s | CPU-s per million | of it the task |" + columns);
    System.out.println("|---|---|---|---|---|---|" + "---|---|".repeat(bases.size()));
    results.forEach(
        (now, runs) -> {
          StringBuilder ratios = new StringBuilder();
          for (Contender base : bases) {
            int batch = base == Contender.NAIVE ? 1 : now.batch;
            List<Figures> others = results.get(new Case(now.model, base, batch, 0));
            ratios.append(
                others == null
                    ? " | |"
                    : " %.2f | %.2f |"
                        .formatted(ratio(runs, others, "rate"), ratio(others, runs, "task")));
          }
          System.out.printf(
              "| %s | %s | %s | %,.0f | %.2f | %.2f |%s%n",
              now.model.title,
              now.contender.title,
              now.contender == Contender.NAIVE ? "" : now.batch,
              Figures.median(runs, "rate"),
              Figures.median(runs, "cpu"),
              Figures.median(runs, "task"),
              ratios);
        });
  }

  /** Of a figure, round by round. */
  private static double ratio(List<Figures> runs, List<Figures> to, String name) {
    List<Figures> ratios = new ArrayList<>();
    for (int i = 0; i < runs.size(); i++) {
      ratios.add(new Figures(Map.of(name, runs.get(i).get(name) / to.get(i).get(name))));
    }
    return Figures.median(ratios, name);
  }

  private void printThroughput() {
    header("As many rows as go through, batches of up to " + SERVER_BATCH);
    System.out.println(
        "| model | by | rows/s | CPU-s per million: job, server | operator's rate / this |"
            + " CPU of this / operator's |");
    System.out.println("|---|---|---|---|---|---|");
    results.forEach(
        (now, runs) -> {
          if (now.rate == 0) {
            List<Figures> operator =
                Objects.requireNonNull(
                    results.get(new Case(now.model, Contender.OPERATOR, now.batch, 0)));
            System.out.printf(
                "| %s | %s | %,.0f | %.2f, %.2f | %.2f | %.2f |%n",
                now.model.title,
                now.contender.title,
                Figures.median(runs, "rate"),
                Figures.median(runs, "cpu"),
                Figures.median(runs, "server"),
                ratio(operator, runs, "rate"),
                (Figures.median(runs, "cpu") + Figures.median(runs, "server"))
                    / Figures.median(operator, "cpu"));
          }
        });
  }

  private void printLatency() {
    header(
        "Milliseconds from when a row was due to its score, batches wait %d ms"
            .formatted(LOW_DELAY));
    System.out.println("| model | rows/s | by | p50 | p99 | p99.9 | max | cores: job, server |");
    System.out.println("|---|---|---|---|---|---|---|---|");
    results.forEach(
        (now, runs) -> {
          if (now.rate > 0) {
            StringBuilder shares = new StringBuilder();
            for (double share : ScoringProcess.SHARES) {
              shares.append(
                  " %.2f |".formatted(Figures.median(runs, LatencyBenchmark.name(share))));
            }
            System.out.printf(
                "| %s | %,d | %s |%s %.1f | %.2f, %.2f |%n",
                now.model.title,
                now.rate,
                now.contender.title,
                shares,
                Figures.median(runs, "max"),
                Figures.median(runs, "cores"),
                Figures.median(runs, "server"));
          }
        });
  }
}
