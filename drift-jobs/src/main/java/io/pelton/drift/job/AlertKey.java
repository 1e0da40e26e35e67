package io.pelton.drift.job;

import io.pelton.drift.Segment;
import io.pelton.schemas.DriftReport;
import io.pelton.schemas.DriftSegment;
import io.pelton.schemas.SegmentKind;

/**
 * What alerts are about: a feature or output of a version, as a variant, in a segment, by windows
 * of one width.
 *
 * @param segment {@link Segment}
 * @param width milliseconds
 */
public record AlertKey(
    String model, int version, String variant, String segment, String feature, long width) {
  static AlertKey of(DriftReport report) {
    return new AlertKey(
        report.getModel(),
        report.getVersion(),
        report.getVariant(),
        segment(report.getSegment()),
        report.getFeature(),
        report.getWindowEnd().toEpochMilli() - report.getWindowStart().toEpochMilli());
  }

  private static String segment(DriftSegment segment) {
    if (segment == null) {
      return Segment.ALL;
    }
    return segment.getKind() == SegmentKind.VALUE
        ? Segment.ofValue(segment.getValue())
        : segment.getKind() == SegmentKind.MISSING ? Segment.MISSING : Segment.OTHER;
  }
}
