package io.pelton.drift.job;

import io.pelton.drift.Segment;
import io.pelton.drift.job.Baselines.Baseline;
import io.pelton.model.ScoredRow;
import io.pelton.model.ServedVersion;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What a subtask counts of one pane of one model version, in all and by segment. */
final class PaneCounts {
  private final ServedVersion served;
  private final long start;
  private final long end;
  private final long due;
  private final Baseline baseline;
  private final Counting counting;
  private final SegmentCounts all;
  private final Map<String, SegmentCounts> segments = new TreeMap<>();

  /**
   * What of a row decides where it is counted.
   *
   * @param segment index among carried fields; null when there are no segments
   * @param key index among the entities; null when rows are independent
   */
  record Counting(@Nullable Integer segment, @Nullable Integer key)
      implements java.io.Serializable {}

  /**
   * @param due the watermark at which it is handed on
   */
  PaneCounts(
      ServedVersion served, long start, long end, long due, Baseline baseline, Counting counting) {
    this.served = served;
    this.start = start;
    this.end = end;
    this.due = due;
    this.baseline = baseline;
    this.counting = counting;
    all = new SegmentCounts(served, Segment.ALL, baseline.profiles(), counting.key() != null);
  }

  long start() {
    return start;
  }

  long due() {
    return due;
  }

  boolean takes(ScoredRow row) {
    return row.time >= start
        && row.time < end
        && row.served.version() == served.version()
        && row.served.variant().equals(served.variant())
        && row.served.model().equals(served.model());
  }

  /**
   * @throws IllegalArgumentException when the row has other features or outputs than its version
   */
  void add(ScoredRow row) {
    if (row.features.length != served.features().size()
        || row.outputs.length != served.outputs().size()) {
      throw new IllegalArgumentException(
          "row %s has %d features and %d outputs; %s@%d has %d and %d"
              .formatted(
                  row.id,
                  row.features.length,
                  row.outputs.length,
                  served.model(),
                  served.version(),
                  served.features().size(),
                  served.outputs().size()));
    }
    String key = counting.key() == null ? null : row.keys[counting.key()];
    all.add(row, key);
    if (counting.segment() != null) {
      SegmentCounts segment = segment(row.carried[counting.segment()]);
      if (segment != null) {
        segment.add(row, key);
      }
    }
  }

  /** Null where there is no reference for it. */
  private @Nullable SegmentCounts segment(@Nullable Object value) {
    String segment = baseline.segment(value);
    SegmentCounts known = segments.get(segment);
    if (known == null && baseline.segments().containsKey(segment)) {
      known =
          new SegmentCounts(
              served, segment, baseline.segments().get(segment), counting.key() != null);
      segments.put(segment, known);
    }
    return known;
  }

  /** Of all rows, then of each segment. */
  List<PartialCounts> partials() {
    List<PartialCounts> partials = new ArrayList<>(all.partials(start));
    segments.values().forEach(segment -> partials.addAll(segment.partials(start)));
    return partials;
  }
}
