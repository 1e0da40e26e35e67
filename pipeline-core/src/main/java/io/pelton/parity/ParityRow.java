package io.pelton.parity;

import io.pelton.feature.FeatureRow;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One event as it was served and as history gives it; one of the two may be missing. A stream
 * record: public fields, no argument to make it.
 */
public final class ParityRow {
  public String id = "";

  /** Event time, epoch milliseconds. */
  public long time;

  /** Key of each entity, in the pipeline's order. */
  public String[] keys = {};

  /** Later events of its key that were served before it, by entity; empty for none. */
  public int[] overtaken = {};

  /** The features as logged; null when the event is in history only. */
  public double @Nullable [] logged;

  /** The features by replay; null when the event is in the log only. */
  public double @Nullable [] replayed;

  /** The features that are maps as logged, in the pipeline's order; null when not in the log. */
  public Map<String, Double> @Nullable [] loggedMaps;

  /** The features that are maps by replay; null when not in history. */
  public Map<String, Double> @Nullable [] replayedMaps;

  /** Features that a late or overtaken event bears on; numbers by position, then maps. */
  public boolean[] touched = {};

  public ParityRow() {}

  /**
   * @throws IllegalArgumentException when both are missing
   */
  public static ParityRow of(@Nullable FeatureRow logged, @Nullable FeatureRow replayed) {
    FeatureRow any = logged != null ? logged : replayed;
    if (any == null) {
      throw new IllegalArgumentException("an event is in the log, in the replay or in both");
    }
    ParityRow row = new ParityRow();
    row.id = any.id;
    row.time = any.time;
    row.keys = logged != null && replayed != null ? keys(logged, replayed) : any.keys;
    row.overtaken = any.overtaken;
    row.logged = logged == null ? null : logged.values;
    row.replayed = replayed == null ? null : replayed.values;
    row.loggedMaps = logged == null ? null : logged.maps;
    row.replayedMaps = replayed == null ? null : replayed.maps;
    row.touched = new boolean[any.values.length + any.maps.length];
    return row;
  }

  /** Those of the log; those of history where the log is of a time without the entity. */
  private static String[] keys(FeatureRow logged, FeatureRow replayed) {
    String[] keys = logged.keys.clone();
    for (int entity = 0; entity < keys.length; entity++) {
      if (keys[entity].isEmpty()) {
        keys[entity] = replayed.keys[entity];
      }
    }
    return keys;
  }

  int overtaken(int key) {
    return overtaken.length == 0 ? 0 : overtaken[key];
  }
}
