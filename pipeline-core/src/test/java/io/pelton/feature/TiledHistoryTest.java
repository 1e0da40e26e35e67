package io.pelton.feature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineDefinition.Aggregate;
import io.pelton.pipeline.PipelineDefinition.Function;
import io.pelton.pipeline.PipelineDefinition.Window;
import io.pelton.pipeline.PipelineDefinition.WindowedFeature;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tiles against an obvious way that looks at every event, dated by its tile's end. */
class TiledHistoryTest {
  private static final int TIMELINES = Boolean.getBoolean("pelton.soak") ? 150 : 40;
  private static final long TILE = 10;
  private static final List<Window> WINDOWS =
      List.of(
          new Window("10ms", 10, 0),
          new Window("35ms", 35, 0),
          new Window("200ms", 200, 0),
          new Window("3s", 3_000, 0));

  private record Event(int id, long time, double value, boolean flag, String channel) {}

  private static final class Case {
    private final List<WindowedFeature> features = new ArrayList<>();
    private final EntityPlan plan;
    private final int columns;
    private final int maps;

    Case(Random random, boolean buckets) {
      List<Function> functions = new ArrayList<>(List.of(Function.values()));
      functions.remove(Function.EXTENSION);
      Collections.shuffle(functions, random);
      for (Function function : functions.subList(0, 6)) {
        List<Window> windows = new ArrayList<>(WINDOWS);
        Collections.shuffle(windows, random);
        boolean decays = function.name().startsWith("DECAYED");
        Aggregate aggregate =
            new Aggregate(
                function,
                function.ofEvents() ? null : "amount",
                function == Function.QUANTILE ? random.nextInt(5) / 4.0 : 0,
                decays ? 1 + random.nextInt(40) : 0,
                null,
                List.of());
        features.add(
            new WindowedFeature(
                function.name(),
                "customer",
                aggregate,
                random.nextInt(3) == 0 ? "flagged" : null,
                buckets && function != Function.Z_SCORE ? "channel" : null,
                2,
                random.nextInt(3) == 0,
                windows.subList(0, 2),
                random.nextInt(3) == 0 ? 27 : 0,
                null,
                null));
      }
      EntityPlanBuilder builder = new EntityPlanBuilder("customer", 0, TILE, true);
      columns = features.size() * 2;
      int column = 0;
      int map = 0;
      for (WindowedFeature feature : features) {
        for (Window window : feature.windows()) {
          String input = feature.aggregate().input();
          builder.add(
              column++,
              feature,
              window,
              input == null ? -1 : columns,
              input,
              feature.where() == null ? -1 : columns + 1,
              feature.by() == null ? -1 : 0,
              feature.by(),
              feature.by() == null ? -1 : map++);
        }
      }
      maps = map;
      plan = builder.build();
    }

    FeatureRow row(Event event) {
      double[] values = new double[columns + 2];
      values[columns] = event.value;
      values[columns + 1] = event.flag ? 1 : 0;
      FeatureRow row =
          new FeatureRow(
              Integer.toString(event.id),
              event.time,
              new String[] {"c"},
              values,
              new Object[] {event.channel});
      row.maps = FeatureRow.maps(maps);
      return row;
    }

