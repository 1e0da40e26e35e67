package io.pelton.drift.report;

import org.jspecify.annotations.Nullable;

/**
 * Where the measures of a stream's feature come from. Times are epoch milliseconds.
 *
 * @param segment the rows that have a value in a carried field, in words; null: all rows
 * @param reference what the window is compared with, as reports name it
 * @param start of the newest window
 * @param end of the newest window
 */
public record Origin(
    String model,
    int version,
    String variant,
    @Nullable String segment,
    String reference,
    long start,
    long end,
    int revision,
    long watermark) {
  long width() {
    return end - start;
  }

  /** As in {@code card-fraud@2}. */
  String served() {
    return model + "@" + version;
  }
}
