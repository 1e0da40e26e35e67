package io.pelton.drift.job;

import io.pelton.drift.KeySums;
import io.pelton.drift.KeyTally;
import io.pelton.drift.Profile;
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
  private final Profile.SlotCounts[] fields;
  private final @Nullable KeyTally keys;
  private long rows;

  /**
   * @param byKey whether rows are to be counted by key, too
   */
  SegmentCounts(ServedVersion served, String segment, Profiles profiles, boolean byKey) {
    this.served = served;
    this.segment = segment;
    this.profiles = profiles;
    features = profiles.features().stream().map(ValueCounts::new).toArray(ValueCounts[]::new);
    outputs = profiles.outputs().stream().map(ValueCounts::new).toArray(ValueCounts[]::new);
    fields = profiles.fields().stream().map(Profile::counter).toArray(Profile.SlotCounts[]::new);
    keys = byKey ? new KeyTally(profiles.ranks()) : null;
  }

  /**
   * @param key what its rows may depend by; none when they are not counted by key
   */
  void add(ScoredRow row, @Nullable String key) {
    KeyTally sample = keys != null && key != null && keys.begin(key) ? keys : null;
    for (int i = 0; i < features.length; i++) {
      int slot = features[i].add(row.features[i]);
      if (sample != null) {
        sample.add(i, slot);
      }
    }
    for (int i = 0; i < outputs.length; i++) {
      int slot = outputs[i].add(row.outputs[i]);
      if (sample != null) {
        sample.add(features.length + i, slot);
      }
    }
    for (int i = 0; i < fields.length; i++) {
      int slot = fields[i].add(row.carried[profiles.carried().get(i)]);
      if (sample != null) {
        sample.add(features.length + outputs.length + i, slot);
      }
    }
    rows++;
  }

  /** One a feature, one an output, then one a field. */
  List<PartialCounts> partials(long paneStart) {
    List<PartialCounts> partials = new ArrayList<>();
    List<KeySums> sums = keys == null ? List.of() : keys.sums();
    for (int i = 0; i < features.length; i++) {
      partials.add(partial(profiles.features().get(i), features[i], sums, i, paneStart));
    }
    for (int i = 0; i < outputs.length; i++) {
      partials.add(
          partial(profiles.outputs().get(i), outputs[i], sums, features.length + i, paneStart));
    }
    for (int i = 0; i < fields.length; i++) {
      int at = features.length + outputs.length + i;
      partials.add(partial(profiles.fields().get(i), fields[i], sums, at, paneStart));
    }
    return partials;
  }

  private PartialCounts partial(
      Profile profile, Profile.SlotCounts counts, List<KeySums> sums, int index, long paneStart) {
    return new PartialCounts(
        served,
        segment,
        profile.reportName(),
        index == 0 && segment.equals(Segment.ALL),
        paneStart,
        rows,
        counts.toSparse(),
        sums.isEmpty() ? null : sums.get(index),
        counts.newValues());
  }
}
