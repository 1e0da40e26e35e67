package io.pelton.drift.report;

import io.pelton.drift.ColumnMeasures;
import io.pelton.schemas.DriftType;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A feature, an output ({@code output:NAME}) or a carried field, or a column of files.
 *
 * @param measures of the newest window
 * @param qValue the p-value, adjusted over all that was looked at together
 * @param newValues of categories: rows by value of some that the reference does not have
 * @param origin null of files
 * @param windows in order of time, none of files
 */
public record Feature(
    String name,
    DriftType type,
    ColumnMeasures measures,
    double qValue,
    boolean drifted,
    Map<String, Long> newValues,
    @Nullable Origin origin,
    List<Window> windows) {
  private static final String OUTPUT = "output:";

  public Feature {
    newValues = Map.copyOf(newValues);
    windows = List.copyOf(windows);
  }

  boolean isOutput() {
    return name.startsWith(OUTPUT);
  }
}
