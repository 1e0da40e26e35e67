package io.pelton.parity;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Compares rows feature by feature and counts what differs; tallies of parts merge by addition.
 * Values agree when they are the same to the bit, or both missing; maps when they have the same
 * keys and each value agrees. Features that a late or overtaken event bears on are counted apart.
 * Not thread-safe.
 */
public final class ParityTally implements Serializable {
  private static final long serialVersionUID = 1;

  /** Mismatches shown of a feature. */
  static final int EXAMPLES = 5;

  /**
   * One value that differs.
   *
   * @param time epoch milliseconds
   * @param key of a map the first key whose value differs, or that one of the two lacks; null of a
   *     number
   */
  public record Example(String id, long time, @Nullable String key, double logged, double replayed)
      implements Serializable {
    static final Comparator<Example> ORDER =
        Comparator.comparingLong(Example::time).thenComparing(Example::id);
  }

  /** Values of one feature that were compared. */
  public static final class Differences implements Serializable {
    private static final long serialVersionUID = 1;

    long compared;
    long mismatches;
    double largest;
    final ArrayList<Example> examples = new ArrayList<>();

    private void compare(ParityRow row, double logged, double replayed) {
      compared++;
      if (Double.doubleToLongBits(logged) == Double.doubleToLongBits(replayed)) {
        return;
      }
      mismatches++;
      widen(logged, replayed);
      keep(new Example(row.id, row.time, null, logged, replayed));
    }

    private void compare(ParityRow row, Map<String, Double> logged, Map<String, Double> replayed) {
      compared++;
      Example first = null;
      TreeSet<String> keys = new TreeSet<>(logged.keySet());
      keys.addAll(replayed.keySet());
      for (String key : keys) {
        double left = logged.getOrDefault(key, Double.NaN);
        double right = replayed.getOrDefault(key, Double.NaN);
        if (logged.containsKey(key) != replayed.containsKey(key)
            || Double.doubleToLongBits(left) != Double.doubleToLongBits(right)) {
          widen(left, right);
          if (first == null) {
            first = new Example(row.id, row.time, key, left, right);
          }
        }
      }
      if (first != null) {
        mismatches++;
        keep(first);
      }
    }

    /** Where one of the two is missing there is no difference. */
    private void widen(double logged, double replayed) {
      double difference = Math.abs(logged - replayed);
      if (difference > largest) {
        largest = difference;
      }
    }

    /** Keeps the first by time and id, so that examples do not depend on who counted what. */
    private void keep(Example example) {
      examples.add(example);
      if (examples.size() > EXAMPLES) {
        examples.sort(Example.ORDER);
        examples.remove(EXAMPLES);
      }
    }

    private void merge(Differences other) {
      compared += other.compared;
      mismatches += other.mismatches;
      largest = Math.max(largest, other.largest);
      other.examples.forEach(this::keep);
    }

    public long compared() {
      return compared;
    }

    public long mismatches() {
      return mismatches;
    }

    /** The largest absolute difference of values that are both there; of maps, of their values. */
    public double largest() {
      return largest;
    }

    /** The first mismatches by time and id. */
    public List<Example> examples() {
      return examples.stream().sorted(Example.ORDER).toList();
    }
  }

  /**
   * What was found of one feature.
   *
   * @param name of the feature
   * @param untouched values that no late or overtaken event bears on: they have to agree
   * @param touched the others
   */
  public record Column(String name, Differences untouched, Differences touched)
      implements Serializable {}

  private final ArrayList<Column> columns = new ArrayList<>();
  private final int numbers;
  private long rows;
  private long touchedRows;
  private long logOnly;
  private long replayOnly;

  /**
   * @param features names of those that are numbers
   * @param maps names of those that are maps
   */
  public ParityTally(List<String> features, List<String> maps) {
    numbers = features.size();
    for (List<String> names : List.of(features, maps)) {
      for (String name : names) {
        columns.add(new Column(name, new Differences(), new Differences()));
      }
    }
  }

  public void add(ParityRow row) {
    double[] logged = row.logged;
    double[] replayed = row.replayed;
    Map<String, Double>[] loggedMaps = row.loggedMaps;
    Map<String, Double>[] replayedMaps = row.replayedMaps;
    if (replayed == null || replayedMaps == null) {
      logOnly++;
      return;
    }
    if (logged == null || loggedMaps == null) {
      replayOnly++;
      return;
    }
    rows++;
    boolean touched = false;
    for (int i = 0; i < columns.size(); i++) {
      Column column = columns.get(i);
      Differences differences = row.touched[i] ? column.touched : column.untouched;
      if (i < numbers) {
        differences.compare(row, logged[i], replayed[i]);
      } else {
        differences.compare(row, loggedMaps[i - numbers], replayedMaps[i - numbers]);
      }
      touched |= row.touched[i];
    }
    touchedRows += touched ? 1 : 0;
  }

  public void merge(ParityTally other) {
    rows += other.rows;
    touchedRows += other.touchedRows;
    logOnly += other.logOnly;
    replayOnly += other.replayOnly;
    for (int i = 0; i < columns.size(); i++) {
      columns.get(i).untouched.merge(other.columns.get(i).untouched);
      columns.get(i).touched.merge(other.columns.get(i).touched);
    }
  }

  /** One a feature, in the pipeline's order: numbers, then maps. */
  public List<Column> columns() {
    return columns;
  }

  /** Rows in the log and in the replay. */
  public long rows() {
    return rows;
  }

  /** Those of them with a feature that a late or overtaken event bears on. */
  public long touchedRows() {
    return touchedRows;
  }

  /** Rows that only the log has: served for events that history lacks. */
  public long logOnly() {
    return logOnly;
  }

  /** Rows that only the replay has: events that were late, dead, or lost. */
  public long replayOnly() {
    return replayOnly;
  }

  /** Mismatches of all features that no late or overtaken event bears on. */
  public long mismatches() {
    return columns.stream().mapToLong(column -> column.untouched.mismatches).sum();
  }

  /**
   * Whether the log is what history gives.
   *
   * @param late events known to have been late, so many may be missing in the log
   */
  public boolean agrees(long late) {
    return mismatches() == 0 && logOnly == 0 && replayOnly <= late;
  }
}
