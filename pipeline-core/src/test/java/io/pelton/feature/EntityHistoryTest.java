package io.pelton.feature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

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

/** The sliding history against an obvious one that looks at every event for every window. */
class EntityHistoryTest {
  private static final long KEEP = 300;
  private static final int FEATURES = 6;
  private static final int WINDOWS_EACH = 2;
  private static final int TIMELINES = Boolean.getBoolean("pelton.soak") ? 200 : 50;
  private static final List<Window> WINDOWS =
      List.of(
          new Window("1ms", 1, 0),
          new Window("10ms", 10, 0),
          new Window("50ms", 50, 0),
          new Window("900ms", 900, 0),
          new Window("last-1", KEEP, 1),
          new Window("last-7", KEEP, 7),
          new Window("last-70", KEEP, 70));

  /** Features over these windows, and a row's layout for them. */
  private static final class Case {
    private final List<WindowedFeature> features = new ArrayList<>();
    private final EntityPlan plan;
    private final int columns;
    private final int maps;

    Case(Random random, boolean buckets) {
      List<Function> functions = new ArrayList<>(List.of(Function.values()));
      functions.remove(Function.EXTENSION);
      Collections.shuffle(functions, random);
      for (Function function : functions.subList(0, FEATURES)) {
        features.add(feature(function, random, buckets && function != Function.Z_SCORE));
      }
      EntityPlanBuilder builder = new EntityPlanBuilder("customer", 0);
      columns = features.size() * WINDOWS_EACH;
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

    private static WindowedFeature feature(Function function, Random random, boolean buckets) {
      boolean decays = function.name().startsWith("DECAYED");
      Aggregate aggregate =
          new Aggregate(
              function,
              function.ofEvents() ? null : "amount",
              function == Function.QUANTILE ? random.nextInt(5) / 4.0 : 0,
              decays ? 1 + random.nextInt(40) : 0,
              null,
              List.of());
      List<Window> windows = new ArrayList<>(WINDOWS);
      Collections.shuffle(windows, random);
      return new WindowedFeature(
          function.name() + random.nextInt(),
          "customer",
          aggregate,
          random.nextInt(3) == 0 ? "flagged" : null,
          buckets ? "channel" : null,
          2,
          random.nextInt(3) == 0,
          windows.subList(0, WINDOWS_EACH),
          random.nextInt(3) == 0 ? 7 : 0,
          random.nextInt(3) == 0 ? -1.0 : null,
          null);
    }

    FeatureRow row(Event event) {
      double[] values = new double[columns + 2];
      values[columns] = event.value;
      values[columns + 1] = event.flag ? 1 : 0;
      FeatureRow row =
          new FeatureRow(
              event.id, event.time, new String[] {"c"}, values, new Object[] {event.channel});
      row.maps = FeatureRow.maps(maps);
      return row;
    }
  }

  private record Event(String id, long time, double value, boolean flag, String channel) {}

  private static Event event(int number, long time, Random random) {
    return new Event(
        Integer.toString(number),
        time,
        value(random),
        random.nextBoolean(),
        random.nextInt(6) == 0 ? null : "ch" + random.nextInt(3));
  }

  private static double value(Random random) {
    return switch (random.nextInt(24)) {
      case 0 -> Double.NaN;
      case 1 -> 1e300 * (random.nextBoolean() ? 1 : -1);
      case 2 -> random.nextInt(50) == 0 ? Double.POSITIVE_INFINITY : 1e-30;
      case 3 -> random.nextBoolean() ? 0.0 : -0.0;
      case 4 -> random.nextGaussian();
      case 5 -> 1e9 + random.nextInt(3) * 0x1p-20;
      default -> random.nextInt(2_000) / 100.0 - 5;
    };
  }

  /** What {@code event} must give when {@code known} came before it. */
  private static void check(Case features, List<Event> known, Event event, FeatureRow row) {
    int column = 0;
    int map = 0;
    for (WindowedFeature feature : features.features) {
      for (Window window : feature.windows()) {
        List<Event> inside = new ArrayList<>();
        long until = event.time - feature.delay();
        for (Event other : known) {
          if (other.time > until - window.width()
              && other.time <= until
              && counts(feature, other)) {
            inside.add(other);
          }
        }
        boolean withoutCurrent =
            feature.excludeCurrent() || feature.aggregate().function() == Function.TIME_SINCE_LAST;
        if (feature.delay() == 0 && !withoutCurrent && counts(feature, event)) {
          inside.add(event);
        }
        if (window.events() > 0 && inside.size() > window.events()) {
          inside = inside.subList(inside.size() - window.events(), inside.size());
        }
        Supplier<String> what = () -> feature + " over " + window + " of " + event;
        if (feature.by() == null) {
          same(
              what,
              feature,
              row.values[column],
              Oracle.of(feature, values(feature, inside), current(event)));
        } else {
          checkBuckets(what, feature, inside, event, row.maps[map++]);
        }
        column++;
      }
    }
  }

