package io.pelton.pipeline;

import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An amount of memory as people write it: {@code 200MB}. Units are powers of 1,024, as Flink's are.
 */
public record MemorySize(long bytes) {
  private static final Pattern TEXT = Pattern.compile("(\\d{1,18})\\s*(B|KB|MB|GB|TB)");
  private static final List<String> UNITS = List.of("B", "KB", "MB", "GB", "TB");

  /**
   * @throws IllegalArgumentException that says how to write it
   */
  public static MemorySize parse(String text) {
    Matcher matcher = TEXT.matcher(text.strip());
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "\"%s\" is no amount of memory; write a whole number and B, KB, MB, GB or TB: 200MB"
              .formatted(text));
    }
    try {
      long bytes =
          Math.multiplyExact(
              Long.parseLong(matcher.group(1)), 1L << 10 * UNITS.indexOf(matcher.group(2)));
      if (bytes > 0) {
        return new MemorySize(bytes);
      }
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException("\"" + text + "\" is more than any machine has", e);
    }
    throw new IllegalArgumentException("\"" + text + "\" is nothing; it must be 1B or more");
  }

  @Override
  public String toString() {
    int unit = 0;
    while (unit + 1 < UNITS.size() && bytes >= 1L << 10 * (unit + 1)) {
      unit++;
    }
    double amount = (double) bytes / (1L << 10 * unit);
    return String.format(Locale.ROOT, "%.1f", amount).replaceFirst("\\.0$", "") + UNITS.get(unit);
  }
}
