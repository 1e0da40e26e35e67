package io.pelton.feature.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.feature.EntityPlan;
import io.pelton.feature.FeaturePlan;
import io.pelton.feature.FeatureRow;
import io.pelton.feature.job.EntityFeaturesOperator.Order;
import io.pelton.job.FeatureRowTypeInfo;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.wire.StaticSchemaStore;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.StateBackend;
import org.apache.flink.runtime.state.hashmap.HashMapStateBackend;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A checkpoint taken with one set of features goes on with another. */
class MigrationTest {
  private static final long START = 1_600_000_000_000L;
  private static final int EVENTS = 3_000;
  private static final int RESTORED = 1_500;

  private static final String BEFORE =
      """
        sum: {entity: customer, aggregate: sum(amount), windows: [1m, 10m]}
        gone: {entity: customer, aggregate: max(fraud), windows: [5m]}
        kinds: {entity: customer, aggregate: distinct(terminal_id), windows: [10m]}
        late_sum: {entity: customer, aggregate: sum(amount), windows: [1m], delay: 2m}
      """;

  // A feature more on a shared input, one on a new input, one less, a wider window, another order.
  private static final String AFTER =
      """
        deviation: {entity: customer, aggregate: stddev(amount), windows: [10m]}
        kinds: {entity: customer, aggregate: distinct(terminal_id), windows: [10m]}
        sum: {entity: customer, aggregate: sum(amount), windows: [1m, 10m, 30m]}
        night: {entity: customer, aggregate: count, where: "amount > 500.0", windows: [10m]}
        late_sum: {entity: customer, aggregate: sum(amount), windows: [1m], delay: 2m}
      """;

  private static final String TILES_BEFORE =
      """
        sum: {entity: customer, aggregate: sum(amount), windows: [1m, 10m]}
        gone: {entity: customer, aggregate: "quantile(amount, 0.9)", windows: [5m]}
        kinds: {entity: customer, aggregate: distinct(terminal_id), windows: [10m]}
        late_sum: {entity: customer, aggregate: sum(amount), windows: [1m], delay: 2m}
        fading: {entity: customer, aggregate: "decayed-sum(amount, 1m)", windows: [10m]}
      """;

  private static final String TILES_AFTER =
      """
        deviation: {entity: customer, aggregate: stddev(amount), windows: [10m]}
        kinds: {entity: customer, aggregate: distinct(terminal_id), windows: [10m]}
        least: {entity: customer, aggregate: min(amount), windows: [1m]}
        sum: {entity: customer, aggregate: sum(amount), windows: [1m, 10m, 30m]}
        typical: {entity: customer, aggregate: "quantile(fraud, 0.5)", windows: [10m]}
        late_sum: {entity: customer, aggregate: sum(amount), windows: [1m], delay: 2m}
        fading: {entity: customer, aggregate: "decayed-mean(amount, 1m)", windows: [10m]}
      """;

  private enum Backend {
    HEAP,
    ROCKSDB;

    StateBackend create() {
      return this == HEAP ? new HashMapStateBackend() : new EmbeddedRocksDBStateBackend();
    }
  }

  @TempDir Path directory;

  private PipelineDefinition pipeline(String name, String features) throws Exception {
    return pipeline(name, "customer_id", features);
  }

  private PipelineDefinition pipeline(String name, String customer, String features)
      throws Exception {
    Path here = Files.createDirectory(directory.resolve(name));
    Files.copy(
        Path.of("../examples/card-fraud/transaction.avsc"), here.resolve("transaction.avsc"));
    Path file = here.resolve("pipeline.yaml");
    Files.writeString(
        file,
        """
        pipeline: test
        events:
          topic: transactions
          format: json
          schema: transaction.avsc
          id: transaction_id
          time: event_time
          out-of-orderness: 10s
        entities: {customer: %s, terminal: terminal_id}
        features:
        """
                .formatted(customer)
            + features);
    return PipelineFile.read(file);
  }

