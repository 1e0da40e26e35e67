package io.pelton.drift;

import java.util.Collection;
import org.jspecify.annotations.Nullable;

/**
 * Which rows of a window are measured together, as a text that travels and sorts: all of them,
 * those with one value in a field, those with none, and those with any other value.
 */
public final class Segment {
  public static final String ALL = "";
  public static final String MISSING = "missing";
  public static final String OTHER = "other";
  private static final String VALUE = "=";

  private Segment() {}

  /** The rows with a value. */
  public static String ofValue(String value) {
    return VALUE + value;
  }

  /**
   * The segment of a row.
   *
   * @param value null when it has none
   * @param named values that have segments of their own
   */
  public static String of(@Nullable String value, Collection<String> named) {
    return value == null ? MISSING : named.contains(value) ? ofValue(value) : OTHER;
  }

  /** The value that its rows have; null where they have none, or any. */
  public static @Nullable String value(String segment) {
    return segment.startsWith(VALUE) ? segment.substring(VALUE.length()) : null;
  }
}