  private static boolean counts(WindowedFeature feature, Event event) {
    return feature.where() == null || event.flag;
  }

  private static void same(
      Supplier<String> what, WindowedFeature feature, double actual, double expected) {
    boolean rounded =
        switch (feature.aggregate().function()) {
          case VARIANCE, STDDEV, Z_SCORE, DECAYED_COUNT, DECAYED_SUM, DECAYED_MEAN -> true;
          default -> false;
        };
    if (Double.doubleToLongBits(actual + 0.0) == Double.doubleToLongBits(expected + 0.0)) {
      return;
    }
    if (rounded && Double.isFinite(expected)) {
      assertThat(actual).as(what).isCloseTo(expected, within(1e-12 + Math.abs(expected) * 1e-10));
    } else {
      assertThat(Double.valueOf(actual + 0.0)).as(what).isEqualTo(Double.valueOf(expected + 0.0));
    }
  }

  private static void checkBuckets(
      Supplier<String> what,
      WindowedFeature feature,
      List<Event> inside,
      Event event,
      Map<String, Double> actual) {
    Map<String, List<Oracle.Value>> buckets = new TreeMap<>();
    for (Event other : inside) {
      for (Oracle.Value value : values(feature, List.of(other))) {
        if (other.channel != null) {
          buckets.computeIfAbsent(other.channel, unused -> new ArrayList<>()).add(value);
        }
      }
    }
    Map<String, Double> expected = Oracle.buckets(feature, buckets, current(event));
    assertThat(actual.keySet()).as(what).containsExactlyElementsOf(expected.keySet());
    expected.forEach(
        (name, value) -> same(() -> what.get() + " in " + name, feature, actual.get(name), value));
  }

  private static Oracle.Value current(Event event) {
    return new Oracle.Value(event.time, event.value);
  }

