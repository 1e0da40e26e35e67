package io.pelton.model;

import org.jspecify.annotations.Nullable;

/** A prediction inside the jobs: the row that was scored, by what, and the result. */
public final class ScoredRow {
  /** Event id, as text. */
  public final String id;

  /** Event time, epoch milliseconds. */
  public final long time;

  /** Key of each entity, in the pipeline's order. */
  public final String[] keys;

  /** Carried event fields in the pipeline's order: null, Boolean, Long, Double or String. */
  public final @Nullable Object[] carried;

  public final ServedVersion served;

  /** The features that were scored, in {@code served.features()} order; NaN is missing. */
  public final double[] features;

  /** 64-bit hash of the bits of {@link #features}. */
  public final long featureDigest;

  /** Outputs in {@code served.outputs()} order. */
  public final double[] outputs;

  /** Why the version that the row was meant for did not score it; null when it did. */
  public final @Nullable FallbackReason fallback;

  /** One that was scored by the version that it was meant for. */
  public ScoredRow(
      String id,
      long time,
      String[] keys,
      @Nullable Object[] carried,
      ServedVersion served,
      double[] features,
      long featureDigest,
      double[] outputs) {
    this(id, time, keys, carried, served, features, featureDigest, outputs, null);
  }

  public ScoredRow(
      String id,
      long time,
      String[] keys,
      @Nullable Object[] carried,
      ServedVersion served,
      double[] features,
      long featureDigest,
      double[] outputs,
      @Nullable FallbackReason fallback) {
    this.id = id;
    this.time = time;
    this.keys = keys;
    this.carried = carried;
    this.served = served;
    this.features = features;
    this.featureDigest = featureDigest;
    this.outputs = outputs;
    this.fallback = fallback;
  }
}
