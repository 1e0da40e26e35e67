package io.pelton.drift.plan;

import io.pelton.drift.FeatureProfile;
import java.util.Map;

/** A column of the reference. */
public sealed interface Column {
  /** As on drift reports. */
  String name();

  /** Reference rows, missing ones included. */
  long rows();

  /** Of numbers. */
  record Numbers(FeatureProfile profile) implements Column {
    @Override
    public String name() {
      return profile.reportName();
    }

    @Override
    public long rows() {
      return profile.rows();
    }
  }

  /** Of categories. */
  record Categories(String name, Map<String, Long> counts, long missing) implements Column {
    public Categories {
      counts = Map.copyOf(counts);
    }

    @Override
    public long rows() {
      return missing + counts.values().stream().mapToLong(Long::longValue).sum();
    }
  }
}