  private static List<Oracle.Value> values(WindowedFeature feature, List<Event> inside) {
    return inside.stream()
        .map(
            event ->
                new Oracle.Value(event.time, feature.aggregate().input() == null ? 1 : event.value))
        .filter(value -> !Double.isNaN(value.number()))
        .toList();
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
      for (int i = 0; i < 150; i++) {
        time += random.nextInt(4) == 0 ? 0 : random.nextInt(random.nextInt(60) == 0 ? 1_000 : 9);
        Event event = event(i, time, random);
        FeatureRow row = features.row(event);
        assertThat(history.update(features.plan, row, store, 0, time)).isZero();
        check(features, known, event, row);
        known.add(event);
        if (random.nextInt(10) == 0) {
          history = random.nextBoolean() ? history.copy() : writtenAndRead(history);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void lateEventsAreComputedAsOfTheirTimeAndEnterAtTheirPlace(boolean buckets) throws IOException {
    for (int seed = 0; seed < TIMELINES; seed++) {
      Random random = new Random(seed);
      Case features = new Case(random, buckets);
      EntityHistory history = new EntityHistory(features.plan.layout());
      BlockStore.InMemory store = new BlockStore.InMemory();
      List<Event> known = new ArrayList<>();
      long time = 0;
      for (int i = 0; i < 150; i++) {
        time += 1 + random.nextInt(random.nextInt(60) == 0 ? 1_000 : 9);
        long at = random.nextInt(4) == 0 ? time - random.nextInt(200) : time;
        Event event = event(i, at, random);
        FeatureRow row = features.row(event);
        long overtaken = known.stream().filter(e -> e.time > at).count();
        assertThat(history.update(features.plan, row, store, 1_000, time - 200))
            .isEqualTo((int) overtaken);
        check(features, known.stream().filter(other -> other.time <= at).toList(), event, row);
        known.add(event);
        known.sort(Comparator.comparingLong(Event::time));
        if (random.nextInt(10) == 0) {
          history = random.nextBoolean() ? history.copy() : writtenAndRead(history);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void lateEventsOfTheirOwnFeaturesNothingAreCountedByLaterOnes(boolean buckets)
      throws IOException {
    for (int seed = 0; seed < TIMELINES; seed++) {
      Random random = new Random(seed);
      Case features = new Case(random, buckets);
      EntityHistory history = new EntityHistory(features.plan.layout());
      BlockStore.InMemory store = new BlockStore.InMemory();
      List<Event> known = new ArrayList<>();
      long time = 0;
      for (int i = 0; i < 150; i++) {
        time += 1 + random.nextInt(random.nextInt(60) == 0 ? 1_000 : 9);
        boolean late = random.nextInt(4) == 0;
        long at = late ? time - 1 - random.nextInt(300) : time;
        Event event = event(i, at, random);
        FeatureRow row = features.row(event);
        if (late) {
          history.add(features.plan, row, store, 0, at);
        } else {
          assertThat(history.update(features.plan, row, store, 0, at)).isZero();
          check(features, known, event, row);
        }
        known.add(event);
        known.sort(Comparator.comparingLong(Event::time));
        if (random.nextInt(10) == 0) {
          history = random.nextBoolean() ? history.copy() : writtenAndRead(history);
        }
      }
    }
  }

  @Test
  void whatItGivesDoesNotDependOnHowItCameToBe() throws IOException {
    for (int seed = 0; seed < TIMELINES; seed++) {
      Random random = new Random(seed);
      Case features = new Case(random, seed % 2 == 0);
      EntityPlan again = new Case(new Random(seed), seed % 2 == 0).plan;
      EntityHistory straight = new EntityHistory(features.plan.layout());
      EntityHistory troubled = new EntityHistory(features.plan.layout());
      BlockStore.InMemory store = new BlockStore.InMemory();
      BlockStore.InMemory other = new BlockStore.InMemory();
      long time = 0;
      for (int i = 0; i < 300; i++) {
        time += random.nextInt(12);
        Event event = event(i, time, random);
        FeatureRow expected = features.row(event);
        straight.update(features.plan, expected, store, 500, time - 500);
        FeatureRow actual = features.row(event);
        troubled.update(i % 3 == 0 ? again : features.plan, actual, other, 500, time - 500);
        assertThat(actual.values).isEqualTo(expected.values);
        assertThat(actual.maps).isEqualTo(expected.maps);
        if (i % 7 == 0) {
          troubled = writtenAndRead(troubled);
        }
      }
    }
  }

  @Test
  void countsTiesOutOfIdOrderAsOvertaken() {
    Case features = new Case(new Random(1), false);
    EntityHistory history = new EntityHistory(features.plan.layout());
    BlockStore.InMemory store = new BlockStore.InMemory();
    int[] overtaken = new int[3];
    String[] ids = {"10", "9", "11"};
    for (int i = 0; i < 3; i++) {
      FeatureRow row = features.row(new Event(ids[i], 5, 1, true, "a"));
      overtaken[i] = history.update(features.plan, row, store, 0, 5);
    }
    assertThat(overtaken).containsExactly(0, 1, 0);
  }

  @Test
  void forgetsWhatNoWindowReaches() {
    Case features = new Case(new Random(1), false);
    EntityHistory history = new EntityHistory(features.plan.layout());
    BlockStore.InMemory store = new BlockStore.InMemory();
    for (int i = 0; i < 10_000; i++) {
      Event event = new Event(Integer.toString(i), i, 1, true, "a");
      history.update(features.plan, features.row(event), store, 0, i);
      assertThat(history.size()).isLessThanOrEqualTo(features.plan.reach() + 2 * Block.FULL);
    }
    Event last = new Event("last", 1_000_000, 1, true, "a");
    history.update(features.plan, features.row(last), store, 0, 1_000_000);
    assertThat(history.size()).isLessThanOrEqualTo(Block.FULL);
  }

  @Test
  void keepsEverythingWhileNoWatermarkIsKnown() {
    Case features = new Case(new Random(1), false);
    EntityHistory history = new EntityHistory(features.plan.layout());
    BlockStore.InMemory store = new BlockStore.InMemory();
    for (int i = 0; i < 2_000; i++) {
      Event event = new Event(Integer.toString(i), i, 1, true, "a");
      history.update(features.plan, features.row(event), store, 0, Long.MIN_VALUE);
    }
    assertThat(history.size()).isEqualTo(2_000);
  }

  @Test
  void aChangedHistoryKeepsWhatItSharesWithTheOld() throws IOException {
    // What one set of features left behind serves another, as far as it reaches.
    for (int seed = 0; seed < TIMELINES; seed++) {
      Random random = new Random(seed);
      Case before = new Case(random, false);
      Case after = new Case(random, true);
      EntityHistory history = new EntityHistory(before.plan.layout());
      BlockStore.InMemory store = new BlockStore.InMemory();
      List<Event> known = new ArrayList<>();
      long time = 0;
      for (int i = 0; i < 150; i++) {
        time += random.nextInt(9);
        Event event = event(i, time, random);
        boolean changed = i >= 90;
        Case features = changed ? after : before;
        FeatureRow row = features.row(event);
        if (i == 90) {
          history = writtenAndRead(history);
        }
        history.update(features.plan, row, store, 0, time);
        if (!changed) {
          check(before, known, event, row);
        } else if (time - knownSince(known, 90) > after.plan.reach()) {
          check(after, known, event, row);
        }
        known.add(event);
      }
    }
  }

  private static long knownSince(List<Event> known, int index) {
    return known.size() <= index ? Long.MAX_VALUE / 2 : known.get(index).time;
  }

  private static EntityHistory writtenAndRead(EntityHistory history) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    history.write(new DataOutputStream(bytes));
    return EntityHistory.read(
        history.layout(), new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));
  }
}