  /** One key with a long history among others. */
  private static List<FeatureRow> rows(PipelineDefinition pipeline) {
    Random random = new Random(5);
    EventDecoder decoder = new EventDecoder(pipeline, StaticSchemaStore.of());
    List<FeatureRow> rows = new ArrayList<>();
    long time = START;
    for (int i = 0; i < EVENTS; i++) {
      time += random.nextInt(2_000);
      String json =
          "{\"transaction_id\":%d,\"event_time\":%d,\"customer_id\":%d,\"terminal_id\":%d,\"amount\":%s,\"fraud\":%d}"
              .formatted(
                  i,
                  time,
                  random.nextInt(3),
                  random.nextInt(50),
                  random.nextInt(100_000) / 100.0,
                  random.nextInt(2));
      rows.add(
          decoder.decode(
                  "t", 0, i, time, null, json.getBytes(StandardCharsets.UTF_8), Long.MAX_VALUE)
              .row);
    }
    return rows;
  }

  private static KeyedOneInputStreamOperatorTestHarness<String, FeatureRow, FeatureRow> harness(
      PipelineDefinition pipeline, Backend backend) throws Exception {
    FeaturePlan plan = new FeaturePlan(pipeline);
    EntityPlan customer = plan.entities().get(0);
    KeyedOneInputStreamOperatorTestHarness<String, FeatureRow, FeatureRow> harness =
        new KeyedOneInputStreamOperatorTestHarness<>(
            new EntityFeaturesOperator(
                customer, Order.WATERMARK, new LateRows(0, false), plan.rowNames()),
            row -> row.keys[0],
            Types.STRING,
            16,
            1,
            0);
    harness.setStateBackend(backend.create());
    harness.setup(new FeatureRowTypeInfo().createSerializer(null));
    return harness;
  }

  private static Map<String, Map<String, Double>> values(
      KeyedOneInputStreamOperatorTestHarness<String, FeatureRow, FeatureRow> harness,
      PipelineDefinition pipeline) {
    Map<String, Map<String, Double>> all = new LinkedHashMap<>();
    for (FeatureRow row : harness.extractOutputValues()) {
      Map<String, Double> values = new LinkedHashMap<>();
      List<String> names = pipeline.featureNames();
      for (int i = 0; i < names.size(); i++) {
        values.put(names.get(i), row.values[i]);
      }
      all.put(row.id, values);
    }
    return all;
  }

  private static void feed(
      KeyedOneInputStreamOperatorTestHarness<String, FeatureRow, FeatureRow> harness,
      List<FeatureRow> rows)
      throws Exception {
    for (FeatureRow row : rows) {
      harness.processElement(row, row.time);
      harness.processWatermark(row.time - 10_001);
    }
  }

  @ParameterizedTest
  @EnumSource(Backend.class)
  void aNewFeatureStartsFromWhatTheHistoryHolds(Backend backend) throws Exception {
    goesOn(
        pipeline("before", BEFORE),
        pipeline("after", AFTER),
        backend,
        List.of("sum_1m", "sum_10m", "kinds_10m", "late_sum_1m", "deviation_10m"));
  }

  @ParameterizedTest
  @EnumSource(Backend.class)
  void aNewFeatureOfTilesTakesNothingFromOthers(Backend backend) throws Exception {
    String customer = "{key: customer_id, resolution: 10s}";
    goesOn(
        pipeline("before", customer, TILES_BEFORE),
        pipeline("after", customer, TILES_AFTER),
        backend,
        List.of("sum_1m", "sum_10m", "kinds_10m", "late_sum_1m", "fading_10m"));
  }

  /**
   * @param shared features that have their values from the first event on
   */
  private static void goesOn(
      PipelineDefinition before, PipelineDefinition after, Backend backend, List<String> shared)
      throws Exception {
    Map<String, Map<String, Double>> expected;
    try (var whole = harness(after, backend)) {
      whole.open();
      feed(whole, rows(after));
      whole.processWatermark(Long.MAX_VALUE);
      expected = values(whole, after);
    }

    OperatorSubtaskState state;
    try (var first = harness(before, backend)) {
      first.open();
      feed(first, rows(before).subList(0, RESTORED));
      state = first.snapshot(1, 1);
    }
    List<FeatureRow> rest = rows(after).subList(RESTORED, EVENTS);
    Map<String, Map<String, Double>> actual;
    try (var second = harness(after, backend)) {
      second.initializeState(
          AbstractStreamOperatorTestHarness.repartitionOperatorState(state, 16, 1, 1, 0));
      second.open();
      // Once more through a checkpoint of its own: parts of both layouts are in it.
      feed(second, rest.subList(0, 100));
      actual = values(second, after);
      state = second.snapshot(2, 2);
    }
    try (var third = harness(after, backend)) {
      third.initializeState(state);
      third.open();
      feed(third, rest.subList(100, rest.size()));
      third.processWatermark(Long.MAX_VALUE);
      actual.putAll(values(third, after));
    }

    long restored = rows(after).get(RESTORED - 1).time;
    int waited = 0;
    for (FeatureRow row : rows(after)) {
      Map<String, Double> values = actual.get(row.id);
      if (values == null) {
        continue;
      }
      Map<String, Double> right = expected.get(row.id);
      for (String name : shared) {
        assertThat(values.get(name)).as("%s of %s", name, row.id).isEqualTo(right.get(name));
      }
      waited += row.time <= restored ? 1 : 0;
      // The history reached back ten minutes and now must reach thirty.
      if (row.time - 20 * 60_000 > restored) {
        assertThat(values).as(row.id).isEqualTo(right);
      }
    }
    assertThat(waited).isPositive();
    assertThat(actual).hasSize(EVENTS - RESTORED + waited);
  }

