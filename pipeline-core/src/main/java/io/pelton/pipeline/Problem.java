package io.pelton.pipeline;

/**
 * Something wrong in a pipeline file.
 *
 * @param line counted from 1; 0 when the whole file is meant
 * @param key path of the key, e.g. {@code features.risk.aggregate}
 * @param message the value, the rule and the way out
 */
public record Problem(String file, int line, String key, String message) {
  @Override
  public String toString() {
    return file
        + ":"
        + (line > 0 ? line + ":" : "")
        + " "
        + (key.isEmpty() ? "" : key + ": ")
        + message;
  }
}
