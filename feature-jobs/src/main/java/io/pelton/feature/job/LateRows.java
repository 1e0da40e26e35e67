package io.pelton.feature.job;

import io.pelton.feature.FeatureRow;
import io.pelton.job.Incoming;
import io.pelton.job.Ledger;
import io.pelton.pipeline.Late;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.LateEvent;
import java.io.Serializable;
import java.time.Instant;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.jspecify.annotations.Nullable;

/**
 * Rows that were in time where they were read but are late behind an exchange: while a subtask of
 * the source has nothing to read, watermarks go on without it, and what it reads next may lie
 * behind them.
 *
 * @param allowed how far behind the watermark a row may be, milliseconds
 * @param include whether they still enter histories
 */
record LateRows(long allowed, boolean include) implements Serializable {
  private static final long serialVersionUID = 1;

  /**
   * @param onArrival whether rows are taken as they come
   */
  static LateRows of(PipelineDefinition pipeline, boolean onArrival) {
    return new LateRows(
        onArrival ? pipeline.allowedLateness() : 0, pipeline.events().late() == Late.INCLUDE);
  }

  /**
   * Counts and gives out a row if it is late.
   *
   * @param event what it was read from; null when that stayed behind
   * @param counter in the ledger
   * @return whether it ends here; one that is to enter histories goes on, marked
   */
  boolean end(
      FeatureRow row,
      @Nullable Incoming event,
      long watermark,
      Ledger ledger,
      int counter,
      Output<?> output) {
    if (row.history
        || row.outcome
        || watermark == Long.MIN_VALUE
        || row.time > watermark - allowed) {
      return false;
    }
    ledger.increment(counter);
    output.collect(
        AdmitEvents.LATE,
        new StreamRecord<>(
            event == null
                ? late("events", row, watermark)
                : AdmitEvents.late(event, row, watermark),
            row.time));
    row.history = true;
    row.late = true;
    return !include;
  }

  /** What is known of a late row whose bytes and place stayed with its source. */
  static LateEvent late(String source, FeatureRow row, long watermark) {
    return LateEvent.newBuilder()
        .setEventId(row.id)
        .setEventTime(Instant.ofEpochMilli(row.time))
        .setWatermark(Instant.ofEpochMilli(watermark))
        .setSource(source)
        .setPartition(-1)
        .setOffset(-1)
        .build();
  }
}
