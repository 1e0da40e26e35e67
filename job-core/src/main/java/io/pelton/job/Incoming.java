package io.pelton.job;

import io.pelton.feature.FeatureRow;
import io.pelton.feature.RejectedEventException;
import org.jspecify.annotations.Nullable;

/**
 * A record as a source read it: where it came from, its bytes, and either the row that was made of
 * it or why none could be.
 */
public final class Incoming {
  /** Topic or file. */
  public final String source;

  /** Partition of the topic; -1 for a file. */
  public final int partition;

  /** Offset in the partition, or line or record number of the file, from 1. */
  public final long offset;

  /** Timestamp of the Kafka record, epoch milliseconds; 0 for a file. */
  public final long timestamp;

  public final byte @Nullable [] key;
  public final byte @Nullable [] value;

  /** Null when the record was rejected. */
  public final @Nullable FeatureRow row;

  /** Null when the record was accepted. */
  public final @Nullable Rejection rejection;

  /** Why a record became no row; see the fields of the dead letter. */
  public record Rejection(
      String stage, String reason, String detail, @Nullable String rule, @Nullable String eventId) {
    public static Rejection of(RejectedEventException e) {
      return new Rejection("validate", e.reason(), e.detail(), e.rule(), e.eventId());
    }
  }

  public Incoming(
      String source,
      int partition,
      long offset,
      long timestamp,
      byte @Nullable [] key,
      byte @Nullable [] value,
      @Nullable FeatureRow row,
      @Nullable Rejection rejection) {
    this.source = source;
    this.partition = partition;
    this.offset = offset;
    this.timestamp = timestamp;
    this.key = key;
    this.value = value;
    this.row = row;
    this.rejection = rejection;
  }
}