  @Test
  void saysFromWhenAFeatureOfTilesIsComplete() throws Exception {
    String customer = "{key: customer_id, resolution: 10s}";
    PipelineDefinition after = pipeline("after", customer, TILES_AFTER);
    OperatorSubtaskState state;
    PipelineDefinition before = pipeline("before", customer, TILES_BEFORE);
    try (var first = harness(before, Backend.HEAP)) {
      first.open();
      feed(first, rows(before).subList(0, RESTORED));
      state = first.snapshot(1, 1);
    }
    try (var second = harness(after, Backend.HEAP)) {
      second.initializeState(state);
      second.open();
      assertThat(((EntityFeaturesOperator) second.getOperator()).completeFrom())
          .containsOnlyKeys("deviation_10m", "least_1m", "sum_30m", "typical_10m");
    }
  }

  @Test
  void anExpressionIsCompleteWithTheLastOfWhatItReads() throws Exception {
    PipelineDefinition before = pipeline("before", BEFORE);
    PipelineDefinition after =
        pipeline(
            "after",
            AFTER
                + """
                    complete: {value: "sum_1m / sum_10m"}
                    both: {value: "sum_30m / night_10m"}
                    through: {value: "nightly + amount"}
                    nightly: {value: "night_10m / sum_1m"}
                  """);
    OperatorSubtaskState state;
    try (var first = harness(before, Backend.HEAP)) {
      first.open();
      feed(first, rows(before).subList(0, RESTORED));
      state = first.snapshot(1, 1);
    }
    long newest = rows(after).get(RESTORED - 1).time;
    try (var second = harness(after, Backend.HEAP)) {
      second.initializeState(state);
      second.open();
      assertThat(((EntityFeaturesOperator) second.getOperator()).completeFrom())
          .containsOnly(
              Map.entry("sum_30m", newest + 20 * 60_000),
              Map.entry("both", newest + 20 * 60_000),
              Map.entry("night_10m", newest + 600_000),
              Map.entry("nightly", newest + 600_000),
              Map.entry("through", newest + 600_000));
    }
  }

  @ParameterizedTest
  @EnumSource(Backend.class)
  void saysFromWhenAFeatureIsComplete(Backend backend) throws Exception {
    PipelineDefinition before = pipeline("before", BEFORE);
    PipelineDefinition after = pipeline("after", AFTER);
    OperatorSubtaskState state;
    try (var first = harness(before, backend)) {
      first.open();
      feed(first, rows(before).subList(0, RESTORED));
      state = first.snapshot(1, 1);
    }
    long newest = rows(after).get(RESTORED - 1).time;
    try (var second = harness(after, backend)) {
      second.initializeState(state);
      second.open();
      EntityFeaturesOperator operator = (EntityFeaturesOperator) second.getOperator();
      assertThat(operator.completeFrom())
          .containsOnly(
              Map.entry("sum_30m", newest + 20 * 60_000), Map.entry("night_10m", newest + 600_000));
      state = second.snapshot(2, 2);
    }
    try (var third = harness(after, backend)) {
      third.initializeState(state);
      third.open();
      assertThat(((EntityFeaturesOperator) third.getOperator()).completeFrom())
          .as("is not forgotten at the next restart")
          .containsOnlyKeys("sum_30m", "night_10m");
    }
  }
}
