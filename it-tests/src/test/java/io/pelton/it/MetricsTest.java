package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition;
import io.pelton.cli.simulator.SimulatorSettings;
import io.pelton.cli.simulator.Transaction;
import io.pelton.cli.simulator.TransactionCsv;
import io.pelton.cli.simulator.TransactionSimulator;
import io.pelton.job.FlinkMeters;
import io.pelton.job.JobMetric;
import io.pelton.job.JobMetric.Kind;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.registry.LocalStorage;
import io.pelton.registry.ModelManifest;
import io.pelton.registry.Registry;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.metrics.MetricGroup;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** What a real Prometheus finds in a running job, against the one list of names. */
class MetricsTest {
  @RegisterExtension static final KafkaFixture KAFKA = new KafkaFixture();

  private static final Path DEPLOY = Path.of("..", "deploy", "prometheus");
  private static final String OPERATOR = "flink_taskmanager_job_task_operator_";

  /** Of parts of a pipeline file that this one lacks, of restored state, and of training sets. */
  private static final Set<JobMetric> NOT_HERE =
      EnumSet.of(
          JobMetric.FEATURE_COLUMN_COMPLETE_FROM,
          JobMetric.FEATURE_TABLE_READ,
          JobMetric.FEATURE_TABLE_ROWS_IN,
          JobMetric.FEATURE_TABLE_ROWS_DEAD,
          JobMetric.FEATURE_TABLE_ROWS_LATE,
          JobMetric.FEATURE_DEAD_JOINED,
          JobMetric.FEATURE_DEFAULTED_JOINED,
          JobMetric.FEATURE_OUTCOMES_IN,
          JobMetric.FEATURE_OUTCOMES_USED,
          JobMetric.FEATURE_OUTCOMES_UNMATCHED,
          JobMetric.FEATURE_OUTCOMES_REPEATED,
          JobMetric.FEATURE_OUTCOMES_LATE,
          JobMetric.FEATURE_OUTCOMES_DEAD,
          JobMetric.SHADOW_ROWS,
          JobMetric.SHADOW_ERRORS,
          JobMetric.SHADOW_DROPPED,
          JobMetric.SHADOW_WAITING,
          JobMetric.SHADOW_MEMORY,
          JobMetric.PERFORMANCE_IN,
          JobMetric.PERFORMANCE_COUNTED,
          JobMetric.PERFORMANCE_REPEATED,
          JobMetric.PERFORMANCE_LATE,
          JobMetric.PERFORMANCE_DECLARED,
          JobMetric.PERFORMANCE_UNSCORED,
          JobMetric.PERFORMANCE_OUTCOMES_IN,
          JobMetric.PERFORMANCE_OUTCOMES_JOINED,
          JobMetric.PERFORMANCE_OUTCOMES_UNMATCHED,
          JobMetric.PERFORMANCE_OUTCOMES_REPEATED,
          JobMetric.PERFORMANCE_REPORTS,
          JobMetric.PERFORMANCE_VALUE,
          JobMetric.PERFORMANCE_LOW,
          JobMetric.PERFORMANCE_HIGH,
          JobMetric.PERFORMANCE_ESTIMATED,
          JobMetric.OUTCOMES_IN,
          JobMetric.OUTCOMES_DEAD,
          JobMetric.OUTCOMES_UNMATCHED,
          JobMetric.TRAINING_LABELLED,
          JobMetric.TRAINING_UNLABELLED,
          JobMetric.TRAINING_OPEN);

  private static final int CLOSINGS = 2;
  private static final Instant START = Instant.parse("2018-06-01T00:00:00Z");
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  // The logs of a failed test stay.
  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path directory;