    void check(List<Event> known, Event event, FeatureRow row, boolean late) {
      int column = 0;
      int map = 0;
      for (WindowedFeature feature : features) {
        for (Window window : feature.windows()) {
          long until = event.time - feature.delay();
          boolean without =
              !late
                  && (feature.excludeCurrent()
                      || feature.aggregate().function() == Function.TIME_SINCE_LAST);
          List<Event> inside = new ArrayList<>();
          for (Event other : known) {
            boolean begun = end(other.time) > until - window.width();
            boolean over =
                feature.delay() == 0
                    ? end(other.time) <= end(event.time)
                    : end(other.time) <= until;
            if (begun && over && (feature.where() == null || other.flag)) {
              inside.add(other);
            }
          }
          if (feature.delay() == 0 && !without && (feature.where() == null || event.flag)) {
            inside.add(event);
          }
          inside.sort(Comparator.comparingLong(Event::time));
          Supplier<String> what = () -> feature + " over " + window + " of " + event;
          Oracle.Value current = new Oracle.Value(event.time, event.value);
          if (feature.by() == null) {
            double expected = Oracle.of(feature, values(feature, inside), current);
            same(what, row.values[column], expected);
          } else {
            Map<String, List<Oracle.Value>> buckets = new TreeMap<>();
            for (Event other : inside) {
              for (Oracle.Value value : values(feature, List.of(other))) {
                if (other.channel != null) {
                  buckets.computeIfAbsent(other.channel, unused -> new ArrayList<>()).add(value);
                }
              }
            }
            Map<String, Double> expected = Oracle.buckets(feature, buckets, current);
            Map<String, Double> actual = row.maps[map++];
            assertThat(actual.keySet()).as(what).containsExactlyElementsOf(expected.keySet());
            expected.forEach(
                (name, value) -> same(() -> what.get() + " in " + name, actual.get(name), value));
          }
          column++;
        }
      }
    }
  }

  private static List<Oracle.Value> values(WindowedFeature feature, List<Event> inside) {
    return inside.stream()
        .map(e -> new Oracle.Value(e.time, feature.aggregate().input() == null ? 1 : e.value))
        .filter(value -> !Double.isNaN(value.number()))
        .toList();
  }

  private static void same(Supplier<String> what, double actual, double expected) {
    if (Double.compare(actual + 0.0, expected + 0.0) != 0
        && !(Math.abs(actual - expected) <= 1e-12 + Math.abs(expected) * 1e-10)) {
      assertThat(actual).as(what).isEqualTo(expected);
    }
  }

  private static long end(long time) {
    return Math.floorDiv(time, TILE) * TILE + TILE - 1;
  }

  private static Event event(int id, long time, Random random) {
    double value =
        switch (random.nextInt(20)) {
          case 0 -> Double.NaN;
          case 1 -> 1e300 * (random.nextBoolean() ? 1 : -1);
          case 2 -> random.nextInt(40) == 0 ? Double.NEGATIVE_INFINITY : 1e-40;
          case 5 -> 1e9 + random.nextInt(3) * 0x1p-20;
          default -> random.nextInt(10_000) / 100.0 - 50;
        };
    return new Event(id, time, value, random.nextBoolean(), channel(random));
  }

