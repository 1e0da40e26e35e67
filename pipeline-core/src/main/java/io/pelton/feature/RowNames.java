package io.pelton.feature;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the places in a row mean while it is inside the feature job. Rows that a checkpoint holds
 * are read by these names, so a pipeline file with other features can go on with them.
 *
 * @param values features, then inputs of aggregates
 * @param carried carried fields, then fields and texts that features take
 */
public record RowNames(
    List<String> entities, List<String> values, List<String> maps, List<String> carried)
    implements Serializable {
  public RowNames {
    entities = List.copyOf(entities);
    values = List.copyOf(values);
    maps = List.copyOf(maps);
    carried = List.copyOf(carried);
  }

  /**
   * Puts a row that was made with other names into the places of these; what it lacks is missing.
   *
   * @throws IllegalArgumentException when it lacks the key of an entity
   */
  public FeatureRow adopt(FeatureRow row, RowNames written) {
    if (equals(written)) {
      return row;
    }
    String[] keys = new String[entities.size()];
    for (int i = 0; i < keys.length; i++) {
      int old = written.entities.indexOf(entities.get(i));
      if (old < 0) {
        throw new IllegalArgumentException(
            "rows that wait were made for entities %s; the pipeline file now has %s as well: let the job end its rows first (stop with --drain), or start without this state"
                .formatted(written.entities, entities.get(i)));
      }
      keys[i] = row.keys[old];
    }
    double[] numbers = new double[values.size()];
    for (int i = 0; i < numbers.length; i++) {
      int old = written.values.indexOf(values.get(i));
      numbers[i] = old < 0 ? Double.NaN : row.values[old];
    }
    @Nullable Object[] others = new @Nullable Object[carried.size()];
    for (int i = 0; i < others.length; i++) {
      int old = written.carried.indexOf(carried.get(i));
      others[i] = old < 0 ? null : row.carried[old];
    }
    FeatureRow adopted = new FeatureRow(row.id, row.time, keys, numbers, others);
    adopted.history = row.history;
    for (int i = 0; i < keys.length && row.overtaken.length > 0; i++) {
      int events = row.overtaken(written.entities.indexOf(entities.get(i)));
      if (events > 0) {
        adopted.overtook(i, events);
      }
    }
    adopted.outcome = row.outcome;
    adopted.late = row.late;
    adopted.entered = row.entered;
    adopted.maps = FeatureRow.maps(maps.size());
    for (int i = 0; i < maps.size(); i++) {
      int old = written.maps.indexOf(maps.get(i));
      if (old >= 0) {
        adopted.maps[i] = row.maps[old];
      }
    }
    return adopted;
  }

  public void write(DataOutput out) throws IOException {
    for (List<String> names : List.of(entities, values, maps, carried)) {
      Varint.write(out, names.size());
      for (String name : names) {
        Texts.write(out, name);
      }
    }
  }

  public static RowNames read(DataInput in) throws IOException {
    return new RowNames(names(in), names(in), names(in), names(in));
  }

  private static List<String> names(DataInput in) throws IOException {
    List<String> names = new ArrayList<>();
    for (long left = Varint.read(in); left > 0; left--) {
      names.add(Texts.read(in));
    }
    return names;
  }
}