  @Test
  void prometheusFindsEveryMetricOfARunningJobWithItsTags() throws Exception {
    assumeThat(PrometheusServer.program("prometheus"))
        .as("Prometheus is not installed (Debian: prometheus)")
        .isPresent();
    List<Transaction> events =
        new TransactionSimulator(new SimulatorSettings(3, 500, 100, START, 1, List.of()))
            .stream().toList();
    Path csv = directory.resolve("events.csv");
    TransactionCsv.write(events, csv);
    CardPipeline card =
        CardPipeline.write(
            directory,
            "measured",
            "out-of-orderness: 10s",
            "out-of-orderness: 10s\n  deduplicate: {within: 1h}");
    PipelineDefinition pipeline = card.definition();
    Path registry = directory.resolve("registry");
    ModelManifest model =
        Champion.publish(
            registry,
            pipeline,
            BatchRows.features(card, directory.resolve("features"), csv),
            events.stream()
                .filter(Transaction::fraud)
                .map(event -> Long.toString(event.transactionId()))
                .collect(Collectors.toSet()));
    int port = PrometheusServer.freePort();
    long scored = events.size() + CLOSINGS - 1;

    try (EventTopic topic = EventTopic.create(KAFKA.settings(), pipeline, 1);
        PrometheusServer prometheus = PrometheusServer.start(config(port), directory);
        PeltonProcess pelton =
            PeltonProcess.start(
                directory.resolve("pelton.log"),
                "run",
                "all",
                "--pipeline",
                card.file(),
                "--brokers",
                KAFKA.brokers(),
                "--registry",
                registry,
                "--prometheus-port",
                port)) {
      Transaction first = events.get(0);
      topic.send(0, topic.encode(first));
      topic.send(0, topic.encode(with(first, 3_000_000, -1)));
      topic.send(0, new byte[] {1, 2, 3});
      topic.scatter(events, 1);
      long end = START.plus(Duration.ofHours(26)).toEpochMilli();
      for (int closing = 0; closing < CLOSINGS; closing++) {
        topic.close(end + closing * 60_000L, 2_000_000 + closing);
      }
      Await.until(
          "all rows in Prometheus",
          PATIENCE,
          () -> {
            pelton.requireAlive();
            return prometheus.value(sum(JobMetric.DRIFT_IN)) == scored;
          });

      Await.until(
          "drift of the first window in Prometheus",
          PATIENCE,
          () -> labels(prometheus).keySet().containsAll(names(drift())));
      checkNames(prometheus);
      check(prometheus, model, events.size() + 3 + CLOSINGS, scored);
      checkDevice(prometheus, model);
      checkMemory(prometheus, registry, model);
      checkAlertRules(prometheus);
      Await.until("evaluated alert rules", PATIENCE, () -> healthy(prometheus.rules()));
      assertThat(pelton.output()).contains("metrics: http://127.0.0.1:" + port + "/metrics");
      assertThat(pelton.stop(PATIENCE)).as(pelton.output()).isZero();
    }
  }

  /** The one that is shipped, but for where the job is, and impatient. */
  private Path config(int port) throws IOException {
    Files.copy(DEPLOY.resolve("pelton.rules.yml"), directory.resolve("pelton.rules.yml"));
    String shipped = Files.readString(DEPLOY.resolve("prometheus.yml"));
    assertThat(shipped).contains("localhost:9249", "_interval: 15s");
    return Files.writeString(
        directory.resolve("prometheus.yml"),
        shipped
            .replace("localhost:9249", "127.0.0.1:" + port)
            .replace("_interval: 15s", "_interval: 1s"));
  }

  private static Transaction with(Transaction event, long id, double amount) {
    return new Transaction(
        id, event.eventTimeMillis(), event.customerId(), event.terminalId(), amount, false);
  }

  /** What is there of a feature once one of its windows was decided. */
  private static Set<JobMetric> drift() {
    return EnumSet.range(JobMetric.DRIFT_FEATURE_ROWS, JobMetric.DRIFT_FEATURE_UNSEEN_SHARE);
  }

  private static Set<String> names(Set<JobMetric> metrics) {
    return metrics.stream().map(MetricsTest::name).collect(Collectors.toSet());
  }

