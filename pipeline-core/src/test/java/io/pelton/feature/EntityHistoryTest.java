package io.pelton.feature;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.pipeline.PipelineDefinition.Aggregate;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The sliding history against an obvious one that looks at every event for every window. */
class EntityHistoryTest {
  private static final long[] WIDTHS = {1, 10, 50, 400};
  private static final long[] DELAYS = {0, 7};
  private static final double WHEN_EMPTY = -1;

  private record Event(String id, long time, double value) {}

  private static EntityPlan plan() {
    EntityPlan.Builder builder = new EntityPlan.Builder("customer", 0);
    int column = 0;
    for (long delay : DELAYS) {
      for (long width : WIDTHS) {
        for (Aggregate aggregate : Aggregate.values()) {
          builder.add(
              column++,
              aggregate,
              aggregate == Aggregate.COUNT ? null : "amount",
              WIDTHS.length * DELAYS.length * Aggregate.values().length,
              width,
              delay,
              WHEN_EMPTY);
        }
      }
    }
    return builder.build();
  }

  private static FeatureRow row(EntityPlan plan, Event event) {
    double[] values = new double[plan.outputs.length + 1];
    values[plan.outputs.length] = event.value;
    return new FeatureRow(event.id, event.time, new String[] {"c"}, values, new Object[0]);
  }

  /** What {@code event} must give when the events {@code before} it are known. */
  private static double[] naive(EntityPlan plan, List<Event> before, Event event) {
    double[] expected = new double[plan.outputs.length + 1];
    for (EntityPlan.Output output : plan.outputs) {
      long until = event.time - plan.delays[output.window()];
      long after = until - plan.widths[output.window()];
      List<Event> inside = new ArrayList<>();
      for (Event other : before) {
        if (other.time > after && other.time <= until) {
          inside.add(other);
        }
      }
      if (event.time <= until) {
        inside.add(event);
      }
      double[] values =
          inside.stream().mapToDouble(Event::value).filter(v -> !Double.isNaN(v)).toArray();
      expected[output.column()] =
          output.input() < 0
              ? inside.size()
              : values.length == 0 ? WHEN_EMPTY : aggregate(output.aggregate(), values);
    }
    expected[plan.outputs.length] = event.value;
    return expected;
  }

  private static double aggregate(Aggregate aggregate, double[] values) {
    double infinite = 0;
    BigDecimal finite = BigDecimal.ZERO;
    double least = Double.POSITIVE_INFINITY;
    double greatest = Double.NEGATIVE_INFINITY;
    for (double value : values) {
      if (Double.isInfinite(value)) {
        infinite += value;
      } else {
        finite = finite.add(new BigDecimal(value));
      }
      least = Math.min(least, value);
      greatest = Math.max(greatest, value);
    }
    double sum = infinite != 0 ? infinite : finite.doubleValue();
    return switch (aggregate) {
      case COUNT -> values.length;
      case SUM -> sum;
      case MEAN -> sum / values.length;
      case MIN -> least;
      case MAX -> greatest;
    };
  }

  private static double value(Random random) {
    return switch (random.nextInt(20)) {
      case 0 -> Double.NaN;
      case 1 -> 1e300 * (random.nextBoolean() ? 1 : -1);
      case 2 -> random.nextInt(50) == 0 ? Double.POSITIVE_INFINITY : 1e-30;
      case 3 -> 0;
      default -> random.nextInt(20_000) / 100.0 - 50;
    };
  }

  @Test
  void eventsInOrderEqualTheObviousWay() throws IOException {
    EntityPlan plan = plan();
    for (int seed = 0; seed < 60; seed++) {
      Random random = new Random(seed);
      EntityHistory history = new EntityHistory(1);
      List<Event> before = new ArrayList<>();
      long time = random.nextInt(1000) - 500;
      for (int i = 0; i < 150; i++) {
        time += random.nextInt(4) == 0 ? 0 : random.nextInt(random.nextInt(30) == 0 ? 600 : 12);
        Event event = new Event(Integer.toString(i), time, value(random));
        FeatureRow row = row(plan, event);
        assertThat(history.update(plan, row, 0, event.time)).isZero();
        assertThat(row.values)
            .as("seed %d event %d", seed, i)
            .isEqualTo(naive(plan, before, event));
        before.add(event);
        if (random.nextInt(20) == 0) {
          history = random.nextBoolean() ? history.copy() : writtenAndRead(history);
        }
      }
    }
  }

  @Test
  void lateEventsAreComputedAsOfTheirTimeAndEnterAtTheirPlace() {
    EntityPlan plan = plan();
    for (int seed = 0; seed < 60; seed++) {
      Random random = new Random(seed);
      EntityHistory history = new EntityHistory(1);
      List<Event> before = new ArrayList<>();
      long time = 0;
      for (int i = 0; i < 120; i++) {
        time += 1 + random.nextInt(12);
        long at = random.nextInt(4) == 0 ? time - random.nextInt(60) : time;
        Event event = new Event(Integer.toString(i), at, value(random));
        FeatureRow row = row(plan, event);
        long overtaken = before.stream().filter(e -> e.time > at).count();
        assertThat(history.update(plan, row, 60, time - 60)).isEqualTo((int) overtaken);
        assertThat(row.values)
            .as("seed %d event %d", seed, i)
            .isEqualTo(naive(plan, before, event));
        before.add(event);
        before.sort(Comparator.comparingLong(Event::time));
      }
    }
  }

  @Test
  void countsTiesOutOfIdOrderAsOvertaken() {
    EntityPlan plan = plan();
    EntityHistory history = new EntityHistory(1);
    assertThat(history.update(plan, row(plan, new Event("10", 5, 1)), 0, 5)).isZero();
    assertThat(history.update(plan, row(plan, new Event("9", 5, 1)), 0, 5)).isEqualTo(1);
    assertThat(history.update(plan, row(plan, new Event("11", 5, 1)), 0, 5)).isZero();
  }

  @Test
  void forgetsWhatNoWindowReaches() {
    EntityPlan plan = plan();
    EntityHistory history = new EntityHistory(1);
    for (int i = 0; i < 10_000; i++) {
      history.update(plan, row(plan, new Event(Integer.toString(i), i, 1)), 0, i);
      assertThat(history.size()).isLessThanOrEqualTo((int) plan.reach());
    }
    history.update(plan, row(plan, new Event("last", 1_000_000, 1)), 0, 1_000_000);
    assertThat(history.size()).isEqualTo(1);
  }

  @Test
  void keepsEverythingWhileNoWatermarkIsKnown() {
    EntityPlan plan = plan();
    EntityHistory history = new EntityHistory(1);
    for (int i = 0; i < 2_000; i++) {
      history.update(plan, row(plan, new Event(Integer.toString(i), i, 1)), 0, Long.MIN_VALUE);
    }
    assertThat(history.size()).isEqualTo(2_000);
  }

  private static EntityHistory writtenAndRead(EntityHistory history) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    history.write(new DataOutputStream(bytes));
    return EntityHistory.read(
        1, new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));
  }
}
