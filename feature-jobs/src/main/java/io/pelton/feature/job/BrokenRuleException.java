package io.pelton.feature.job;

import io.pelton.feature.FeatureRow;
import io.pelton.job.Incoming;
import java.time.Instant;
import org.apache.flink.runtime.throwable.ThrowableAnnotation;
import org.apache.flink.runtime.throwable.ThrowableType;
import org.apache.flink.util.FlinkRuntimeException;

/**
 * An event or row breaks a rule whose policy is {@code fail}. The job stops at once: a restart
 * would read the same event again.
 */
@ThrowableAnnotation(ThrowableType.NonRecoverableError)
final class BrokenRuleException extends FlinkRuntimeException {
  private static final long serialVersionUID = 1;

  private BrokenRuleException(String message) {
    super(message);
  }

  static BrokenRuleException of(Incoming incoming, Incoming.Rejection rejection) {
    return new BrokenRuleException(
        message(
            "event %s of %s, %s"
                .formatted(
                    rejection.eventId(),
                    incoming.source,
                    incoming.partition < 0
                        ? "record or line " + incoming.offset
                        : "partition " + incoming.partition + ", offset " + incoming.offset),
            rejection.detail()));
  }

  static BrokenRuleException of(FeatureRow row, String detail) {
    return new BrokenRuleException(
        message(
            "event %s of %s, keys %s"
                .formatted(row.id, Instant.ofEpochMilli(row.time), String.join(", ", row.keys)),
            detail));
  }

  private static String message(String event, String detail) {
    return "%s: %s. The job stops because the pipeline file says otherwise: fail there. To go on, mend the event at its source, or change otherwise to dead-letter (for a field or feature also to default) and start again, a streaming job from its state."
        .formatted(event, detail);
  }
}
