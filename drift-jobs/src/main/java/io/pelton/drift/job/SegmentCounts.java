package io.pelton.drift.job;

import io.pelton.drift.KeySums;
import io.pelton.drift.KeyTally;
import io.pelton.drift.Segment;
import io.pelton.drift.ValueCounts;
import io.pelton.drift.job.Baselines.Profiles;
import io.pelton.model.ScoredRow;
import io.pelton.model.ServedVersion;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a subtask counts of one segment in one pane of one model version. */
final class SegmentCounts {
  private final ServedVersion served;
  private final String segment;
  private final Profiles profiles;
  private final ValueCounts[] features;
  private final ValueCounts[] outputs;
  private final @Nullable KeyTally keys;
  private long rows;

  /**
   * @param byKey whether rows are to be counted by key, too
   */
  SegmentCounts(ServedVersion served, String segment, Profiles profiles, boolean byKey) {
    this.served = served;
    this.segment = segment;
    this.profiles = profiles;
    features = counts(0, served.features().size());
    outputs = counts(features.length, served.outputs().size());
    keys = byKey ? new KeyTally(profiles.ranks()) : null;
  }

  private ValueCounts[] counts(int from, int many) {
    return profiles.all().subList(from, from + many).stream()
        .map(ValueCounts::new)
        .toArray(ValueCounts[]::new);
  }

  /**
   * @param key what its rows may depend by; none when they are not counted by key
   */
  void add(ScoredRow row, @Nullable String key) {
    if (keys == null || key == null) {
      count(row);
    } else {
      keys.begin(key);
      for (int i = 0; i < features.length; i++) {
        keys.add(i, features[i].add(row.features[i]));
      }
      for (int i = 0; i < outputs.length; i++) {
        keys.add(features.length + i, outputs[i].add(row.outputs[i]));
      }
    }
    rows++;
  }

  private void count(ScoredRow row) {
    for (int i = 0; i < features.length; i++) {
      features[i].add(row.features[i]);
    }
    for (int i = 0; i < outputs.length; i++) {
      outputs[i].add(row.outputs[i]);
    }
  }

  /** One a feature, then one an output. */
  List<PartialCounts> partials(long paneStart) {
    List<KeySums> sums = keys == null ? List.of() : keys.sums();
    List<PartialCounts> partials = new ArrayList<>();
    for (int i = 0; i < profiles.all().size(); i++) {
      ValueCounts counts = i < features.length ? features[i] : outputs[i - features.length];
      partials.add(
          new PartialCounts(
              served,
              segment,
              profiles.all().get(i).reportName(),
              i == 0 && segment.equals(Segment.ALL),
              paneStart,
              rows,
              counts.toSparse(),
              sums.isEmpty() ? null : sums.get(i)));
    }
    return partials;
  }
}
