package io.pelton.feature;

import io.pelton.pipeline.PipelineDefinition.WindowedFeature;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Aggregates as their definitions say, over all values of a window at once. */
final class Oracle {
  /** One value and when it was. */
  record Value(long time, double number) {}

  private Oracle() {}

  /**
   * The aggregate; the feature's value of an empty window where it has none.
   *
   * @param current the event whose feature it is
   */
  static double of(WindowedFeature feature, List<Value> window, Value current) {
    double value = window.isEmpty() ? Double.NaN : compute(feature, window, current);
    return Double.isNaN(value) ? feature.whenEmpty() : value;
  }

  /**
   * An aggregate by bucket, in the order to be shown.
   *
   * @param window by bucket, none of them empty
   */
  static Map<String, Double> buckets(
      WindowedFeature feature, Map<String, List<Value>> window, Value current) {
    Map<String, Double> buckets = new LinkedHashMap<>();
    window.entrySet().stream()
        .sorted(
            Comparator.comparingInt((Map.Entry<String, List<Value>> e) -> -e.getValue().size())
                .thenComparing(Map.Entry::getKey))
        .limit(feature.cap())
        .forEach(
            entry -> {
              double value = compute(feature, entry.getValue(), current);
              if (!Double.isNaN(value)) {
                buckets.put(entry.getKey(), value);
              }
            });
    return buckets;
  }

  private static double compute(WindowedFeature feature, List<Value> window, Value now) {
    double[] values = window.stream().mapToDouble(Value::number).toArray();
    return switch (feature.aggregate().function()) {
      case COUNT -> values.length;
      case SUM -> sum(values);
      case MEAN, SHARE -> mean(values);
      case MIN -> Arrays.stream(values).min().orElseThrow() + 0.0;
      case MAX -> Arrays.stream(values).max().orElseThrow() + 0.0;
      case VARIANCE -> spreadless(values) ? Double.NaN : variance(values).doubleValue();
      case STDDEV -> stddev(values);
      case Z_SCORE -> {
        double stddev = stddev(values);
        yield stddev > 0 && Double.isFinite(now.number)
            ? new BigDecimal(now.number)
                    .subtract(exactSum(values).divide(count(values), MathContext.DECIMAL128))
                    .doubleValue()
                / stddev
            : Double.NaN;
      }
      case FIRST -> values[0];
      case LAST -> values[values.length - 1];
      case DISTINCT -> Arrays.stream(values).map(v -> v + 0.0).distinct().count();
      case TIME_SINCE_LAST -> (now.time - window.get(window.size() - 1).time) / 1_000.0;
      case QUANTILE -> quantile(values, feature.aggregate().quantile());
      case DECAYED_COUNT -> decayed(feature, window, now.time, true);
      case DECAYED_SUM -> decayed(feature, window, now.time, false);
      case DECAYED_MEAN ->
          decayed(feature, window, now.time, false) / decayed(feature, window, now.time, true);
      case EXTENSION -> throw new IllegalArgumentException("has tests of its own");
    };
  }

  private static double sum(double[] values) {
    double infinite = 0;
    BigDecimal finite = BigDecimal.ZERO;
    for (double value : values) {
      if (Double.isInfinite(value)) {
        infinite += value;
      } else {
        finite = finite.add(new BigDecimal(value));
      }
    }
    return infinite != 0 ? infinite : finite.doubleValue();
  }

  private static double mean(double[] values) {
    double sum = sum(values);
    return Double.isFinite(sum) || Arrays.stream(values).anyMatch(Double::isInfinite)
        ? sum / values.length
        : exactSum(values).divide(count(values), MathContext.DECIMAL128).doubleValue();
  }

  private static BigDecimal count(double[] values) {
    return BigDecimal.valueOf(values.length);
  }

  private static BigDecimal exactSum(double[] values) {
    return Arrays.stream(values).mapToObj(BigDecimal::new).reduce(BigDecimal.ZERO, BigDecimal::add);
  }

  private static boolean spreadless(double[] values) {
    return values.length < 2 || Arrays.stream(values).anyMatch(Double::isInfinite);
  }

  private static double stddev(double[] values) {
    return spreadless(values)
        ? Double.NaN
        : variance(values).sqrt(MathContext.DECIMAL64).doubleValue();
  }

  /** From exact sums, so that nothing cancels. */
  private static BigDecimal variance(double[] values) {
    BigDecimal squares =
        Arrays.stream(values)
            .mapToObj(value -> new BigDecimal(value).pow(2))
            .reduce(BigDecimal.ZERO, BigDecimal::add);
    BigDecimal sum = exactSum(values);
    return count(values)
        .multiply(squares)
        .subtract(sum.multiply(sum))
        .divide(
            count(values).multiply(BigDecimal.valueOf(values.length - 1)), MathContext.DECIMAL128);
  }

  private static double quantile(double[] values, double quantile) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    double rank = quantile * (sorted.length - 1);
    int below = (int) Math.floor(rank);
    return rank == below
        ? sorted[below]
        : sorted[below] + (rank - below) * (sorted[below + 1] - sorted[below]);
  }

  private static double decayed(
      WindowedFeature feature, List<Value> window, long now, boolean weights) {
    BigDecimal sum = BigDecimal.ZERO;
    for (Value value : window) {
      double weight = Math.pow(2, -(now - value.time) / (double) feature.aggregate().halfLife());
      if (Double.isInfinite(value.number) && !weights) {
        return value.number;
      }
      sum = sum.add(new BigDecimal(weight).multiply(new BigDecimal(weights ? 1 : value.number)));
    }
    return sum.doubleValue();
  }
}
