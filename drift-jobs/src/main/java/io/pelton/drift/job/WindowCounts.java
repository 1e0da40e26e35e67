package io.pelton.drift.job;

import io.pelton.drift.FeatureProfile;
import io.pelton.drift.ValueCounts;
import io.pelton.model.ScoredRow;
import io.pelton.model.ServedVersion;
import java.util.ArrayList;
import java.util.List;

/** What a subtask counts of one window of one model version. */
final class WindowCounts {
  private final ServedVersion served;
  private final long start;
  private final long end;
  private final List<FeatureProfile> profiles;
  private final ValueCounts[] features;
  private final ValueCounts[] outputs;
  private long rows;

  /**
   * @param profiles of the version's features, then of its outputs
   */
  WindowCounts(ServedVersion served, long start, long end, List<FeatureProfile> profiles) {
    this.served = served;
    this.start = start;
    this.end = end;
    this.profiles = profiles;
    features = new ValueCounts[served.features().size()];
    outputs = new ValueCounts[served.outputs().size()];
    for (int i = 0; i < profiles.size(); i++) {
      ValueCounts counts = new ValueCounts(profiles.get(i));
      if (i < features.length) {
        features[i] = counts;
      } else {
        outputs[i - features.length] = counts;
      }
    }
  }

  long start() {
    return start;
  }

  boolean takes(ScoredRow row) {
    return row.time >= start
        && row.time < end
        && row.served.version() == served.version()
        && row.served.model().equals(served.model());
  }

  /**
   * @throws IllegalArgumentException when the row has other features or outputs than its version
   */
  void add(ScoredRow row) {
    if (row.features.length != features.length || row.outputs.length != outputs.length) {
      throw new IllegalArgumentException(
          "row %s has %d features and %d outputs; %s@%d has %d and %d"
              .formatted(
                  row.id,
                  row.features.length,
                  row.outputs.length,
                  served.model(),
                  served.version(),
                  features.length,
                  outputs.length));
    }
    for (int i = 0; i < features.length; i++) {
      features[i].add(row.features[i]);
    }
    for (int i = 0; i < outputs.length; i++) {
      outputs[i].add(row.outputs[i]);
    }
    rows++;
  }

  /** One a feature, then one an output. */
  List<PartialCounts> partials() {
    List<PartialCounts> partials = new ArrayList<>();
    for (int i = 0; i < profiles.size(); i++) {
      ValueCounts counts = i < features.length ? features[i] : outputs[i - features.length];
      partials.add(
          new PartialCounts(
              served, profiles.get(i).reportName(), i == 0, start, rows, counts.toSparse()));
    }
    return partials;
  }
}
