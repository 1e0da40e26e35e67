package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.cli.AllJobs;
import io.pelton.cli.embedded.EmbeddedFlink;
import io.pelton.cli.simulator.SimulatorSettings;
import io.pelton.cli.simulator.Transaction;
import io.pelton.cli.simulator.TransactionCsv;
import io.pelton.cli.simulator.TransactionSimulator;
import io.pelton.job.JobEnvironment;
import io.pelton.job.JobMetric;
import io.pelton.job.JobOptions;
import io.pelton.schemas.PerformanceReport;
import io.pelton.schemas.PerformanceValue;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.execution.ExecutionState;
import org.apache.flink.runtime.executiongraph.AccessExecutionGraph;
import org.apache.flink.runtime.executiongraph.AccessExecutionVertex;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Events and their outcomes on Kafka, through all jobs in one, to reports of performance. */
class PerformanceReportsTest {
  @RegisterExtension static final KafkaFixture KAFKA = new KafkaFixture();

  private static final int PARTITIONS = 2;
  private static final Instant START = Instant.parse("2018-06-01T00:00:00Z");
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final long HOUR = Duration.ofHours(1).toMillis();

  @TempDir Path directory;

  @Test
  void reportsHowPredictionsDidOnceOutcomesAreKnown() throws Exception {
    List<Transaction> events =
        new TransactionSimulator(new SimulatorSettings(9, 1_000, 200, START, 1, List.of()))
            .stream().toList();
    // Of every event but each tenth, two hours after it.
    List<OutcomeTopic.Outcome> outcomes =
        events.stream()
            .filter(event -> event.transactionId() % 10 != 0)
            .map(
                event ->
                    new OutcomeTopic.Outcome(
                        event.transactionId(),
                        event.eventTimeMillis() + 2 * HOUR,
                        event.fraud() ? 1 : 0))
            .toList();
    CardPipeline card =
        CardPipeline.write(
            directory,
            "performance",
            "drift:\n",
            "outcomes: {topic: performance.outcomes, id: transaction_id, time: reported_at,"
                + " label: fraud, within: 1d}\n\ndrift:\n");
    Path csv = directory.resolve("events.csv");
    TransactionCsv.write(events, csv);
    Path registry = directory.resolve("registry");
    Champion.publish(
        registry,
        card.definition(),
        BatchRows.features(card, directory.resolve("features"), csv),
        events.stream()
            .filter(Transaction::fraud)
            .map(event -> Long.toString(event.transactionId()))
            .collect(Collectors.toSet()));
    try (EventTopic topic = EventTopic.create(KAFKA.settings(), card.definition(), PARTITIONS);
        OutcomeTopic known = OutcomeTopic.create(KAFKA.settings(), card.definition(), PARTITIONS)) {
      topic.scatter(events, 1);
      known.send(outcomes);
    }

    Map<String, Object> counts = run(card, registry, events.size(), outcomes.size());

    assertThat(counts)
        .containsEntry(JobMetric.PERFORMANCE_COUNTED.id(), (long) events.size())
        .containsEntry(JobMetric.PERFORMANCE_OUTCOMES_JOINED.id(), (long) outcomes.size());
    try (var topic = CommittedTopic.performance(KAFKA.settings(), card.definition())) {
      List<PerformanceReport> reports = topic.read();
      List<PerformanceReport> complete =
          reports.stream().filter(PerformanceReport::getComplete).toList();
      assertThat(complete.stream().mapToLong(PerformanceReport::getPredictions).sum())
          .isEqualTo(events.size());
      assertThat(complete.stream().mapToLong(PerformanceReport::getOutcomes).sum())
          .isEqualTo(outcomes.size());
      // Nothing is known when a window closes, but what is to be expected.
      for (PerformanceReport report : reports) {
        if (report.getRevision() == 0) {
          assertThat(report.getOutcomes()).isZero();
          assertThat(brier(report).getValue()).isNull();
          assertThat(brier(report).getEstimated()).isNotNull();
        }
      }
      assertThat(complete)
          .allSatisfy(
              report ->
                  assertThat(brier(report).getValue())
                      .isBetween(brier(report).getLow(), brier(report).getHigh()));
    }
  }

  private static PerformanceValue brier(PerformanceReport report) {
    return report.getMetrics().stream()
        .filter(metric -> metric.getName().equals("brier"))
        .findFirst()
        .orElseThrow();
  }

  private Map<String, Object> run(CardPipeline card, Path registry, long events, long outcomes)
      throws Exception {
    try (EmbeddedFlink flink =
        EmbeddedFlink.start(
            1, directory.resolve("flink"), EmbeddedFlink.State.HEAP, new Configuration())) {
      JobOptions options =
          JobOptions.parse(
              "AllJobs",
              "--pipeline",
              card.file().toString(),
              "--brokers",
              KAFKA.brokers(),
              "--registry",
              registry.toString(),
              "--partitions",
              Integer.toString(PARTITIONS),
              "--checkpoint-interval",
              "1");
      StreamExecutionEnvironment environment =
          flink.environment(JobEnvironment.settings(options.configuration()));
      environment.setParallelism(1);
      JobClient job = environment.executeAsync(AllJobs.define(environment, options));
      Await.until(
          "all events and outcomes were read",
          PATIENCE,
          () ->
              count(job, JobMetric.FEATURE_IN) == events
                  && count(job, JobMetric.PERFORMANCE_OUTCOMES_IN) == outcomes);
      Await.until(
          "all tasks run, also those that load a model, so that there can be a savepoint",
          PATIENCE,
          () -> allRun(flink.cluster().getExecutionGraph(job.getJobID()).get()));
      job.stopWithSavepoint(true, null, SavepointFormatType.CANONICAL)
          .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      return job.getJobExecutionResult().get().getAllAccumulatorResults();
    }
  }

  private static long count(JobClient job, JobMetric metric) throws Exception {
    return job.getAccumulators().get().get(metric.id()) instanceof Long count ? count : 0;
  }

  private static boolean allRun(AccessExecutionGraph graph) {
    for (AccessExecutionVertex task : graph.getAllExecutionVertices()) {
      if (task.getExecutionState() != ExecutionState.RUNNING) {
        return false;
      }
    }
    return true;
  }
}
