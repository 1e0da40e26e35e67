package io.pelton.feature;

import static org.assertj.core.api.Assertions.assertThat;

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
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Tiles against an obvious way that looks at every event, dated by its tile's end. */
class TiledHistoryTest {
  private static final int TIMELINES = 150;
  private static final long TILE = 10;
  private static final List<Window> WINDOWS =
      List.of(
          new Window("10ms", 10, 0),
          new Window("35ms", 35, 0),
          new Window("200ms", 200, 0),
          new Window("3s", 3_000, 0));

  private record Event(int id, long time, double value, boolean flag) {}

  private static final class Case {
    private final List<WindowedFeature> features = new ArrayList<>();
    private final EntityPlan plan;
    private final int columns;

    Case(Random random) {
      List<Function> functions =
          new ArrayList<>(Arrays.stream(Function.values()).filter(Function::ofTiles).toList());
      Collections.shuffle(functions, random);
      for (Function function : functions.subList(0, 6)) {
        List<Window> windows = new ArrayList<>(WINDOWS);
        Collections.shuffle(windows, random);
        features.add(
            new WindowedFeature(
                function.name(),
                "customer",
                Aggregate.of(function, function.ofEvents() ? null : "amount"),
                random.nextInt(3) == 0 ? "flagged" : null,
                null,
                1,
                random.nextInt(3) == 0,
                windows.subList(0, 2),
                random.nextInt(3) == 0 ? 27 : 0,
                null,
                null));
      }
      EntityPlan.Builder builder = new EntityPlan.Builder("customer", 0, TILE, true);
      columns = features.size() * 2;
      int column = 0;
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
              -1,
              null,
              -1);
        }
      }
      plan = builder.build();
    }

    FeatureRow row(Event event) {
      double[] values = new double[columns + 2];
      values[columns] = event.value;
      values[columns + 1] = event.flag ? 1 : 0;
      return new FeatureRow(
          Integer.toString(event.id), event.time, new String[] {"c"}, values, new Object[0]);
    }

    void check(List<Event> known, Event event, FeatureRow row, boolean late) {
      int column = 0;
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
          List<Oracle.Value> values =
              inside.stream()
                  .map(
                      e ->
                          new Oracle.Value(
                              e.time, feature.aggregate().input() == null ? 1 : e.value))
                  .filter(value -> !Double.isNaN(value.number()))
                  .toList();
          double expected =
              Oracle.of(feature, values, new Oracle.Value(event.time, event.value)) + 0.0;
          double actual = row.values[column++] + 0.0;
          if (Double.compare(actual, expected) != 0
              && !(Math.abs(actual - expected) <= 1e-12 + Math.abs(expected) * 1e-10)) {
            assertThat(actual).as("%s over %s of %s", feature, window, event).isEqualTo(expected);
          }
        }
      }
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
          default -> random.nextInt(10_000) / 100.0 - 50;
        };
    return new Event(id, time, value, random.nextBoolean());
  }

  @Test
  void eventsInOrderEqualTheObviousWay() throws IOException {
    for (int seed = 0; seed < TIMELINES; seed++) {
      Random random = new Random(seed);
      Case features = new Case(random);
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

  @Test
  void lateEventsAreComputedAsOfTheirTilesEndAndEnterTheirTile() throws IOException {
    for (int seed = 0; seed < TIMELINES; seed++) {
      Random random = new Random(seed);
      Case features = new Case(random);
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
    Case features = new Case(new Random(4));
    EntityHistory history = new EntityHistory(features.plan.layout());
    BlockStore.InMemory store = new BlockStore.InMemory();
    for (int i = 0; i < 100_000; i++) {
      Event event = new Event(i, i, 1, true);
      history.update(features.plan, features.row(event), store, 0, i);
      assertThat(history.size()).isLessThanOrEqualTo(features.plan.reach() / TILE + 2 * Block.FULL);
    }
  }

  @Test
  void widerWindowsTakeCoarserTiles() {
    long minute = 60_000;
    assertThat(EntityPlan.tileFor(0, 86_400_000)).isZero();
    assertThat(EntityPlan.tileFor(minute, 60 * minute)).isEqualTo(minute);
    assertThat(EntityPlan.tileFor(minute, 1_440 * minute)).isEqualTo(4 * minute);
    assertThat(EntityPlan.tileFor(minute, 30 * 1_440 * minute)).isEqualTo(64 * minute);
  }

  private static EntityHistory writtenAndRead(EntityHistory history) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    history.write(new DataOutputStream(bytes));
    return EntityHistory.read(
        history.layout(), new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));
  }
}
