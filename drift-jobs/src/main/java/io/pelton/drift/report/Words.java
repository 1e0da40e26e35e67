package io.pelton.drift.report;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Numbers and times as the page writes them. */
final class Words {
  /** Below it a p-value has lost its digits. */
  private static final double VANISHING = 1e-300;

  private static final int LONGEST_NAME = 80;
  private static final int LONGEST_TEXT = 500;
  private static final DateTimeFormatter MINUTE =
      DateTimeFormatter.ofPattern("d MMM uuuu HH:mm", Locale.ENGLISH).withZone(ZoneOffset.UTC);

  private Words() {}

  /** A measure: four decimals. */
  static String measure(@Nullable Double value) {
    return value == null || !Double.isFinite(value)
        ? "none"
        : String.format(Locale.ROOT, "%.4f", value);
  }

  static String probability(double value) {
    if (Double.isNaN(value)) {
      return "none";
    }
    return value < VANISHING ? "<1e-300" : String.format(Locale.ROOT, "%.3g", value);
  }

  /** Four digits of a value, without noughts at the end. */
  static String value(double value) {
    if (!Double.isFinite(value)) {
      return Double.isNaN(value) ? "none" : value > 0 ? "\u221e" : "-\u221e";
    }
    BigDecimal rounded = new BigDecimal(value).round(new MathContext(4, RoundingMode.HALF_EVEN));
    double size = Math.abs(value);
    if (size != 0 && (size < 1e-3 || size >= 1e6)) {
      return String.format(Locale.ROOT, "%.2e", rounded).replaceAll("\\.?0*e\\+?(-?)0?", "e$1");
    }
    return rounded.signum() == 0 ? "0" : rounded.stripTrailingZeros().toPlainString();
  }

  static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f", 100 * share);
  }

  static String count(long count) {
    return String.format(Locale.ROOT, "%,d", count);
  }

  /** An effect as a multiple of its threshold. */
  static String multiple(double excess) {
    return String.format(Locale.ROOT, "%.2f", Math.max(0, excess));
  }

  static String time(long millis) {
    return MINUTE.format(Instant.ofEpochMilli(millis));
  }

  /** As pipeline files write it: 90m, 1h, 7d. */
  static String duration(long millis) {
    Duration duration = Duration.ofMillis(millis);
    if (millis % Duration.ofDays(1).toMillis() == 0) {
      return duration.toDays() + "d";
    }
    if (millis % Duration.ofHours(1).toMillis() == 0) {
      return duration.toHours() + "h";
    }
    return millis % Duration.ofMinutes(1).toMillis() == 0
        ? duration.toMinutes() + "m"
        : duration.toSeconds() + "s";
  }

  /** A sentence that names what is in the data. */
  static String shortened(String text) {
    return text.length() <= LONGEST_TEXT ? text : text.substring(0, LONGEST_TEXT - 1) + "\u2026";
  }

  /** A name or a value of the data, which may be of any length. */
  static String name(String name) {
    return name.length() <= LONGEST_NAME ? name : name.substring(0, LONGEST_NAME - 1) + "\u2026";
  }
}
