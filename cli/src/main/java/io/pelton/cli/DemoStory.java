package io.pelton.cli;

import io.pelton.cli.embedded.EmbeddedFlink;
import io.pelton.cli.embedded.EmbeddedKafka;
import io.pelton.cli.simulator.BehaviourShift;
import io.pelton.cli.simulator.SimulatorSettings;
import io.pelton.cli.simulator.TransactionSimulator;
import io.pelton.drift.report.DriftHistory;
import io.pelton.event.EventSchema;
import io.pelton.feature.job.EventSources;
import io.pelton.inference.job.InferenceJob;
import io.pelton.job.BatchOutput;
import io.pelton.job.JobEnvironment;
import io.pelton.job.JobMetric;
import io.pelton.job.JobOptions;
import io.pelton.job.KafkaSchemaStore;
import io.pelton.job.KafkaSettings;
import io.pelton.job.Topics;
import io.pelton.pipeline.InvalidPipelineException;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.pipeline.Topic;
import io.pelton.registry.LocalStorage;
import io.pelton.registry.Registry;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;

/**
 * The demo's story: history is made and its features computed in batch; two models are trained on
 * it, published and put to work, one on ONNX Runtime and one on TensorFlow; events then stream
 * through Kafka and Flink; behaviour shifts, and the drift is seen. At the end everything must add
 * up.
 */
final class DemoStory implements AutoCloseable {
  static final int HISTORY_DAYS = 60;
  private static final int LIVE_DAYS = 35;
  private static final int SHIFT_DAY = 14;
  private static final double INFLATION = 1.6;

  /** Midnight before a Thursday, on which weekly windows begin, 60 days on. */
  private static final Instant START = Instant.parse("2025-11-02T00:00:00Z");

  private static final int PARTITIONS = 2;
  private static final String CHALLENGER = "card-fraud-challenger";
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  /** What the user chose. */
  record Settings(
      List<String> files,
      Pace pace,
      long seed,
      int customers,
      int parallelism,
      boolean keepRunning) {}

  private final Settings settings;
  private final DemoScreen screen;
  private final Path scratch;
  private final Path output;
  private final boolean keep;
  private final PipelineDefinition pipeline;
  private final CompletableFuture<EmbeddedKafka> kafkaStart;
  private final CompletableFuture<EmbeddedFlink> flinkStart;
  private final Map<String, Double> labels = new HashMap<>();

  /**
   * @param scratch for what goes when the demo ends
   * @param output for what may stay
   * @param keep whether it stays
   */
  DemoStory(Settings settings, DemoScreen screen, Path scratch, Path output, boolean keep)
      throws Exception {
    this.settings = settings;
    this.screen = screen;
    this.scratch = scratch;
    this.output = output;
    this.keep = keep;
    copy("demo-pipeline.yaml", pipelineFile());
    copy("transaction.avsc", output.resolve("transaction.avsc"));
    pipeline = PipelineFile.read(pipelineFile());
    kafkaStart =
        CompletableFuture.supplyAsync(
            () -> unchecked(() -> EmbeddedKafka.start(scratch.resolve("kafka"))));
    flinkStart =
        CompletableFuture.supplyAsync(
            () ->
                unchecked(
                    () ->
                        EmbeddedFlink.start(
                            2 * settings.parallelism() + 2,
                            scratch.resolve("flink"),
                            EmbeddedFlink.State.HEAP,
                            new Configuration())));
  }

  private interface Start<T> {
    T start() throws Exception;
  }

