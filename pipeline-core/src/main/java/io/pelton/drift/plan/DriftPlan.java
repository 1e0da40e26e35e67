package io.pelton.drift.plan;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.pelton.drift.plan.ColumnPlan.Binding;
import io.pelton.drift.plan.ColumnPlan.Change;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * What drift settings will do against a reference: how often they alarm where nothing drifted, and
 * the smallest change that they show. By the distributions that the decisions rest on; an alarm of
 * one column where no other drifted takes a p-value of the level over all that is looked at
 * (Benjamini and Hochberg 1995), and an effect.
 *
 * @param wanted probability with which a change is to be seen
 * @param windowRate how often a window has a column that drifted by chance
 * @param alertRate alerts that open by chance a window, at most
 * @param falseAlarmEvery milliseconds between two of them, at least, on average; null when there
 *     are as good as none
 * @param byColumns the same, were there other numbers of such columns
 */
public record DriftPlan(
    Request request,
    double wanted,
    double windowRate,
    double alertRate,
    @Nullable Double falseAlarmEvery,
    List<ByColumns> byColumns,
    List<ColumnPlan> columns,
    Suggestion suggestion) {
  /** The probability that is usually asked for. */
  public static final double USUALLY_WANTED = 0.9;

  /** From there on nothing waits for it. */
  private static final long MOST_ROWS = 1L << 40;

  /** So seldom that no clock says when. */
  private static final double NONE = 1e-300;

  private static final int[] NUMBERS = {1, 10, 50, 200};

  private static final long MINUTE = 60_000;
  private static final long HOUR = 60 * MINUTE;
  private static final long DAY = 24 * HOUR;

  /** A false alarm less often than this bothers nobody. */
  private static final long QUIET = 90 * DAY;

  private static final long[] WIDTHS = {
    5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 7 * DAY
  };

  /**
   * What suits the reference.
   *
   * @param minimumCount rows from which an effect at its threshold is significant in all columns;
   *     null where the reference has too few for any
   * @param window the narrowest common width with as many rows, and a false alarm in 90 days at
   *     most; null where none has
   * @param leastKs KS distance below which a threshold means nothing with so many rows; null
   *     without numbers
   */
  public record Suggestion(
      @Nullable Long minimumCount, @Nullable Long window, @Nullable Double leastKs) {}

  /** With so many columns as the reference's are on average. */
  public record ByColumns(int columns, @Nullable Double falseAlarmEvery) {}

  public DriftPlan {
    byColumns = List.copyOf(byColumns);
    columns = List.copyOf(columns);
  }

  /**
   * Plans.
   *
   * @throws IllegalArgumentException when there are no columns
   */
  public static DriftPlan of(List<Column> columns, Request request) {
    if (columns.isEmpty()) {
      throw new IllegalArgumentException("the reference has no columns; nothing can be planned");
    }
    List<ColumnPlan> plans = new ArrayList<>();
    for (Column column : columns) {
      plans.add(plan(column, request, columns.size()));
    }
    double quiet = 1;
    for (ColumnPlan plan : plans) {
      quiet *= Math.pow(1 - plan.driftRate(), request.groups());
    }
    List<ByColumns> byColumns = new ArrayList<>();
    for (int many : NUMBERS) {
      byColumns.add(new ByColumns(many, every(request, alerts(columns, request, many))));
    }
    double alerts = alerts(columns, request, columns.size());
    return new DriftPlan(
        request,
        USUALLY_WANTED,
        1 - quiet,
        alerts,
        every(request, alerts),
        byColumns,
        plans,
        suggestion(columns, request, plans));
  }

  /** For programs; durations are milliseconds. */
  public String toJson() {
    try {
      return new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("drift plan cannot be written as JSON", e);
    }
  }

  private static ColumnPlan plan(Column column, Request request, int columns) {
    Model model = Model.of(column, request, columns);
    double rate = model.driftRate();
    double persisting =
        request.overlapping()
            ? USUALLY_WANTED
            : Opening.each(USUALLY_WANTED, request.persistence());
    return new ColumnPlan(
        column.name(),
        model.kind(),
        column.rows(),
        rate,
        alertRate(column, request, rate),
        model.significanceBinds() ? Binding.SIGNIFICANCE : Binding.EFFECT,
        model.leastSignificant(),
        ownMinimum(column, request, columns),
        change(model, USUALLY_WANTED),
        change(model, persisting),
        Model.smallest(model::seenMissing, 1, USUALLY_WANTED),
        Model.smallest(model::seenMissing, 1, persisting));
  }

  private static @Nullable Double every(Request request, double alerts) {
    return alerts < NONE ? null : (Double) (request.every() / alerts);
  }

  /** That open by chance a window, were there so many columns. */
  private static double alerts(List<Column> columns, Request request, int many) {
    double alerts = 0;
    for (Column column : columns) {
      alerts += alertRate(column, request, Model.of(column, request, many).driftRate());
    }
    return alerts * request.groups() * many / columns.size();
  }

  /** Of windows that overlap at most as many alerts open as windows drift. */
  private static double alertRate(Column column, Request request, double rate) {
    return request.overlapping()
        ? rate
        : Opening.rate(
            rate, request.rows() / (column.rows() + request.rows()), request.persistence());
  }

  private static @Nullable Change change(Model model, double wanted) {
    Double size = Model.smallest(model::seen, model.largest(), wanted);
    return size == null ? null : model.change(size);
  }

  /** By bisection; significance comes easier with more rows. */
  private static @Nullable Long ownMinimum(Column column, Request request, int columns) {
    if (Model.of(column, request.withRows(MOST_ROWS), columns).significanceBinds()) {
      return null;
    }
    long low = 0;
    long high = MOST_ROWS;
    while (high - low > 1) {
      long middle = (low + high) >>> 1;
      if (Model.of(column, request.withRows(middle), columns).significanceBinds()) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return high;
  }

  private static Suggestion suggestion(
      List<Column> columns, Request request, List<ColumnPlan> plans) {
    Long minimum = 1L;
    for (ColumnPlan plan : plans) {
      minimum =
          minimum == null || plan.ownMinimum() == null
              ? null
              : (Long) Math.max(minimum, plan.ownMinimum());
    }
    OptionalDouble least =
        plans.stream()
            .filter(plan -> plan.kind() == ColumnPlan.Kind.NUMERIC)
            .mapToDouble(ColumnPlan::leastSignificant)
            .max();
    Long enough = minimum;
    Long window =
        enough == null
            ? null
            : LongStream.of(WIDTHS)
                .filter(width -> suits(columns, request.withWindow(width), enough))
                .boxed()
                .findFirst()
                .orElse(null);
    return new Suggestion(minimum, window, least.isPresent() ? (Double) least.getAsDouble() : null);
  }

  private static boolean suits(List<Column> columns, Request request, long enough) {
    return request.rows() >= enough
        && request.every() / alerts(columns, request, columns.size()) >= QUIET;
  }
}
