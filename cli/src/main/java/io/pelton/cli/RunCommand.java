package io.pelton.cli;

import io.pelton.cli.embedded.EmbeddedFlink;
import io.pelton.drift.job.DriftJob;
import io.pelton.feature.job.FeatureJob;
import io.pelton.inference.job.InferenceJob;
import io.pelton.job.JobEnvironment;
import io.pelton.job.JobOptions;
import io.pelton.job.KafkaUnavailableException;
import io.pelton.pipeline.InvalidPipelineException;
import io.pelton.pipeline.PipelineDefinition;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MetricOptions;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.FileUtils;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "run",
    description = "Runs a pipeline's jobs on Kafka, in a Flink of this process, until stopped.",
    mixinStandardHelpOptions = true)
final class RunCommand implements Callable<Integer> {
  /** What runs. */
  enum Jobs {
    FEATURE,
    INFERENCE,
    DRIFT,
    ALL
  }

  private static final long STOP_SECONDS = 60;
  private static final String REPORTER = "prometheus";

  @Parameters(paramLabel = "JOB", description = "feature, inference, drift, or all in one job.")
  private Jobs jobs = Jobs.ALL;

  @Mixin private JobOptions options = new JobOptions();

  @Option(
      names = "--state",
      paramLabel = "DIR",
      description =
          "Keep checkpoints here, and go on from the newest one that is there. Stopping takes a"
              + " savepoint.")
  private @Nullable Path state;

  @Option(
      names = "--allow-non-restored-state",
      description =
          "Go on although the state has parts that the pipeline file no longer has a use for, as"
              + " of an entity without windowed features; they are dropped, with the events that"
              + " wait there for the watermark.")
  private boolean allowNonRestoredState;

  @Option(
      names = "--parallelism",
      paramLabel = "N",
      description = "Subtasks of each operator; default ${DEFAULT-VALUE}.")
  private int parallelism = 1;

  @Option(
      names = "--state-backend",
      paramLabel = "BACKEND",
      description =
          "heap or rocksdb; default heap. A checkpoint is read by the one that wrote it, the"
              + " savepoint of a stop by both.")
  private EmbeddedFlink.State backend = EmbeddedFlink.State.HEAP;

  @Option(
      names = "--web-port",
      paramLabel = "PORT",
      description = "Port of Flink's web page; default any free one.")
  private int webPort;

  @Option(
      names = "--prometheus-port",
      paramLabel = "PORT",
      description =
          "Port on which Prometheus finds the metrics, on all network interfaces; default none.")
  private @Nullable Integer prometheusPort;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    PrintWriter out = spec.commandLine().getOut();
    if (parallelism < 1) {
      throw new InputException("--parallelism is " + parallelism + "; it must be 1 or more");
    }
    if (state != null) {
      // A directory a job: one job cannot go on from another's checkpoint.
      Path own = Files.createDirectories(state.resolve(lower(jobs)));
      try (FileChannel lock =
          FileChannel.open(
              own.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        if (lock.tryLock() == null) {
          throw new InputException(
              own + " is in use by another pelton run; stop that one, or name another --state");
        }
        return run(own, out);
      }
    }
    Path temporary = Files.createTempDirectory("pelton-run");
    try {
      return run(temporary, out);
    } finally {
      FileUtils.deleteDirectoryQuietly(temporary.toFile());
    }
  }

  private int run(Path directory, PrintWriter out) throws Exception {
    Configuration cluster = new Configuration();
    cluster.set(RestOptions.BIND_PORT, Integer.toString(webPort));
    if (prometheusPort != null) {
      reportTo(cluster, prometheusPort);
    }
    try (EmbeddedFlink flink = EmbeddedFlink.start(parallelism, directory, backend, cluster)) {
      Configuration settings = settings();
      Optional<Path> checkpoint = newestCheckpoint(directory);
      checkpoint.ifPresent(
          path -> settings.set(StateRecoveryOptions.SAVEPOINT_PATH, path.toUri().toString()));
      settings.set(StateRecoveryOptions.SAVEPOINT_IGNORE_UNCLAIMED_STATE, allowNonRestoredState);
      StreamExecutionEnvironment environment = flink.environment(settings);
      environment.setParallelism(parallelism);
      String name = define(environment);
      if (checkpoint.isPresent()) {
        check(checkpoint.get(), environment, out);
      }
      out.println(
          checkpoint
              .map(path -> "going on from " + path)
              .orElse(
                  "starting without a checkpoint: from the group's committed offsets, or the"
                      + " topic's start"
                      + (jobs == Jobs.FEATURE || jobs == Jobs.ALL
                          ? ", with windows "
                              + (options.history().isEmpty()
                                  ? "that are empty (--history FILES fills them)"
                                  : "filled from --history; events wait until all of it is read")
                          : "")));
      JobClient job = environment.executeAsync(name);
      if (prometheusPort != null) {
        out.printf("metrics: http://127.0.0.1:%d/metrics%n", prometheusPort);
      }
      out.printf("running %s; Flink's web page: %s; Ctrl-C stops it%n", name, flink.webUrl());
      out.flush();
      StopSignal.onStop(() -> stop(job, directory, state == null, out));
      try (JobFailures failures =
          JobFailures.follow(flink, job.getJobID(), name, spec.commandLine().getErr())) {
        job.getJobExecutionResult().get();
      }
      return 0;
    }
  }