  private static <T> T unchecked(Start<T> action) {
    try {
      return action.start();
    } catch (Exception e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }

  private static void copy(String resource, Path target) throws IOException {
    try (InputStream in = DemoStory.class.getResourceAsStream(resource)) {
      Files.copy(Objects.requireNonNull(in, resource), target);
    }
  }

  private Path pipelineFile() {
    return output.resolve("pipeline.yaml");
  }

  private Path history() {
    return output.resolve("history.csv.gz");
  }

  /**
   * Tells the story.
   *
   * @return whether everything added up
   */
  boolean tell() throws Exception {
    screen.line(
        """
        Pelton demo: card payments, scored for fraud as they happen.
        History is made, models learn from it, then payments stream through Kafka and Flink%s.
        """
            .formatted(
                settings.files().isEmpty()
                    ? "; after two weeks people start to spend " + INFLATION + " times as much"
                    : ""));
    DemoEvents events = events();
    long historyEvents = makeHistory(events);
    Instant liveFrom = events.nextDay();
    Registry registry = new Registry(new LocalStorage(output.resolve("registry")));
    EmbeddedFlink flink = flinkStart.get();
    new DemoTraining(screen, pipeline, registry, scratch, output, settings.seed())
        .learn(flink, history(), liveFrom);

    EmbeddedKafka broker = kafkaStart.get();
    KafkaSettings kafka = KafkaSettings.of(broker.bootstrapServers());
    screen.line("Kafka " + broker.bootstrapServers() + "   Flink " + flink.webUrl());
    Topics.ensure(
        kafka,
        Topics.of(
            pipeline,
            List.of(
                Topic.EVENTS,
                Topic.FEATURES,
                Topic.PREDICTIONS,
                Topic.LATE,
                Topic.DEAD_LETTERS,
                Topic.DRIFT,
                Topic.ALERTS,
                Topic.SCHEMAS),
            PARTITIONS),
        true,
        Topics.TIMEOUT);
    JobClient champion = goLive(flink, broker, historyEvents);
    JobClient challenger = startChallenger(flink, broker);

    long sent;
    Map<String, Object> counts;
    KafkaSchemaStore schemas = new KafkaSchemaStore(kafka, pipeline.topic(Topic.SCHEMAS));
    try (DemoMonitor monitor = new DemoMonitor(pipeline, kafka, schemas)) {
      sent = stream(events, kafka, monitor, liveFrom, champion, historyEvents);
      DemoScreen.Step step = screen.step("finishing what is in flight");
      counts = drain(champion);
      Map<String, Object> challengerCounts;
      awaitCount(
          challenger,
          JobMetric.INFERENCE_IN,
          Account.count(counts, JobMetric.FEATURE_OUT),
          step::progress);
      challengerCounts = drain(challenger);
      step.done("%,d events".formatted(sent));
      counts.put("challenger.out", Account.count(challengerCounts, JobMetric.INFERENCE_OUT));
      monitor.check();
    }
    boolean good = conclude(kafka, schemas, counts, sent, historyEvents);
    if (keep) {
      write(kafka, flink);
    }
    if (settings.keepRunning()) {
      screen.line(
          "\nStaying: Kafka at %s, Flink's page at %s. Ctrl-C ends it."
              .formatted(broker.bootstrapServers(), flink.webUrl()));
      new CompletableFuture<Void>().get();
    }
    return good;
  }

  private DemoEvents events() throws IOException {
    EventSchema schema = new EventSchema(pipeline.events().schema());
    String time = pipeline.events().time();
    if (settings.files().isEmpty()) {
      SimulatorSettings simulator =
          new SimulatorSettings(
                  settings.seed(),
                  settings.customers(),
                  2 * settings.customers(),
                  START,
                  HISTORY_DAYS + LIVE_DAYS,
                  List.of())
              .with(new BehaviourShift.Inflation(HISTORY_DAYS + SHIFT_DAY, INFLATION));
      return DemoEvents.simulated(schema, time, new TransactionSimulator(simulator).iterator());
    }
    List<org.apache.flink.core.fs.Path> files;
    try {
      files = EventSources.resolve(settings.files(), pipeline);
    } catch (IOException e) {
      throw new InputException(e);
    }
    DemoEvents events = DemoEvents.files(schema, time, pipeline.neededFields(), files);
    if (!events.hasNext()) {
      throw new InputException("--events: the files hold no events");
    }
    return events;
  }

  private long makeHistory(DemoEvents events) throws IOException {
    DemoScreen.Step step =
        screen.step(
            settings.files().isEmpty() ? "simulating 60 days of payments" : "reading 60 days");
    Instant start = events.nextDay();
    Instant end = start.plus(Duration.ofDays(HISTORY_DAYS));
    double span = end.toEpochMilli() - start.toEpochMilli();
    long count =
        events.writeUntil(
            end, history(), time -> step.progress((time - start.toEpochMilli()) / span));
    if (!events.hasNext()) {
      throw new InputException(
          "--events: the files end within the first "
              + HISTORY_DAYS
              + " days, which are history; nothing is left to stream");
    }
    step.done("%,d payments".formatted(count));
    return count;
  }

  private JobOptions options(Path pipelineFile, EmbeddedKafka broker, String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--pipeline=" + pipelineFile,
                "--brokers=" + broker.bootstrapServers(),
                "--registry=" + output.resolve("registry"),
                "--partitions=" + PARTITIONS,
                "--checkpoint-interval=2"));
    arguments.addAll(List.of(more));
    return JobOptions.parse("demo", arguments.toArray(String[]::new));
  }

  private StreamExecutionEnvironment environment(EmbeddedFlink flink, JobOptions options)
      throws InvalidPipelineException {
    Configuration configuration = JobEnvironment.settings(options.configuration());
    // Rows wait for the watermark; event time runs so fast here that nothing else is worth a wait.
    configuration.set(PipelineOptions.AUTO_WATERMARK_INTERVAL, Duration.ofMillis(20));
    StreamExecutionEnvironment environment = flink.environment(configuration);
    environment.setBufferTimeout(5);
    environment.setParallelism(settings.parallelism());
    return environment;
  }

  private JobClient goLive(EmbeddedFlink flink, EmbeddedKafka broker, long historyEvents)
      throws Exception {
    DemoScreen.Step step = screen.step("going live, windows filled first");
    JobOptions options = options(pipelineFile(), broker, "--history=" + history());
    StreamExecutionEnvironment environment = environment(flink, options);
    JobClient job = environment.executeAsync(AllJobs.define(environment, options));
    awaitCount(job, JobMetric.FEATURE_HISTORY, historyEvents, step::progress);
    step.done("champion serves on ONNX Runtime");
    return job;
  }

  /** The second model scores the same features in a job of its own, from the features topic. */
  private JobClient startChallenger(EmbeddedFlink flink, EmbeddedKafka broker) throws Exception {
    Path file = output.resolve("challenger.yaml");
    Files.writeString(
        file,
        Files.readString(pipelineFile())
                .replace("pipeline: " + pipeline.name(), "pipeline: " + CHALLENGER)
            + "\ntopics: {features: %s, schemas: %s}\n"
                .formatted(pipeline.topic(Topic.FEATURES), pipeline.topic(Topic.SCHEMAS)));
    JobOptions options =
        options(
            file,
            broker,
            "--model="
                + Objects.requireNonNull(pipeline.model()).name()
                + "@"
                + Registry.CHALLENGER);
    DemoScreen.Step step = screen.step("starting the challenger beside it");
    StreamExecutionEnvironment environment = environment(flink, options);
    JobClient job = environment.executeAsync(InferenceJob.define(environment, options));
    await(() -> job.getJobStatus().get() == JobStatus.RUNNING, job, "start");
    step.done("challenger serves on TensorFlow, from the features topic");
    return job;
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  /** Told how far a count has come, 0 to 1. */
  private interface Progress {
    void at(double fraction);
  }

  private static void await(Condition condition, JobClient job, String what) throws Exception {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.holds()) {
      JobStatus status = job.getJobStatus().get();
      if (status.isGloballyTerminalState()) {
        job.getJobExecutionResult().get();
        throw new IllegalStateException("a job ended as " + status + " before it could " + what);
      }
      if (System.nanoTime() > end) {
        throw new IllegalStateException(
            "a job did not " + what + " within " + PATIENCE.toMinutes() + " minutes");
      }
      Thread.sleep(50);
    }
  }

  private static void awaitCount(JobClient job, JobMetric count, long wanted, Progress progress)
      throws Exception {
    for (long before = -1, reached = 0; reached < wanted; before = reached) {
      // Patience is with each bit of progress, not with the whole.
      long last = before;
      await(
          () -> {
            long now = Account.count(job.getAccumulators().get(), count);
            progress.at((double) now / wanted);
            return now > last || now >= wanted;
          },
          job,
          "take in more than " + before + " of " + wanted + " events");
      reached = Account.count(job.getAccumulators().get(), count);
    }
  }

  /** Ends a job after all that it has read has gone through it, last windows included. */
  private static Map<String, Object> drain(JobClient job)
      throws InterruptedException, ExecutionException {
    job.stopWithSavepoint(true, null, SavepointFormatType.CANONICAL).get();
    return new HashMap<>(job.getJobExecutionResult().get().getAllAccumulatorResults());
  }

  /** Sends the live events and shows what becomes of them. */
  private long stream(
      DemoEvents events,
      KafkaSettings kafka,
      DemoMonitor monitor,
      Instant liveFrom,
      JobClient job,
      long historyEvents)
      throws Exception {
    screen.line("");
    AtomicReference<@Nullable Exception> failure = new AtomicReference<>();
    long began = System.nanoTime();
    EventSchema schema = new EventSchema(pipeline.events().schema());
    int id = schema.indexOf(pipeline.events().id());
    int label = schema.indexOf("fraud");
    try (EventProducer producer = EventProducer.open(pipeline, kafka)) {
      Thread sender =
          new Thread(
              () -> {
                try {
                  while (events.hasNext()) {
                    long time = events.nextTime();
                    @Nullable Object[] event = events.next();
                    settings.pace().await(producer.sent(), time);
                    if (Thread.interrupted()) {
                      return;
                    }
                    String eventId = String.valueOf(event[id]);
                    if (event[label] instanceof Long fraud) {
                      labels.put(eventId, (double) fraud);
                    }
                    monitor.sent(eventId);
                    producer.send(event);
                  }
                  producer.flush();
                } catch (RuntimeException e) {
                  failure.set(e);
                }
              },
              "demo-producer");
      sender.setDaemon(true);
      sender.start();
      DemoBoard board = new DemoBoard(screen, monitor, producer, liveFrom, began);
      try {
        while (sender.isAlive()) {
          sender.join(100);
          monitor.check();
          board.showIfDue();
        }
        awaitCount(
            job,
            JobMetric.FEATURE_IN,
            producer.sent() + historyEvents,
            fraction -> {
              monitor.check();
              board.showIfDue();
            });
      } finally {
        sender.interrupt();
        sender.join(10_000);
      }
      Exception e = failure.get();
      if (e != null) {
        throw e;
      }
      board.show();
      screen.endBoard();
      return producer.sent();
    }
  }

  /** Checks what must hold, and says it. */
  private boolean conclude(
      KafkaSettings kafka,
      KafkaSchemaStore schemas,
      Map<String, Object> counts,
      long sent,
      long historyEvents)
      throws Exception {
    DemoScreen.Step step = screen.step("checking every topic");
    DemoTally tally = DemoTally.read(pipeline, kafka, schemas);
    PipelineDefinition challenger = PipelineFile.read(output.resolve("challenger.yaml"));
    DemoTally other = DemoTally.read(challenger, kafka, schemas);
    step.done("read committed, from the first record to the last");

    List<String> broken =
        DemoVerdict.broken(
            counts,
            sent,
            historyEvents,
            tally,
            other,
            settings.files().isEmpty()
                ? START.plus(Duration.ofDays(HISTORY_DAYS + SHIFT_DAY))
                : null);

    screen.line(
        "\nin %,d = out %,d + late %,d + dead %,d   (and %,d events of history)"
            .formatted(
                sent, tally.predictions(), tally.late(), tally.deadLetters(), historyEvents));
    screen.line(
        "live, against what really happened:  champion (trees, ONNX Runtime) AUC %.3f   challenger (network, TensorFlow) AUC %.3f"
            .formatted(tally.auc(labels), other.auc(labels)));
    screen.line(
        "%d drift reports in topic %s, %d alerts in %s"
            .formatted(
                tally.reports().size(),
                pipeline.topic(Topic.DRIFT),
                tally.alerts().size(),
                pipeline.topic(Topic.ALERTS)));
    tally.alerts().forEach(alert -> screen.line("  " + DemoBoard.describe(alert)));
    if (keep) {
      lines("drift-reports.jsonl", tally.reports());
      lines("alerts.jsonl", tally.alerts());
      lines("dead-letters.jsonl", tally.letters());
      DriftHistory history =
          new DriftHistory(
              pipeline.name(),
              Objects.requireNonNull(pipeline.drift()).thresholds(),
              DriftHistory.Range.ALL);
      tally.reports().forEach(history::add);
      tally.alerts().forEach(history::add);
      Path page = output.resolve("drift-report.html");
      Files.writeString(page, history.page(List.of(), List.of()).html());
      screen.line("what drifted, when and why, for a browser: " + page);
    }
    broken.forEach(problem -> screen.line("BROKEN: " + problem));
    screen.line(
        broken.isEmpty()
            ? "everything adds up, after %.0f s".formatted(screen.seconds())
            : "not everything adds up");
    screen.line(
        """

        Where to look next
          pelton demo --keep-running      stays, with Kafka and Flink's web page to look into
          pelton demo --output DIR        keeps features, predictions, models and reports as files
          docs/getting-started.md         points a pipeline at your own topic and model""");
    return broken.isEmpty();
  }

  /** Writes records as JSON, one a line. */
  private void lines(String file, List<?> records) throws IOException {
    Files.write(output.resolve(file), records.stream().map(Object::toString).toList());
  }

  /** Writes what is on the topics as files, in the form that batch runs write. */
  private void write(KafkaSettings kafka, EmbeddedFlink flink) throws Exception {
    DemoScreen.Step step = screen.step("writing files");
    Path live = output.resolve("live");
    StreamExecutionEnvironment batch =
        flink.environment(JobEnvironment.batchSettings(new Configuration()));
    BatchOutput files =
        BatchOutput.into(pipeline, live.toString(), BatchOutput.Format.CSV, null, null, false);
    DemoTally.write(batch, kafka, pipeline, files);
    batch.execute("topics to files");
    files.commit();
    step.done("to " + output);
  }

  @Override
  public void close() throws Exception {
    try {
      if (!flinkStart.isCompletedExceptionally()) {
        flinkStart.join().close();
      }
    } finally {
      if (!kafkaStart.isCompletedExceptionally()) {
        kafkaStart.join().close();
      }
    }
  }
}
