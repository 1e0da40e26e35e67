package io.pelton.event;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads rows of one CSV file by its header; columns that the schema does not name are skipped. */
public final class CsvEventReader {
  private final EventSchema schema;
  private final int[] targets;
  private final int columns;

  /**
   * @param required fields that the file must have: what the pipeline uses
   * @throws EventFormatException when the header lacks one, or names a column twice
   */
  public CsvEventReader(EventSchema schema, List<String> header, Iterable<String> required) {
    this.schema = schema;
    columns = header.size();
    targets = new int[columns];
    Map<String, Integer> seen = new HashMap<>();
    for (int i = 0; i < columns; i++) {
      String name = header.get(i).strip();
      if (seen.put(name, i) != null) {
        throw new EventFormatException("the header names the column \"" + name + "\" twice");
      }
      targets[i] = schema.indexOf(name);
    }
    for (String name : required) {
      if (!seen.containsKey(name)) {
        throw new EventFormatException(
            "the header lacks the column \"" + name + "\"; it has " + String.join(", ", header));
      }
    }
  }

  /**
   * @return the fields in the schema's order; an empty text is null, a column that is not there the
   *     schema's default
   * @throws EventFormatException when a value is not of its field's type, or values are missing
   */
  public @Nullable Object[] read(List<String> values) {
    if (values.size() != columns) {
      throw new EventFormatException(
          "the row has " + values.size() + " values, the header " + columns + ": " + values);
    }
    @Nullable Object[] fields = schema.absent();
    for (int i = 0; i < columns; i++) {
      int target = targets[i];
      if (target >= 0) {
        Object value = TextFields.parse(schema.fields().get(target), values.get(i));
        if (value != null) {
          schema.requireFits(target, value);
        }
        fields[target] = value;
      }
    }
    return fields;
  }
}