  /** Flink itself would only log that a port is taken, and go on without metrics. */
  private static void reportTo(Configuration cluster, int port) throws InputException {
    if (port < 1 || port > 65_535) {
      throw new InputException("--prometheus-port is " + port + "; it must be 1 to 65535");
    }
    try (ServerSocket free = new ServerSocket(port)) {
      cluster.set(MetricOptions.REPORTERS_LIST, REPORTER);
    } catch (IOException e) {
      throw new InputException(
          "--prometheus-port %d cannot be listened on: %s; name another"
              .formatted(port, e.getMessage()));
    }
    Configuration reporter = MetricOptions.forReporter(cluster, REPORTER);
    reporter.set(
        MetricOptions.REPORTER_FACTORY_CLASS,
        "org.apache.flink.metrics.prometheus.PrometheusReporterFactory");
    reporter.setString("port", Integer.toString(port));
    reporter.setString("filterLabelValueCharacters", "false");
  }

  private void check(Path checkpoint, StreamExecutionEnvironment environment, PrintWriter out)
      throws IOException, InvalidPipelineException {
    SavedState saved = SavedState.of(checkpoint, environment.getStreamGraph(false));
    if (saved.backend() != null && saved.backend() != backend) {
      throw new InputException(
          "the state in %s was written by the state backend %2$s, and %3$s cannot read it: give --state-backend %2$s; a stop by Ctrl-C takes a savepoint that either reads"
              .formatted(checkpoint, lower(saved.backend()), lower(backend)));
    }
    List<String> left = saved.leftover();
    if (left.isEmpty()) {
      return;
    }
    String state = "the state of \"%s\" in %s".formatted(String.join("\", \"", left), checkpoint);
    if (!allowNonRestoredState) {
      List<String> changes = saved.changes(options.pipeline());
      throw new InputException(
          state
              + " has no use any more: the pipeline file lost what it belongs to, as an entity's"
              + " windowed features, a resolution, deduplicate, outcomes or feature-log"
              + (changes.isEmpty() ? "" : " (" + String.join("; ", changes) + ")")
              + ". Put that back, or give --allow-non-restored-state to go on without this state; events that"
              + " wait there for the watermark are dropped with it");
    }
    out.println("dropping " + state);
  }

  private static String lower(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  private Configuration settings() throws InputException, InvalidPipelineException {
    try {
      return JobEnvironment.settings(options.configuration());
    } catch (IllegalArgumentException e) {
      throw new InputException(e);
    }
  }

  private String define(StreamExecutionEnvironment environment) throws Exception {
    try {
      checkModel();
      return switch (jobs) {
        case FEATURE -> FeatureJob.define(environment, options);
        case INFERENCE -> InferenceJob.define(environment, options);
        case DRIFT -> DriftJob.define(environment, options);
        case ALL -> AllJobs.define(environment, options);
      };
    } catch (NoSuchFileException e) {
      throw e;
    } catch (KafkaUnavailableException | IllegalArgumentException | IOException e) {
      throw new InputException(e);
    }
  }

  private void checkModel() throws IOException, InvalidPipelineException {
    PipelineDefinition pipeline = options.pipeline();
    if (jobs == Jobs.INFERENCE || (jobs == Jobs.ALL && pipeline.model() != null)) {
      InferenceJob.model(pipeline, options).check(pipeline);
    }
  }

  /**
   * Stops at a savepoint, so that the next start neither loses nor repeats anything; where no state
   * is kept, the last transaction is still committed with it.
   */
  private static void stop(JobClient job, Path directory, boolean temporary, PrintWriter out) {
    try {
      if (!job.getJobStatus().get(STOP_SECONDS, TimeUnit.SECONDS).isGloballyTerminalState()) {
        out.println("stopping at a savepoint …");
        out.flush();
        String savepoint =
            job.stopWithSavepoint(
                    false,
                    directory.resolve("savepoints").toUri().toString(),
                    SavepointFormatType.CANONICAL)
                .get(STOP_SECONDS, TimeUnit.SECONDS);
        out.println(temporary ? "stopped" : "stopped; the next start goes on from " + savepoint);
        out.flush();
      }
    } catch (Exception e) {
      out.println("stopped without a savepoint: " + e.getMessage());
      out.flush();
      job.cancel(); // else it goes on, and nobody is left to stop it
    }
  }

  /** The newest completed checkpoint or savepoint under a state directory. */
  static Optional<Path> newestCheckpoint(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory, 4)) {
      return files
          .filter(path -> path.getFileName().toString().equals("_metadata"))
          .max(Comparator.comparingLong(path -> path.toFile().lastModified()))
          .map(Path::getParent);
    }
  }
}
