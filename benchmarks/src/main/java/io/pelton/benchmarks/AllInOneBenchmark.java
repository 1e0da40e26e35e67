package io.pelton.benchmarks;

import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.pipeline.Topic;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.apache.flink.util.FileUtils;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The all-in-one job beside its ceiling and beside a job written by hand: the same events, each job
 * in a process of its own, in turns, as often as asked. Ratios are what to look at: rates depend on
 * the machine and on who else uses it.
 */
@Command(
    name = "all-in-one",
    description = "The all-in-one job, a job by hand and a pass-through, from Kafka to Kafka.",
    mixinStandardHelpOptions = true)
final class AllInOneBenchmark implements Callable<Integer> {
  private static final String OUT = "benchmark-out";
  private static final int PARTITIONS = 4;
  private static final double SHOWN = 0.05;

  @Option(
      names = "--pipeline",
      paramLabel = "FILE",
      description = "The pipeline file; default ${DEFAULT-VALUE}.")
  private Path pipelineFile = Path.of("examples/card-fraud/pipeline.yaml");

  @Option(
      names = "--data",
      paramLabel = "FILE",
      description = "Event files, in the order of time; repeatable. Default: simulated payments.")
  private List<Path> data = new ArrayList<>();

  @Option(
      names = "--events",
      paramLabel = "N",
      description = "Events measured; default ${DEFAULT-VALUE}.")
  private long events = 1_000_000;

  @Option(
      names = "--warm-up",
      paramLabel = "N",
      description = "Events before them; default ${DEFAULT-VALUE}.")
  private long warmUp = 1_500_000;

  @Option(names = "--repeat", paramLabel = "N", description = "Rounds; default ${DEFAULT-VALUE}.")
  private int repeat = 3;

  @Option(
      names = "--jobs",
      split = ",",
      paramLabel = "JOB",
      description = "${COMPLETION-CANDIDATES}; default all.")
  private List<JobProcess.Job> jobs = List.of(JobProcess.Job.values());

  @Option(
      names = "--parallelism",
      split = ",",
      paramLabel = "N",
      description = "Subtasks of each operator; default 1,2.")
  private List<Integer> parallelisms = List.of(1, 2);

  @Option(
      names = "--checkpoint-interval",
      paramLabel = "SECONDS",
      description = "Seconds between checkpoints; default ${DEFAULT-VALUE}.")
  private long checkpointSeconds = 10;

  @Option(names = "--jvm", paramLabel = "OPTION", description = "More options for the job's JVM.")
  private List<String> jvm = new ArrayList<>();

  private record Case(JobProcess.Job job, int parallelism) {}

  @Override
  public Integer call() throws Exception {
    Path directory = Files.createTempDirectory("pelton-benchmark");
    Path pipelineCopy = copyPipeline(directory);
    PipelineDefinition pipeline = PipelineFile.read(pipelineCopy);
    // Rows wait for the watermark, which the last events of each partition hold back.
    long all = warmUp + events + Math.max(10_000, events / 50);
    Process broker = start("-Xmx1g", Broker.class, List.of(directory.resolve("kafka").toString()));
    try {
      String brokers = FreshJvm.await(broker, Broker.READY);
      Preparation preparation =
          data.isEmpty()
              ? Preparation.simulated(pipeline, all, directory)
              : Preparation.fromFiles(pipeline, data);
      preparation.send(brokers, all);
      Path model = preparation.train(directory.resolve("registry"), directory.resolve("model"));
      Map<Case, List<Figures>> results = new LinkedHashMap<>();
      for (int round = 0; round < repeat; round++) {
        for (int parallelism : parallelisms) {
          for (JobProcess.Job job : jobs) {
            Case now = new Case(job, parallelism);
            Figures result = run(now, round, brokers, pipelineCopy, pipeline, model, directory);
            show(now, result);
            results.computeIfAbsent(now, unused -> new ArrayList<>()).add(result);
          }
        }
      }
      print(results);
    } finally {
      broker.getOutputStream().close();
      if (!broker.waitFor(20, java.util.concurrent.TimeUnit.SECONDS)) {
        broker.destroyForcibly();
      }
      FileUtils.deleteDirectory(directory.toFile());
    }
    return 0;
  }

