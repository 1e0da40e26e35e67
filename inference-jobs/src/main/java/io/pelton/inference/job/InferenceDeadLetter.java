package io.pelton.inference.job;

import io.pelton.feature.FeatureRow;
import io.pelton.job.RowJson;
import io.pelton.model.FallbackReason;
import io.pelton.model.ServedVersion;
import io.pelton.schemas.DeadLetter;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Dead letters of rows that a model could not score: the row as JSON, with its features by name.
 */
final class InferenceDeadLetter {
  private static final String STAGE = "inference";
  private static final String REASON = "inference";
  private static final String SOURCE = "features";

  private InferenceDeadLetter() {}

  /**
   * @param names of the values, in order
   * @param reason why the whole batch could not be scored; null when it is the row's own fault
   */
  static DeadLetter of(
      FeatureRow row,
      ServedVersion served,
      List<String> names,
      double[] values,
      @Nullable FallbackReason reason,
      String detail) {
    return DeadLetter.newBuilder()
        .setStage(STAGE)
        .setReason(reason == null ? REASON : reason.label())
        .setDetail(detail)
        .setEventId(row.id)
        .setSource(SOURCE)
        .setPartition(-1)
        .setOffset(-1)
        .setTimestamp(Instant.ofEpochMilli(row.time))
        .setValue(ByteBuffer.wrap(RowJson.of(row, names, values)))
        .setModel(served.model() + "@" + served.version())
        .build();
  }
}
