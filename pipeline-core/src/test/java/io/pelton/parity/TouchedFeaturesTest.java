package io.pelton.parity;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.feature.BlockStore;
import io.pelton.feature.EntityHistory;
import io.pelton.feature.EntityPlan;
import io.pelton.feature.EventIds;
import io.pelton.feature.FeaturePlan;
import io.pelton.feature.FeatureRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TouchedFeaturesTest {
  private static final Comparator<FeatureRow> IN_ORDER =
      Comparator.<FeatureRow>comparingLong(row -> row.time)
          .thenComparing(row -> row.id, EventIds.ORDER);

  @TempDir Path directory;
  private PipelineDefinition pipeline;

  @BeforeEach
  void readPipeline() throws Exception {
    Files.copy(
        Path.of("../examples/card-fraud/transaction.avsc"), directory.resolve("transaction.avsc"));
    Path file = directory.resolve("pipeline.yaml");
    Files.writeString(
        file,
        """
        pipeline: test
        events:
          {topic: t, schema: transaction.avsc, id: transaction_id, time: event_time}
        entities: {customer: customer_id}
        features:
          amount: {value: amount}
          count: {entity: customer, aggregate: count, windows: [50ms, 400ms]}
          sum: {entity: customer, aggregate: sum(amount), windows: [100ms], delay: 30ms}
        """);
    pipeline = PipelineFile.read(file);
  }

  /** An event of one customer. */
  private FeatureRow event(int id, long time, double amount) {
    double[] values = {amount, Double.NaN, Double.NaN, Double.NaN, amount};
    return new FeatureRow(Integer.toString(id), time, new String[] {"c"}, values, new Object[0]);
  }

  private FeatureRow copy(FeatureRow row) {
    return event(Integer.parseInt(row.id), row.time, row.values[0]);
  }

  /** Events as they come, some never, and what is served for each. */
  private record Served(Map<String, FeatureRow> rows, List<FeatureRow> arrival) {}

  private Served serve(List<FeatureRow> arrival, Set<String> late) {
    EntityPlan plan = new FeaturePlan(pipeline).entities().get(0);
    EntityHistory history = new EntityHistory(plan.layout());
    BlockStore.InMemory store = new BlockStore.InMemory();
    Map<String, FeatureRow> served = new HashMap<>();
    List<FeatureRow> came = new ArrayList<>();
    for (FeatureRow event : arrival) {
      if (late.contains(event.id)) {
        continue;
      }
      FeatureRow row = copy(event);
      int overtaken = history.update(plan, row, store, 10_000, Long.MIN_VALUE + 100_000);
      if (overtaken > 0) {
        row.overtook(0, overtaken);
      }
      served.put(row.id, row);
      came.add(row);
    }
    return new Served(served, came);
  }

  private List<ParityRow> compared(List<FeatureRow> events, Served served) {
    List<FeatureRow> sorted = events.stream().sorted(IN_ORDER).toList();
    Served replay = serve(sorted, Set.of());
    TouchedFeatures touched = new TouchedFeatures(pipeline, 0, 0);
    List<ParityRow> all = new ArrayList<>();
    List<ParityRow> group = new ArrayList<>();
    for (FeatureRow event : sorted) {
      FeatureRow logged = served.rows.get(event.id);
      ParityRow row = ParityRow.of(trimmed(logged), trimmed(replay.rows.get(event.id)));
      if (!group.isEmpty() && group.get(0).time != row.time) {
        touched.mark(group);
        group = new ArrayList<>();
      }
      group.add(row);
      all.add(row);
    }
    touched.mark(group);
    return all;
  }

  /** As the job gives rows out: without the inputs of aggregates. */
  private static FeatureRow trimmed(FeatureRow row) {
    if (row == null) {
      return null;
    }
    FeatureRow features =
        new FeatureRow(row.id, row.time, row.keys, Arrays.copyOf(row.values, 4), row.carried);
    features.overtaken = row.overtaken;
    return features;
  }

  private static List<FeatureRow> shuffled(List<FeatureRow> events, Random random, int disorder) {
    Map<String, Long> at = new HashMap<>();
    events.forEach(event -> at.put(event.id, event.time + random.nextInt(disorder)));
    return events.stream().sorted(Comparator.comparingLong(event -> at.get(event.id))).toList();
  }

  private List<FeatureRow> generated(Random random, int count, int ties) {
    List<FeatureRow> events = new ArrayList<>();
    long time = 1_000;
    for (int i = 0; i < count; i++) {
      time += random.nextInt(ties) == 0 ? 0 : 1 + random.nextInt(60);
      events.add(event(i, time, random.nextInt(100)));
    }
    return events;
  }

  /** What the rule stands for, told by who came when. */
  private boolean[] expected(ParityRow row, Served served, List<FeatureRow> events) {
    boolean[] touched = new boolean[4];
    int came = served.arrival.indexOf(served.rows.get(row.id));
    long[][] windows = {null, {50, 0}, {400, 0}, {100, 30}};
    for (FeatureRow event : events) {
      int at = served.arrival.indexOf(served.rows.get(event.id));
      boolean before =
          event.time < row.time
              || (event.time == row.time && EventIds.ORDER.compare(event.id, row.id) < 0);
      if (!before || (at >= 0 && at < came)) {
        continue;
      }
      for (int i = 1; i < 4; i++) {
        long until = row.time - windows[i][1];
        touched[i] |= event.time <= until && event.time > until - windows[i][0];
      }
    }
    return touched;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void findsTheWindowsThatLackAnEventAndFewMore(long seed) {
    Random random = new Random(seed);
    List<FeatureRow> events = generated(random, 400, Integer.MAX_VALUE);
    Set<String> late = new HashSet<>();
    events.stream().filter(event -> random.nextInt(60) == 0).forEach(event -> late.add(event.id));
    Served served = serve(shuffled(events, random, 150), late);
    int lacking = 0;
    int touched = 0;
    for (ParityRow row : compared(events, served)) {
      boolean[] expected = expected(row, served, events);
      for (int i = 0; i < 4 && row.logged != null; i++) {
        assertThat(row.touched[i] || !expected[i]).as("%s, feature %d", row.id, i).isTrue();
        lacking += expected[i] ? 1 : 0;
        touched += row.touched[i] ? 1 : 0;
      }
    }
    assertThat(lacking).isBetween(100, 1_000);
    assertThat(touched).isLessThan(lacking * 3 / 2);
  }

  @ParameterizedTest
  @ValueSource(longs = {6, 7, 8, 9, 10})
  void whateverWasServedDifferentlyIsTouchedWithTiesToo(long seed) {
    Random random = new Random(seed);
    List<FeatureRow> events = generated(random, 400, 3);
    Served served = serve(shuffled(events, random, 120), Set.of("17", "203"));
    int differ = 0;
    int untouched = 0;
    for (ParityRow row : compared(events, served)) {
      for (int i = 0; i < 4 && row.logged != null; i++) {
        boolean same = row.logged[i] == row.replayed[i];
        assertThat(same || row.touched[i]).as("%s, feature %d", row.id, i).isTrue();
        differ += same ? 0 : 1;
        untouched += row.touched[i] ? 0 : 1;
      }
    }
    assertThat(differ).isPositive();
    assertThat(untouched).isGreaterThan(400);
  }

  @Test
  void eventsBeforeTheLogBeganTouchNothing() {
    List<FeatureRow> events = List.of(event(1, 1_000, 1), event(2, 1_010, 1));
    Served served = serve(events, Set.of("1"));
    TouchedFeatures touched = new TouchedFeatures(pipeline, 0, 1_001);
    ParityRow before = ParityRow.of(null, trimmed(events.get(0)));
    ParityRow after = ParityRow.of(trimmed(served.rows.get("2")), trimmed(served.rows.get("2")));
    touched.mark(List.of(before));
    touched.mark(List.of(after));
    assertThat(after.touched).containsOnly(false);
  }

  @Test
  void aMapIsTouchedAndSoIsWhatReadsIt() throws Exception {
    Path file = directory.resolve("pipeline.yaml");
    PipelineDefinition maps =
        PipelineFile.read(
            Files.writeString(
                file,
                Files.readString(file)
                    + """
                      places: {entity: customer, aggregate: count, by: terminal_id, windows: [100ms]}
                      here: {value: "places_100ms['1']"}
                    """));
    TouchedFeatures touched = new TouchedFeatures(maps, 0, 0);
    List<ParityRow> rows = new ArrayList<>();
    for (long time : new long[] {1_000, 1_050, 1_100}) {
      double[] values = new double[maps.featureNames().size()];
      FeatureRow row = new FeatureRow("" + time, time, new String[] {"c"}, values, new Object[0]);
      row.maps = FeatureRow.maps(1);
      rows.add(ParityRow.of(time == 1_000 ? null : row, row));
      touched.mark(List.of(rows.get(rows.size() - 1)));
    }
    int here = maps.featureNames().indexOf("here");
    int places = maps.featureNames().size();
    assertThat(rows.get(1).touched[here]).isTrue();
    assertThat(rows.get(1).touched[places]).isTrue();
    assertThat(rows.get(2).touched[here]).isFalse();
    assertThat(rows.get(2).touched[places]).isFalse();
    assertThat(rows.get(1).touched[0]).as("no window").isFalse();
  }
}
