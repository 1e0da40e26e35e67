package io.pelton.feature.job;

import io.pelton.job.Incoming;
import io.pelton.pipeline.PipelineDefinition;
import java.time.Duration;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;

/**
 * Watermarks that trail the newest accepted event by the declared out-of-orderness. Rejected
 * records do not count, so a time in the year 9999 moves nothing, nor does history: before the
 * first watermark all of it has come.
 */
final class EventWatermarks implements WatermarkGenerator<Incoming> {
  private final long bound;
  private long newest = Long.MIN_VALUE;

  private EventWatermarks(long bound) {
    this.bound = bound;
  }

  static WatermarkStrategy<Incoming> strategy(PipelineDefinition pipeline) {
    Long outOfOrderness = pipeline.events().outOfOrderness();
    long bound = outOfOrderness == null ? 0 : outOfOrderness;
    return WatermarkStrategy.<Incoming>forGenerator(context -> new EventWatermarks(bound))
        .withTimestampAssigner(
            (incoming, timestamp) -> incoming.row != null ? incoming.row.time : incoming.timestamp)
        .withIdleness(Duration.ofMillis(pipeline.events().idleAfter()));
  }

  @Override
  public void onEvent(Incoming incoming, long timestamp, WatermarkOutput output) {
    if (incoming.row != null && !incoming.row.history && incoming.row.time > newest) {
      newest = incoming.row.time;
    }
  }

  @Override
  public void onPeriodicEmit(WatermarkOutput output) {
    if (newest != Long.MIN_VALUE) {
      output.emitWatermark(new Watermark(newest - bound - 1));
    }
  }
}
