package io.pelton.drift.performance;

import io.pelton.drift.Segment;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.Drift;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.DriftSegment;
import io.pelton.schemas.SegmentKind;
import java.io.Serializable;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The segments of drift, in which performance is measured too: by the values that the pipeline file
 * lists, or those of the version's baseline.
 *
 * @param declared null when there are none
 * @param field index among carried fields
 */
record Segments(Drift.@Nullable Segments declared, int field) implements Serializable {
  static Segments of(PipelineDefinition pipeline) {
    Drift.Segments declared = Objects.requireNonNull(pipeline.drift()).segments();
    if (declared == null) {
      return new Segments(null, -1);
    }
    int field = pipeline.carry().indexOf(declared.by());
    if (field < 0) {
      throw new IllegalArgumentException(
          "pipeline %s: drift.segments.by is %s, which predictions do not carry; name it under carry, too"
              .formatted(pipeline.name(), declared.by()));
    }
    return new Segments(declared, field);
  }

  /** Where a row is counted beside all rows; {@link Segment#ALL} when nowhere. */
  String of(ScoredRow row, KnownEvaluations evaluations) {
    if (declared == null) {
      return Segment.ALL;
    }
    List<String> named = declared.values();
    if (named.isEmpty()) {
      named =
          evaluations
              .of(row.served.model(), row.served.version())
              .segments()
              .getOrDefault(declared.by(), List.of());
    }
    if (named.isEmpty()) {
      return Segment.ALL;
    }
    Object value = row.carried[field];
    return Segment.of(
        value == null ? null : value.toString(),
        named.subList(0, Math.min(declared.cap(), named.size())));
  }

  /** As reports say it; null for all rows. */
  @Nullable DriftSegment report(String segment) {
    if (declared == null || segment.equals(Segment.ALL)) {
      return null;
    }
    String value = Segment.value(segment);
    return new DriftSegment(
        declared.by(),
        value != null
            ? SegmentKind.VALUE
            : segment.equals(Segment.MISSING) ? SegmentKind.MISSING : SegmentKind.OTHER,
        value);
  }
}