  /** Labels that all series of a name have, by name. */
  private static Map<String, Set<String>> labels(PrometheusServer prometheus) throws Exception {
    Map<String, Set<String>> found = new TreeMap<>();
    for (JsonNode series :
        prometheus.query(
            "{__name__=~\""
                + OPERATOR
                + "(feature|inference|drift|performance|outcomes|training)_.+\"}")) {
      Set<String> labels = new HashSet<>();
      series.get("metric").fieldNames().forEachRemaining(labels::add);
      found.merge(
          series.get("metric").get("__name__").asText().replaceFirst("_count$", ""),
          labels,
          (one, other) -> {
            one.retainAll(other);
            return one;
          });
    }
    return found;
  }

  private static void checkNames(PrometheusServer prometheus) throws Exception {
    Map<String, Set<String>> found = labels(prometheus);
    Set<JobMetric> expected = EnumSet.complementOf(EnumSet.copyOf(NOT_HERE));

    assertThat(found.keySet()).containsExactlyInAnyOrderElementsOf(names(expected));
    for (JobMetric metric : expected) {
      assertThat(found.get(name(metric)))
          .as(metric.id())
          .containsAll(metric.tags())
          .contains("job_name", "operator_name", "subtask_index");
      if (metric.kind() == Kind.TIMER || metric.kind() == Kind.SUMMARY) {
        assertThat(prometheus.query(name(metric) + "{quantile=\"0.99\"}"))
            .as(metric.id())
            .hasSize(1);
      }
    }
  }

  /**
   * @param records that were sent, among them a duplicate, one against a rule, and garbage
   * @param scored events whose time has passed
   */
  private static void check(
      PrometheusServer prometheus, ModelManifest model, long records, long scored)
      throws Exception {
    String version = "{version=\"" + model.version() + "\"}";
    Map<String, Double> expected =
        Map.of(
            sum(JobMetric.FEATURE_IN),
            (double) records,
            sum(JobMetric.FEATURE_OUT),
            (double) scored,
            sum(JobMetric.FEATURE_DEAD),
            2.0,
            sum(JobMetric.FEATURE_DUPLICATES),
            1.0,
            name(JobMetric.FEATURE_RULE_BROKEN) + "{rule=\"amount_not_negative\"}",
            1.0,
            sum(JobMetric.INFERENCE_OUT),
            (double) scored,
            name(JobMetric.INFERENCE_ROWS) + version,
            (double) scored,
            name(JobMetric.INFERENCE_DEAD_LETTERS) + version,
            0.0);
    Map<String, Double> found = new TreeMap<>();
    for (String expression : expected.keySet()) {
      found.put(expression, prometheus.value(expression));
    }
    assertThat(found).containsExactlyInAnyOrderEntriesOf(expected);

    double batches = prometheus.value(name(JobMetric.INFERENCE_BATCHES) + version);
    assertThat(batches).isPositive();
    assertThat(prometheus.value(sum(JobMetric.INFERENCE_FLUSHES))).isEqualTo(batches);
    assertThat(prometheus.value(name(JobMetric.INFERENCE_TOTAL) + "_count" + version))
        .isEqualTo(batches);
    assertThat(prometheus.value(name(JobMetric.INFERENCE_BATCH_SIZE) + "{quantile=\"0.999\"}"))
        .isBetween(1.0, (double) 64);
    assertThat(prometheus.value(name(JobMetric.INFERENCE_TOTAL) + "{quantile=\"0.5\"}"))
        .isGreaterThan(prometheus.value(name(JobMetric.INFERENCE_COMPUTE) + "{quantile=\"0.5\"}"));
  }

  private static void checkDevice(PrometheusServer prometheus, ModelManifest model)
      throws Exception {
    assertThat(
            prometheus.value(
                name(JobMetric.INFERENCE_DEVICE)
                    + "{requested=\"cpu\", actual=\"cpu\", version=\"%d\"}"
                        .formatted(model.version())))
        .isEqualTo(1);
  }

