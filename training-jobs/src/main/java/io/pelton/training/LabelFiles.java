package io.pelton.training;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * CSV files with a header, plain or {@code .gz}, that say how each event ended.
 *
 * @param id column of the event id
 * @param time column of the event time: ISO 8601 or epoch milliseconds
 * @param label column of the outcome: 0 or 1
 * @param entity column of the entity that card precision groups by, null for none
 */
public record LabelFiles(
    List<Path> paths, String id, String time, String label, @Nullable String entity) {
  public LabelFiles {
    paths = List.copyOf(paths);
    if (paths.isEmpty()) {
      throw new IllegalArgumentException("label files: paths must not be empty");
    }
  }
}
