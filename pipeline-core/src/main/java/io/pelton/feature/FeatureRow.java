package io.pelton.feature;

import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One event on its way through the jobs: its id, its time, the keys of its entities and its
 * numbers. A hot record: fields are public, arrays are filled in place by the stage that owns the
 * row and never changed once the row was handed on.
 */
public final class FeatureRow {
  @SuppressWarnings({"unchecked", "rawtypes"})
  private static final Map<String, Double>[] NO_MAPS = new Map[0];

  /** Event id, as text. */
  public String id;

  /** Event time, epoch milliseconds. */
  public long time;

  /** Key of each entity, in the pipeline's order. */
  public String[] keys;

  /**
   * Values of the pipeline's features in its order; while the row is inside the feature job the
   * inputs of windowed aggregates follow. NaN is a missing value.
   */
  public double[] values;

  /** Carried event fields in the pipeline's order: null, Boolean, Long, Double or String. */
  public @Nullable Object[] carried;

  /** Values of the pipeline's features that are maps, in its order; their numbers are missing. */
  public Map<String, Double>[] maps = NO_MAPS;

  /** Whether the row only fills histories, and is neither completed nor given out. */
  public boolean history;

  /** Of a row of history: whether it is of the stream and came later than the bound. */
  public boolean late;

  /** Of a late row: whether it has entered a history. */
  public boolean entered;

  /**
   * Whether the row is an outcome of the event that it names, at the time from which it is known:
   * it only enters histories, and is neither completed nor given out.
   */
  public boolean outcome;

  /**
   * How many later events of its key had been taken before this one, by position in {@link #keys};
   * empty when there were none. Those were served without this event. On arrival order only.
   */
  public int[] overtaken = NONE;

  private static final int[] NONE = {};

  public FeatureRow(
      String id, long time, String[] keys, double[] values, @Nullable Object[] carried) {
    this.id = id;
    this.time = time;
    this.keys = keys;
    this.values = values;
    this.carried = carried;
  }

  /** Room for that many maps. */
  @SuppressWarnings({"unchecked", "rawtypes"})
  public static Map<String, Double>[] maps(int count) {
    if (count == 0) {
      return NO_MAPS;
    }
    Map<String, Double>[] maps = new Map[count];
    Arrays.fill(maps, Map.of());
    return maps;
  }

  /** Notes that the row came after later events of one of its keys. */
  public void overtook(int key, int events) {
    if (overtaken.length == 0) {
      overtaken = new int[keys.length];
    }
    overtaken[key] = events;
  }

  /** How many later events of one of its keys the row came after. */
  public int overtaken(int key) {
    return overtaken.length == 0 ? 0 : overtaken[key];
  }

  /**
   * Order of rows of one time: outcomes before events, then by id; of one event that came twice, by
   * what it holds, so that their order does not depend on how they came.
   */
  public static int compareAtOneTime(FeatureRow a, FeatureRow b) {
    int order = Boolean.compare(b.outcome, a.outcome);
    if (order == 0) {
      order = EventIds.ORDER.compare(a.id, b.id);
    }
    if (order == 0) {
      order = Arrays.compare(a.keys, b.keys);
    }
    return order != 0 ? order : Arrays.compare(a.values, b.values);
  }
}
