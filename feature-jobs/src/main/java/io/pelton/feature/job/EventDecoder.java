package io.pelton.feature.job;

import io.pelton.event.EventFormatException;
import io.pelton.feature.FeaturePlan;
import io.pelton.feature.FeatureRow;
import io.pelton.feature.RejectedEventException;
import io.pelton.job.Incoming;
import io.pelton.job.RecordReader;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.wire.SchemaStore;
import io.pelton.wire.UndecodableException;
import org.jspecify.annotations.Nullable;

/**
 * Turns encoded events into rows; what cannot be turned keeps its bytes and gets a reason. Made
 * where it runs; not thread-safe.
 */
final class EventDecoder {
  private final FeaturePlan plan;
  private final RecordReader reader;

  /**
   * @param writers where schemas of Avro events are found, beside the pipeline's own
   */
  EventDecoder(PipelineDefinition pipeline, SchemaStore writers) {
    plan = new FeaturePlan(pipeline, TableFiles.load(pipeline));
    reader = new RecordReader(plan.schema(), pipeline.events().format(), writers);
  }

  /**
   * @param latest event times after this one are refused, epoch milliseconds
   */
  Incoming decode(
      String source,
      int partition,
      long offset,
      long timestamp,
      byte @Nullable [] key,
      byte @Nullable [] value,
      long latest) {
    FeatureRow row = null;
    Incoming.Rejection rejection = null;
    try {
      row = plan.admit(reader.read(value), latest);
    } catch (RejectedEventException e) {
      rejection = Incoming.Rejection.of(e);
    } catch (EventFormatException e) {
      rejection = undecodable(String.valueOf(e.getMessage()));
    } catch (UndecodableException e) {
      rejection =
          new Incoming.Rejection(
              "decode", e.reason(), String.valueOf(e.getMessage()), null, null, false);
    }
    return new Incoming(
        source, partition, offset, timestamp, key, value, row, rejection, plan.takeReplaced());
  }

  static Incoming.Rejection undecodable(String detail) {
    return new Incoming.Rejection(
        "decode", UndecodableException.UNDECODABLE, detail, null, null, false);
  }
}
