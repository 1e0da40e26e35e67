package io.pelton.job;

import io.pelton.feature.FeatureRow;
import io.pelton.feature.RejectedEventException;
import java.util.List;
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

  /** Rules for which a default took the place of a value; usually none. */
  public final List<String> replaced;

  /**
   * Why a record became no row; see the fields of the dead letter.
   *
   * @param fatal whether the job has to stop
   */
  public record Rejection(
      String stage,
      String reason,
      String detail,
      @Nullable String rule,
      @Nullable String eventId,
      boolean fatal) {
    public static Rejection of(RejectedEventException e) {
      return new Rejection("validate", e.reason(), e.detail(), e.rule(), e.eventId(), e.fatal());
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
    this(source, partition, offset, timestamp, key, value, row, rejection, List.of());
  }

  public Incoming(
      String source,
      int partition,
      long offset,
      long timestamp,
      byte @Nullable [] key,
      byte @Nullable [] value,
      @Nullable FeatureRow row,
      @Nullable Rejection rejection,
      List<String> replaced) {
    this.source = source;
    this.partition = partition;
    this.offset = offset;
    this.timestamp = timestamp;
    this.key = key;
    this.value = value;
    this.row = row;
    this.rejection = rejection;
    this.replaced = replaced;
  }

  /** The same record with another row. */
  public Incoming with(FeatureRow other) {
    return new Incoming(
        source, partition, offset, timestamp, key, value, other, rejection, replaced);
  }

  /** The same record, refused. */
  public Incoming with(Rejection reason) {
    return new Incoming(source, partition, offset, timestamp, key, value, null, reason, replaced);
  }
}