  /** The registry is found beside the pipeline file. */
  private Path copyPipeline(Path directory) throws IOException {
    Path from = pipelineFile.toAbsolutePath().getParent();
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, directory.resolve(file.getFileName()));
      }
    }
    return directory.resolve(pipelineFile.getFileName());
  }

  private Figures run(
      Case now,
      int round,
      String brokers,
      Path pipelineFile,
      PipelineDefinition pipeline,
      Path model,
      Path directory)
      throws Exception {
    String name = now.job + "-" + now.parallelism + "-" + round;
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", brokers))) {
      admin.createTopics(List.of(new NewTopic(OUT, PARTITIONS, (short) 1))).all().get();
    }
    Process job =
        start(
            "-Xmx2g",
            JobProcess.class,
            List.of(
                now.job.toString(),
                Integer.toString(now.parallelism),
                brokers,
                pipelineFile.toString(),
                pipeline.topic(Topic.EVENTS),
                OUT,
                model.toString(),
                name,
                directory.resolve("state-" + name).toString(),
                Long.toString(warmUp),
                Long.toString(events),
                Long.toString(checkpointSeconds)));
    Figures result = Figures.parse(FreshJvm.await(job, JobProcess.RESULT));
    job.waitFor();
    deleteOutputs(brokers, pipeline);
    FileUtils.deleteDirectory(directory.resolve("state-" + name).toFile());
    return result;
  }

  private static void show(Case now, Figures result) {
    System.out.printf("%s, parallelism %d:", now.job, now.parallelism);
    result
        .byName()
        .forEach(
            (name, value) -> {
              if (value >= SHOWN) {
                System.out.printf(" %s %,.1f;", name, value);
              }
            });
    System.out.println();
  }

  private static void deleteOutputs(String brokers, PipelineDefinition pipeline) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", brokers))) {
      List<String> topics =
          admin.listTopics().names().get().stream()
              .filter(topic -> !topic.equals(pipeline.topic(Topic.EVENTS)))
              .filter(topic -> !topic.equals(pipeline.topic(Topic.SCHEMAS)))
              .toList();
      admin.deleteTopics(topics).all().get();
      while (admin.listTopics().names().get().contains(OUT)) {
        Thread.sleep(100);
      }
    }
  }

  private Process start(String heap, Class<?> main, List<String> arguments) throws IOException {
    List<String> options = new ArrayList<>(List.of(heap));
    if (main == JobProcess.class) {
      options.addAll(jvm);
    }
    return FreshJvm.start(options, main, arguments);
  }

  private void print(Map<Case, List<Figures>> results) {
    System.out.printf(
        "%n%,d events after %,d of warm-up, median of %d; CPU without broker and producer%n%n",
        events, warmUp, repeat);
    System.out.println(
        "| job | parallelism | events/s | CPU-s per million | of it compiler, GC | in warm-up |"
            + " peak heap, old generation MB | rate / pass-through | CPU / by hand |");
    System.out.println("|---|---|---|---|---|---|---|---|---|");
    results.forEach(
        (now, runs) -> {
          System.out.printf(
              "| %s | %d | %,.0f | %.1f | %.1f | %.1f | %.0f, %.0f | %s | %s |%n",
              now.job.title,
              now.parallelism,
              Figures.median(runs, "rate"),
              Figures.median(runs, "cpu"),
              Figures.median(runs, "cpu compiler") + Figures.median(runs, "cpu garbage collector"),
              Figures.median(runs, "warm-up-cpu"),
              Figures.median(runs, "heap"),
              Figures.median(runs, "old"),
              ratio(
                  runs,
                  results.get(new Case(JobProcess.Job.PASS_THROUGH, now.parallelism)),
                  "rate"),
              ratio(runs, results.get(new Case(JobProcess.Job.NAIVE, now.parallelism)), "cpu"));
        });
  }

  /** To another job at the same parallelism; empty when that was not run. */
  private static String ratio(List<Figures> runs, @Nullable List<Figures> to, String name) {
    return to == null
        ? ""
        : "%.2f".formatted(Figures.median(runs, name) / Figures.median(to, name));
  }
}