  private static String channel(Random random) {
    return random.nextInt(6) == 0 ? null : "ch" + random.nextInt(3);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void eventsInOrderEqualTheObviousWay(boolean buckets) throws IOException {
    for (int seed = 0; seed < TIMELINES; seed++) {
      Random random = new Random(seed);
      Case features = new Case(random, buckets);
      EntityHistory history = new EntityHistory(features.plan.layout());
      BlockStore.InMemory store = new BlockStore.InMemory();
      List<Event> known = new ArrayList<>();
      long time = random.nextInt(1000) - 500;
      for (int i = 0; i < 200; i++) {
        time += random.nextInt(3) == 0 ? 0 : random.nextInt(random.nextInt(50) == 0 ? 4_000 : 12);
        Event event = event(i, time, random);
        FeatureRow row = features.row(event);
        assertThat(history.update(features.plan, row, store, 0, time)).isZero();
        features.check(known, event, row, false);
        known.add(event);
        if (random.nextInt(10) == 0) {
          history = random.nextBoolean() ? history.copy() : writtenAndRead(history);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void lateEventsAreComputedAsOfTheirTilesEndAndEnterTheirTile(boolean buckets) throws IOException {
    for (int seed = 0; seed < TIMELINES; seed++) {
      Random random = new Random(seed);
      Case features = new Case(random, buckets);
      EntityHistory history = new EntityHistory(features.plan.layout());
      BlockStore.InMemory store = new BlockStore.InMemory();
      List<Event> known = new ArrayList<>();
      long time = 0;
      for (int i = 0; i < 200; i++) {
        time += 1 + random.nextInt(random.nextInt(50) == 0 ? 4_000 : 12);
        long at = random.nextInt(4) == 0 ? time - random.nextInt(200) : time;
        boolean late = known.stream().anyMatch(e -> e.time > at);
        Event event = event(i, at, random);
        FeatureRow row = features.row(event);
        assertThat(history.update(features.plan, row, store, 1_000, time - 200) > 0)
            .isEqualTo(late);
        features.check(known, event, row, late);
        known.add(event);
        if (random.nextInt(10) == 0) {
          history = random.nextBoolean() ? history.copy() : writtenAndRead(history);
        }
      }
    }
  }

  @Test
  void holdsNoMoreTilesThanItsWidestWindowHas() {
    Case features = new Case(new Random(4), false);
    EntityHistory history = new EntityHistory(features.plan.layout());
    BlockStore.InMemory store = new BlockStore.InMemory();
    for (int i = 0; i < 100_000; i++) {
      Event event = new Event(i, i, 1, true, null);
      history.update(features.plan, features.row(event), store, 0, i);
      assertThat(history.size()).isLessThanOrEqualTo(features.plan.reach() / TILE + 2 * Block.FULL);
    }
  }

  @Test
  void manyValuesInATileAreCountedAsTheWindowSlides() throws IOException {
    // Tiles whose sketches are so large that blocks are sealed early.
    Random random = new Random(9);
    Function[] functions = {Function.DISTINCT, Function.QUANTILE};
    EntityPlanBuilder builder = new EntityPlanBuilder("customer", 0, 10_000, true);
    for (int i = 0; i < 2; i++) {
      Aggregate aggregate = new Aggregate(functions[i], "amount", 0.5, 0, null, List.of());
      WindowedFeature feature =
          new WindowedFeature(
              functions[i].name(),
              "customer",
              aggregate,
              null,
              null,
              1,
              false,
              List.of(new Window("200s", 200_000, 0)),
              0,
              null,
              null);
      builder.add(i, feature, feature.windows().get(0), 2, "amount", -1, -1, null, -1);
    }
    EntityPlan plan = builder.build();
    EntityHistory history = new EntityHistory(plan.layout());
    BlockStore.InMemory store = new BlockStore.InMemory();
    List<Event> known = new ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      Event event = new Event(i, i * 20L, random.nextInt(30_000) / 10.0 + i / 10, true, null);
      double[] values = {0, 0, event.value};
      FeatureRow row =
          new FeatureRow("" + i, event.time, new String[] {"c"}, values, new Object[0]);
      history.update(plan, row, store, 0, event.time);
      known.add(event);
      if (i % 500 == 499) {
        double[] inside =
            known.stream()
                .filter(e -> Math.floorDiv(e.time, 10_000) * 10_000 + 9_999 > event.time - 200_000)
                .mapToDouble(Event::value)
                .sorted()
                .toArray();
        double different = Arrays.stream(inside).distinct().count();
        assertThat(row.values[0]).isCloseTo(different, within(different * 5 * 1.04 / 64));
        double middle = inside[(int) (0.5 * (inside.length - 1))];
        assertThat(row.values[1]).isCloseTo(middle, within(middle * Quantiles.ACCURACY + 1e-9));
        history = writtenAndRead(history);
      }
    }
  }

  @Test
  void widerWindowsTakeCoarserTiles() {
    long minute = 60_000;
    assertThat(PipelineDefinition.Entity.tileFor(0, 86_400_000)).isZero();
    assertThat(PipelineDefinition.Entity.tileFor(minute, 60 * minute)).isEqualTo(minute);
    assertThat(PipelineDefinition.Entity.tileFor(minute, 1_440 * minute)).isEqualTo(4 * minute);
    assertThat(PipelineDefinition.Entity.tileFor(minute, 30 * 1_440 * minute))
        .isEqualTo(64 * minute);
  }

  private static EntityHistory writtenAndRead(EntityHistory history) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    history.write(new DataOutputStream(bytes));
    return EntityHistory.read(
        history.layout(), new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));
  }
}
