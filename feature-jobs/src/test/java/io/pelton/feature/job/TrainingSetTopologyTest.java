package io.pelton.feature.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.feature.FeatureRow;
import io.pelton.feature.LabelRule;
import io.pelton.job.Incoming;
import io.pelton.job.IncomingTypeInfo;
import io.pelton.job.JobEnvironment;
import io.pelton.job.JobMetric;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.schemas.DeadLetter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamNode;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

class TrainingSetTopologyTest {
  private static final long WITHIN = 600_000;
  private static final long ALL = Long.MAX_VALUE;
  private static final TrainingSetTopology.Range WHOLE =
      new TrainingSetTopology.Range(Long.MIN_VALUE, ALL, ALL);

  @RegisterExtension
  static final MiniClusterExtension CLUSTER =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(1)
              .setNumberSlotsPerTaskManager(4)
              .build());

  @TempDir Path directory;
  private PipelineDefinition pipeline;
  private List<Incoming> events;

  @BeforeEach
  void readPipeline() throws Exception {
    TestEvents.pipeline(directory, true);
    Path file = directory.resolve("pipeline.yaml");
    Files.writeString(
        file,
        Files.readString(file)
            + "outcomes: {topic: o, id: transaction_id, time: at, label: chargeback, within: 10m}\n");
    pipeline = PipelineFile.read(file);
    events = TestEvents.events(pipeline, 500, 7);
  }

  private record Outcome(String id, long time, double label) {}

  private record Run(
      Map<String, double[]> rows, List<DeadLetter> dead, Map<String, Object> counts) {}

  /** Outcomes of some events: early, late, several, and of events that never were. */
  private List<Outcome> outcomes() {
    Random random = new Random(3);
    List<Outcome> outcomes = new ArrayList<>();
    for (Incoming event : events) {
      for (int n = random.nextInt(4); n > 0; n--) {
        outcomes.add(
            new Outcome(
                event.row.id, event.row.time + random.nextLong(2 * WITHIN), random.nextInt(2)));
      }
    }
    outcomes.add(new Outcome("99999", 1, 1));
    java.util.Collections.shuffle(outcomes, random);
    return outcomes;
  }

  private Run join(List<String> lines, TrainingSetTopology.Range range, LabelRule rule)
      throws Exception {
    Path csv = directory.resolve("outcomes.csv");
    Files.write(csv, lines);
    StreamExecutionEnvironment environment = JobEnvironment.batch(new Configuration());
    environment.setParallelism(2);
    TrainingSetTopology.Labelled labelled =
        TrainingSetTopology.join(
            features(environment),
            pipeline,
            EventSources.resolveOutcomes(List.of(csv.toString()), pipeline),
            range,
            rule);
    CloseableIterator<FeatureRow> rows = labelled.rows().collectAsync();
    CloseableIterator<DeadLetter> dead = labelled.deadLetters().collectAsync();
    JobClient job = environment.executeAsync("training set");
    Map<String, double[]> read = new TreeMap<>();
    rows.forEachRemaining(row -> assertThat(read.put(row.id, row.values)).isNull());
    List<DeadLetter> letters = new ArrayList<>();
    dead.forEachRemaining(letters::add);
    return new Run(read, letters, job.getJobExecutionResult().get().getAllAccumulatorResults());
  }

  private DataStream<FeatureRow> features(StreamExecutionEnvironment environment) {
    return FeatureTopology.build(
            environment
                .fromData(events, new IncomingTypeInfo())
                .uid("events")
                .assignTimestampsAndWatermarks(EventWatermarks.strategy(pipeline))
                .uid("times"),
            pipeline)
        .features();
  }

  private static List<String> csv(List<Outcome> outcomes) {
    List<String> lines = new ArrayList<>(List.of("transaction_id,at,chargeback"));
    outcomes.forEach(o -> lines.add(o.id + "," + o.time + "," + o.label));
    return lines;
  }

  private Map<String, double[]> plainFeatures() throws Exception {
    StreamExecutionEnvironment environment = JobEnvironment.batch(new Configuration());
    Map<String, double[]> rows = new HashMap<>();
    try (CloseableIterator<FeatureRow> all = features(environment).executeAndCollect()) {
      all.forEachRemaining(row -> rows.put(row.id, row.values));
    }
    return rows;
  }

  /** The label by looking at all outcomes. */
  private static double expected(
      FeatureRow event, List<Outcome> outcomes, long asOf, double unlabelled) {
    long end = Math.min(event.time + WITHIN, asOf);
    Outcome newest = null;
    for (Outcome outcome : outcomes) {
      if (outcome.id.equals(event.id)
          && outcome.time <= end
          && (newest == null || outcome.time > newest.time)) {
        newest = outcome;
      }
    }
    return newest != null ? newest.label : event.time + WITHIN > asOf ? Double.NaN : unlabelled;
  }

  @Test
  void rowsAreTheFeaturesAndTheLabelAsItWasKnown() throws Exception {
    Map<String, double[]> features = plainFeatures();
    List<Outcome> outcomes = outcomes();
    long asOf = events.get(350).row.time;
    for (long known : new long[] {ALL, asOf}) {
      Run run =
          join(
              csv(outcomes),
              new TrainingSetTopology.Range(Long.MIN_VALUE, ALL, known),
              new LabelRule(WITHIN, known, 0));
      List<FeatureRow> seen =
          events.stream().map(event -> event.row).filter(row -> row.time <= known).toList();
      assertThat(run.rows).hasSize(seen.size());
      for (FeatureRow event : seen) {
        double[] row = run.rows.get(event.id);
        assertThat(Arrays.copyOf(row, row.length - 1)).isEqualTo(features.get(event.id));
        assertThat(row[row.length - 1])
            .as("label of %s", event.id)
            .isEqualTo(Double.valueOf(expected(event, outcomes, known, 0)));
      }
      long labelled = count(run, JobMetric.TRAINING_LABELLED.id());
      long unlabelled = count(run, JobMetric.TRAINING_UNLABELLED.id());
      long open = count(run, JobMetric.TRAINING_OPEN.id());
      assertThat(labelled + unlabelled + open).isEqualTo(seen.size());
      assertThat(labelled).isBetween(20L, seen.size() - 20L);
      assertThat(open)
          .isEqualTo(
              run.rows.values().stream().filter(row -> Double.isNaN(row[row.length - 1])).count());
      assertThat(open > 0).isEqualTo(known != ALL);
      assertThat(count(run, JobMetric.OUTCOMES_UNMATCHED.id())).isPositive();
    }
  }

  private static long count(Run run, String name) {
    return (long) run.counts.get(name);
  }

  @Test
  void onlyRowsOfTheRangeAreLabelled() throws Exception {
    long from = events.get(100).row.time;
    long to = events.get(200).row.time;
    Run run =
        join(
            csv(outcomes()),
            new TrainingSetTopology.Range(from, to, ALL),
            new LabelRule(WITHIN, ALL, Double.NaN));
    assertThat(run.rows.keySet())
        .containsExactlyInAnyOrderElementsOf(
            events.stream()
                .filter(event -> event.row.time >= from && event.row.time < to)
                .map(event -> event.row.id)
                .toList());
  }

  @Test
  void outcomesThatCannotBeUsedAreDeadLetters() throws Exception {
    Run run =
        join(
            List.of(
                "transaction_id,at,chargeback",
                "1,2020-09-13T12:26:40Z,1",
                ",1600000000000,1",
                "2,yesterday,1",
                "3,1600000000000,",
                "4,1600000000000,perhaps"),
            WHOLE,
            new LabelRule(WITHIN, ALL, Double.NaN));
    assertThat(run.dead)
        .extracting(DeadLetter::getReason)
        .containsExactlyInAnyOrder("missing-id", "undecodable", "missing-label", "undecodable");
    assertThat(count(run, JobMetric.OUTCOMES_IN.id())).isEqualTo(5);
    assertThat(count(run, JobMetric.OUTCOMES_DEAD.id())).isEqualTo(4);
    assertThat(run.rows).hasSize(500);
  }

  @Test
  void outcomeFilesWithoutTheirFieldsAreRefused() throws Exception {
    Path csv = Files.writeString(directory.resolve("o.csv"), "transaction_id,at\n1,2\n");
    assertThatThrownBy(() -> EventSources.resolveOutcomes(List.of(csv.toString()), pipeline))
        .hasMessageContaining("chargeback");
  }

  @Test
  void everyOperatorHasAUidAndAName() throws Exception {
    Path csv = Files.write(directory.resolve("o.csv"), csv(outcomes()));
    StreamExecutionEnvironment environment = JobEnvironment.batch(new Configuration());
    TrainingSetTopology.Labelled labelled =
        TrainingSetTopology.join(
            features(environment),
            pipeline,
            EventSources.resolveOutcomes(List.of(csv.toString()), pipeline),
            WHOLE,
            new LabelRule(WITHIN, ALL, 0));
    labelled.rows().print().uid("sink");
    assertThat(environment.getStreamGraph().getStreamNodes())
        .allSatisfy(
            node -> {
              assertThat(node.getTransformationUID()).as(node.getOperatorName()).isNotNull();
              assertThat(node.getOperatorName()).isNotBlank();
            })
        .extracting(StreamNode::getTransformationUID)
        .contains(TrainingSetTopology.RANGE, TrainingSetTopology.ADMIT, TrainingSetTopology.JOIN);
  }
}
