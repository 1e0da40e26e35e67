package io.pelton.drift;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Rows by value of some categories that the reference does not have: those with the smallest
 * hashes, so that samples merge, in any order, to the sample of all.
 *
 * @param rows by value
 */
public record NewValues(Map<String, Long> rows) {
  /** Values at most. */
  public static final int MOST = 20;

  /** None. */
  public static final NewValues NONE = new NewValues(Map.of());

  public NewValues {
    SortedMap<Long, Map.Entry<String, Long>> byHash = new TreeMap<>();
    rows.entrySet().forEach(value -> byHash.put(CategoryProfile.hash(value.getKey()), value));
    Map<String, Long> kept = new LinkedHashMap<>();
    byHash.values().stream()
        .limit(MOST)
        .forEach(value -> kept.put(value.getKey(), value.getValue()));
    rows = kept;
  }

  /** Both together. */
  public NewValues plus(NewValues other) {
    Map<String, Long> both = new LinkedHashMap<>(rows);
    other.rows.forEach((value, count) -> both.merge(value, count, Long::sum));
    return new NewValues(both);
  }
}
