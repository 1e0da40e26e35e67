package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.pelton.job.Topics;
import io.pelton.model.TinyModels;
import io.pelton.model.TorchModels;
import io.pelton.pipeline.Topic;
import io.pelton.registry.LocalStorage;
import io.pelton.registry.NewVersion;
import io.pelton.registry.Registry;
import io.pelton.registry.Signature;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * Jobs come and go on one session cluster whose TaskManager lives on: engines and natives are its
 * own, Pelton is in the class loader of each job.
 */
class ResubmissionTest {
  @RegisterExtension static final KafkaFixture KAFKA = new KafkaFixture();

  private static final int ROUNDS = Boolean.getBoolean("pelton.soak") ? 20 : 3;
  private static final Set<String> ENGINES = Set.of("OnnxRuntime", "TensorFlow", "PyTorch");
  private static final String PIPELINE =
      """
      pipeline: NAME
      events: {topic: NAME.events, schema: transaction.avsc, id: transaction_id, time: event_time}
      entities: {customer: customer_id}
      features:
        amount:       {value: "amount"}
        during_night: {value: "time.getHours('UTC') <= 6"}
      model: {name: NAME, device: cpu}
      """;

  private static final List<String> FEATURES = List.of("amount", "during_night");
  private static final double[] WEIGHTS = {0.5, -1.25};
  private static final double BIAS = 0.1;

  /**
   * Threads of the engines' libraries that live as long as the process keep that of the job which
   * started them (JavaCPP, JNA, a shutdown hook), and a cache of the JDK that of the newest.
   */
  private static final int MOST_CLASS_LOADERS = 5;

  private static final long MOST_METASPACE_GROWTH_KB = 16 << 10;
  private static final Pattern METASPACE = Pattern.compile("Metaspace +used (\\d+)K");
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  // The logs of a failed test stay.
  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path directory;

  private RealCluster cluster;

  @Test
  void jobsOfAllEnginesAreCancelledAndResubmittedAndLeaveNothingBehind() throws Exception {
    Map<String, CardPipeline> pipelines = new TreeMap<>();
    Registry registry = new Registry(new LocalStorage(directory.resolve("registry")));
    for (String engine : ENGINES) {
      pipelines.put(engine, pipeline(engine.toLowerCase(Locale.ROOT)));
      registry.publish(version(engine));
    }
    try (RealCluster started =
        RealCluster.start(directory.resolve("cluster"), 1, 2 * ENGINES.size())) {
      cluster = started;
      List<String> running = List.of();
      long metaspaceOfFirst = 0;
      for (int round = 0; round <= ROUNDS; round++) {
        for (String job : running) {
          cluster.cancel(job);
        }
        running = submit(pipelines.values());
        awaitScores(running);
        if (round == 0) {
          metaspaceOfFirst = metaspace();
        }
      }
      // Each engine serves a second job beside the first.
      List<String> second = submit(pipelines.values());
      awaitScores(second);
      awaitMoreScores(running);
      assertThat(threadsOfJobs()).isNotEmpty();
      assertThat(modelCopies()).isNotEmpty();
      for (String job : Stream.concat(running.stream(), second.stream()).toList()) {
        cluster.cancel(job);
      }

      Await.until(
          "threads of ended jobs are gone (logs in " + directory + ")",
          PATIENCE,
          () -> threadsOfJobs().isEmpty());
      assertThat(modelCopies()).as("local files of models").isEmpty();
      int jobs = (ROUNDS + 2) * ENGINES.size();
      // What finalizers and cleaners hold takes more than one collection.
      Await.until(
          "at most %d user class loaders live after %d jobs".formatted(MOST_CLASS_LOADERS, jobs),
          PATIENCE,
          () -> liveUserClassLoaders() <= MOST_CLASS_LOADERS);
      long metaspace = metaspace();
      System.out.printf(
          "after %d jobs: %d user class loaders, %,d KB of metaspace; %,d KB after the first %d%n",
          jobs, liveUserClassLoaders(), metaspace, metaspaceOfFirst, ENGINES.size());
      assertThat(metaspace - metaspaceOfFirst)
          .as("growth of metaspace over %d jobs, KB", jobs)
          .isLessThan(MOST_METASPACE_GROWTH_KB);
      nativesAreLoadedOnce();
    }
  }

  private CardPipeline pipeline(String name) throws Exception {
    CardPipeline pipeline = CardPipeline.of(directory, name, PIPELINE);
    Topics.ensure(
        KAFKA.settings(),
        Topics.of(
            pipeline.definition(),
            List.of(Topic.CONTROL, Topic.STATUS, Topic.AUDIT, Topic.SCHEMAS),
            1),
        true,
        PATIENCE);
    return pipeline;
  }