  private static void checkMemory(PrometheusServer prometheus, Path registry, ModelManifest model)
      throws Exception {
    long held = new Registry(new LocalStorage(registry)).memory(model.name(), model.version());
    assertThat(prometheus.value(name(JobMetric.INFERENCE_MEMORY))).isEqualTo(held);
    assertThat(prometheus.value(name(JobMetric.INFERENCE_HELD_MEMORY))).isEqualTo(held);
  }

  private static void checkAlertRules(PrometheusServer prometheus) throws Exception {
    for (String name : namedByRules()) {
      assertThat(prometheus.query("count(" + name + ")")).as(name).hasSize(1);
    }
  }

  private static Set<String> namedByRules() throws IOException {
    Set<String> named = new TreeSet<>();
    Matcher names =
        Pattern.compile("\\bflink_\\w+")
            .matcher(Files.readString(DEPLOY.resolve("pelton.rules.yml")));
    while (names.find()) {
      named.add(names.group());
    }
    return named;
  }

  private static boolean healthy(JsonNode rules) {
    for (JsonNode rule : rules) {
      if (!rule.get("health").asText().equals("ok")) {
        return false;
      }
    }
    return !rules.isEmpty();
  }

  private static String sum(JobMetric metric) {
    return "sum(" + name(metric) + ")";
  }

  private static String name(JobMetric metric) {
    return OPERATOR + metric.id().replace('.', '_');
  }

  @Test
  void refusesAPortThatIsTaken() throws Exception {
    CardPipeline card = CardPipeline.write(directory, "unmeasured");
    try (ServerSocket taken = new ServerSocket(0)) {
      Cli run =
          Cli.run(
              "run",
              "all",
              "--pipeline",
              card.file(),
              "--brokers",
              KAFKA.brokers(),
              "--prometheus-port",
              taken.getLocalPort());

      assertThat(run.exitCode()).isEqualTo(2);
      assertThat(run.err())
          .contains(
              "--prometheus-port " + taken.getLocalPort() + " cannot be listened on: ",
              "name another");
    }
  }

  @Test
  void alertRulesNameMetricsThatExist() throws IOException {
    Set<String> known =
        Stream.of(JobMetric.values()).map(MetricsTest::name).collect(Collectors.toSet());
    Set<String> named = namedByRules();
    named.removeIf(name -> !name.startsWith(OPERATOR));

    assertThat(named).hasSizeGreaterThan(5).isSubsetOf(known);
  }

  @Test
  void promtoolTakesTheConfigurationAndItsAlertRules() throws Exception {
    assumeThat(PrometheusServer.program("promtool"))
        .as("promtool is not installed (Debian: prometheus)")
        .isPresent();
    Process promtool =
        new ProcessBuilder(
                PrometheusServer.program("promtool").orElseThrow().toString(),
                "check",
                "config",
                DEPLOY.resolve("prometheus.yml").toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(promtool.getInputStream().readAllBytes());

    assertThat(promtool.waitFor()).as(said).isZero();
    assertThat(said).contains("rules found");
  }

  @Test
  void nothingIsRegisteredPastTheOneList() {
    DescribedPredicate<JavaCall<?>> registering =
        DescribedPredicate.describe(
            "registers a metric",
            call ->
                call.getTargetOwner().isAssignableTo(MetricGroup.class)
                    && Set.of("counter", "gauge", "histogram", "meter").contains(call.getName()));

    for (String module :
        List.of(
            "job-core", "feature-jobs", "inference-jobs", "drift-jobs", "training-jobs", "cli")) {
      ArchRuleDefinition.noClasses()
          .that()
          .doNotHaveFullyQualifiedName(FlinkMeters.class.getName())
          .should()
          .callCodeUnitWhere(registering)
          .check(new ClassFileImporter().importPath(Path.of("..", module, "target", "classes")));
    }
  }
}
