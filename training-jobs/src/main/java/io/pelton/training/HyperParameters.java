package io.pelton.training;

import java.util.Map;
import java.util.TreeMap;

/** Hyper-parameters given as text; each must be asked for, so that none is silently ignored. */
final class HyperParameters {
  private final String trainer;
  private final Map<String, String> unread;
  private final Map<String, String> known = new TreeMap<>();

  HyperParameters(String trainer, Map<String, String> given) {
    this.trainer = trainer;
    this.unread = new TreeMap<>(given);
  }

  int integer(String name, int fallback) {
    String text = take(name, Integer.toString(fallback));
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "%s: %s: \"%s\" is not a whole number".formatted(trainer, name, text));
    }
  }

  double number(String name, double fallback) {
    String text = take(name, Double.toString(fallback));
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "%s: %s: \"%s\" is not a number".formatted(trainer, name, text));
    }
  }

  private String take(String name, String fallback) {
    String given = unread.remove(name);
    known.put(name, fallback);
    return given == null ? fallback : given;
  }

  /** Refuses what nobody asked for. */
  void requireAllRead() {
    if (!unread.isEmpty()) {
      throw new IllegalArgumentException(
          "%s: unknown hyper-parameter \"%s\"; there are %s"
              .formatted(trainer, unread.keySet().iterator().next(), known.keySet()));
    }
  }

  static void require(boolean holds, String trainer, String name, Object value, String rule) {
    if (!holds) {
      throw new IllegalArgumentException(
          "%s: %s = %s: must be %s".formatted(trainer, name, value, rule));
    }
  }
}