  private NewVersion version(String engine) throws IOException {
    String name = engine.toLowerCase(Locale.ROOT);
    Path artifact = directory.resolve("model-" + name);
    return switch (engine) {
      case "OnnxRuntime" -> TinyModels.onnxVersion(name, artifact, FEATURES, WEIGHTS, BIAS);
      case "TensorFlow" -> TinyModels.savedModelVersion(name, artifact, FEATURES, WEIGHTS, BIAS);
      default ->
          TinyModels.version(
              name,
              engine,
              TorchModels.logistic(artifact, WEIGHTS, BIAS),
              new Signature(
                  List.of(new Signature.Input("features", Signature.DataType.FLOAT32, FEATURES)),
                  List.of(new Signature.Output("score", "0", 0))),
              TinyModels.golden(WEIGHTS, BIAS));
    };
  }

  private List<String> submit(Iterable<CardPipeline> pipelines) throws IOException {
    List<String> jobs = new ArrayList<>();
    for (CardPipeline pipeline : pipelines) {
      jobs.add(
          cluster.submitByRest(
              ScoringJob.class,
              pipeline.file().toString(),
              directory.resolve("registry").toUri().toString(),
              KAFKA.brokers()));
    }
    return jobs;
  }

  private void awaitScores(List<String> jobs) {
    for (String job : jobs) {
      awaitScores(job, 0);
    }
  }

  private void awaitMoreScores(List<String> jobs) throws IOException {
    for (String job : jobs) {
      awaitScores(job, counter(job, "inference.out"));
    }
  }

  private void awaitScores(String job, long above) {
    Await.until(
        "job " + job + " scores (logs in " + directory + ")",
        PATIENCE,
        () -> counter(job, "inference.out") > above);
  }

  private long counter(String job, String name) throws IOException {
    for (JsonNode counter :
        cluster.get("/jobs/" + job + "/accumulators").get("user-task-accumulators")) {
      if (counter.get("name").textValue().equals(name)) {
        return Long.parseLong(counter.get("value").textValue());
      }
    }
    return 0;
  }

  /** Those that a job of ours, or a Kafka client of one, starts in the TaskManager. */
  private List<String> threadsOfJobs() throws IOException {
    List<String> names = new ArrayList<>();
    for (JsonNode thread : cluster.get("/taskmanagers/tm-1/thread-dump").get("threadInfos")) {
      String name = thread.get("threadName").textValue();
      if (name.contains("pelton") || name.contains("kafka")) {
        names.add(name);
      }
    }
    return names;
  }

  private List<Path> modelCopies() throws IOException {
    try (Stream<Path> files = Files.walk(directory.resolve("cluster").resolve("tmp"))) {
      return files.filter(file -> file.getFileName().toString().startsWith("pelton-")).toList();
    }
  }

  /** In use after a full collection, in KB. */
  private long metaspace() throws Exception {
    jcmd("GC.run");
    Matcher used = METASPACE.matcher(jcmd("GC.heap_info"));
    assertThat(used.find()).isTrue();
    return Long.parseLong(used.group(1));
  }

  /** After a full collection, which the histogram begins with. */
  private long liveUserClassLoaders() throws Exception {
    jcmd("GC.run");
    return jcmd("GC.class_histogram")
        .lines()
        .filter(line -> line.contains("org.apache.flink.util.ChildFirstClassLoader"))
        .mapToLong(line -> Long.parseLong(line.strip().split("\\s+")[1]))
        .sum();
  }

  private String jcmd(String command) throws Exception {
    Path output = directory.resolve(command + ".txt");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                Long.toString(cluster.taskManager(0).pid()),
                command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    int exit = process.waitFor();
    String said = Files.readString(output, StandardCharsets.UTF_8);
    assertThat(exit).as(said).isZero();
    return said;
  }

  /** The JVM refuses a second load of a file, and an engine that loads again unpacks another. */
  private void nativesAreLoadedOnce() throws IOException {
    Path maps = Path.of("/proc", Long.toString(cluster.taskManager(0).pid()), "maps");
    assumeTrue(Files.exists(maps), "the system tells no mapped files");
    Map<String, Set<String>> files =
        Files.readAllLines(maps).stream()
            .filter(line -> line.matches(".*/lib(onnxruntime|tensorflow_cc|torch_cpu)\\.so.*"))
            .map(line -> line.substring(line.indexOf('/')))
            .collect(
                Collectors.groupingBy(
                    file -> file.substring(file.lastIndexOf('/') + 1),
                    TreeMap::new,
                    Collectors.toCollection(TreeSet::new)));
    assertThat(files).hasSize(ENGINES.size());
    assertThat(files).allSatisfy((library, from) -> assertThat(from).as(library).hasSize(1));
  }
}
