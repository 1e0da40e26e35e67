package io.pelton.drift.report;

import io.pelton.drift.CategoryMeasures;
import io.pelton.drift.ColumnMeasures;
import io.pelton.drift.Measures;
import io.pelton.drift.Thresholds;
import io.pelton.schemas.AlertState;
import io.pelton.schemas.DriftAlert;
import io.pelton.schemas.DriftBin;
import io.pelton.schemas.DriftBinKind;
import io.pelton.schemas.DriftReport;
import io.pelton.schemas.DriftSegment;
import io.pelton.schemas.DriftType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Takes reports and alerts in any order, and keeps what a page shows of them: of each window its
 * highest revision, and in full only the newest of each feature.
 */
public final class DriftHistory {
  private final String pipeline;
  private final Thresholds thresholds;
  private final Range range;
  private final Map<Key, Track> tracks = new LinkedHashMap<>();
  private final Map<String, DriftAlert> alerts = new TreeMap<>();
  private long reports;

  /**
   * What is taken of all.
   *
   * @param from start of the first window, epoch milliseconds
   * @param to no window starts then or later
   * @param model null for all
   * @param version null for all
   */
  public record Range(long from, long to, @Nullable String model, @Nullable Integer version) {
    /** Everything. */
    public static final Range ALL = new Range(Long.MIN_VALUE, Long.MAX_VALUE, null, null);

    private boolean hasVersion(String itsModel, int itsVersion) {
      return (model == null || model.equals(itsModel))
          && (version == null || version == itsVersion);
    }
  }

  private record Key(
      String model,
      String variant,
      @Nullable String segment,
      String feature,
      String reference,
      long width) {}

  private static final class Track {
    private final TreeMap<Long, Window> windows = new TreeMap<>();
    private @Nullable DriftReport newest;
  }

  public DriftHistory(String pipeline, Thresholds thresholds, Range range) {
    this.pipeline = pipeline;
    this.thresholds = thresholds;
    this.range = range;
  }

  /** Takes a report. */
  public void add(DriftReport report) {
    long start = report.getWindowStart().toEpochMilli();
    long end = report.getWindowEnd().toEpochMilli();
    if (start < range.from
        || start >= range.to
        || !range.hasVersion(report.getModel(), report.getVersion())) {
      return;
    }
    reports++;
    Track track =
        tracks.computeIfAbsent(
            new Key(
                report.getModel(),
                report.getVariant(),
                report.getSegment() == null ? null : words(report.getSegment()),
                report.getFeature(),
                report.getReference(),
                end - start),
            unused -> new Track());
    Window before = track.windows.get(end);
    if (before != null && isNewer(before, report)) {
      return;
    }
    track.windows.put(end, window(report, end));
    if (track.newest == null || end >= track.newest.getWindowEnd().toEpochMilli()) {
      track.newest = report;
    }
  }

  /** Of two versions that served in a window, the later one counts. */
  private static boolean isNewer(Window window, DriftReport than) {
    return window.version() > than.getVersion()
        || (window.version() == than.getVersion() && window.revision() > than.getRevision());
  }

  private Window window(DriftReport report, long end) {
    List<Measures.Point> points = points(report);
    Band reference = Band.of(points, Measures.Point::baseline);
    return new Window(
        end,
        report.getVersion(),
        report.getRevision(),
        thresholds.excess(report.getPsiAdjusted(), report.getKs(), report.getCramersV()),
        report.getDrifted(),
        Band.of(points, Measures.Point::current),
        reference == null ? Double.NaN : reference.middle());
  }

  /** Takes an alert; a later one with its id replaces it. */
  public void add(DriftAlert alert) {
    boolean isOver =
        alert.getState() == AlertState.RESOLVED
            && alert.getWindowEnd().toEpochMilli() <= range.from;
    if (range.hasVersion(alert.getModel(), alert.getVersion())
        && alert.getSince().toEpochMilli() < range.to) {
      alerts.merge(
          alert.getAlertId(),
          alert,
          (known, next) -> next.getWindowEnd().isBefore(known.getWindowEnd()) ? known : next);
      if (isOver) {
        alerts.remove(alert.getAlertId());
      }
    }
  }

  /** How many reports were in the range. */
  public long reports() {
    return reports;
  }

  /**
   * What was taken.
   *
   * @param notes what a reader should know beside
   */
  public DriftPage page(List<PerformancePoint> performance, List<String> notes) {
    List<Feature> features = new ArrayList<>();
    TreeSet<String> served = new TreeSet<>();
    long first = Long.MAX_VALUE;
    long last = Long.MIN_VALUE;
    for (Track track : tracks.values()) {
      DriftReport report = Objects.requireNonNull(track.newest);
      track
          .windows
          .values()
          .forEach(window -> served.add(report.getModel() + "@" + window.version()));
      long width = report.getWindowEnd().toEpochMilli() - report.getWindowStart().toEpochMilli();
      first = Math.min(first, track.windows.firstKey() - width);
      last = Math.max(last, track.windows.lastKey());
      features.add(feature(report, List.copyOf(track.windows.values())));
    }
    return new DriftPage(
        "Drift of " + pipeline,
        features.isEmpty()
            ? "No windows."
            : "%s from %s to %s UTC."
                .formatted(String.join(", ", served), Words.time(first), Words.time(last)),
        thresholds,
        features,
        List.copyOf(alerts.values()),
        performance,
        notes);
  }

  private static Feature feature(DriftReport report, List<Window> windows) {
    Double qValue = report.getQValue();
    return new Feature(
        report.getFeature(),
        report.getType(),
        measures(report),
        qValue == null ? Double.NaN : qValue,
        report.getDrifted(),
        report.getNewValues(),
        new Origin(
            report.getModel(),
            report.getVersion(),
            report.getVariant(),
            report.getSegment() == null ? null : words(report.getSegment()),
            report.getReference(),
            report.getWindowStart().toEpochMilli(),
            report.getWindowEnd().toEpochMilli(),
            report.getRevision(),
            report.getWatermark().toEpochMilli()),
        windows);
  }

  /** A segment as people write it. */
  static String words(DriftSegment segment) {
    return switch (segment.getKind()) {
      case VALUE -> segment.getField() + "=" + segment.getValue();
      case MISSING -> segment.getField() + " missing";
      case OTHER -> segment.getField() + " other";
    };
  }

  private static ColumnMeasures measures(DriftReport report) {
    return report.getType() == DriftType.CATEGORICAL ? categories(report) : numbers(report);
  }

  private static ColumnMeasures categories(DriftReport report) {
    Double chiSquare = report.getChiSquare();
    Double cramersV = report.getCramersV();
    return new CategoryMeasures(
        report.getBaselineCount(),
        report.getCurrentCount(),
        report.getDesignEffect(),
        report.getMissingBaseline(),
        report.getMissingCurrent(),
        report.getMissingPValue(),
        report.getUnseen(),
        chiSquare == null ? Double.NaN : chiSquare,
        report.getPValue(),
        cramersV == null ? 0 : cramersV,
        report.getPsi(),
        report.getPsiAdjusted(),
        report.getPsiPValue(),
        report.getJensenShannon(),
        report.getBins().stream().map(DriftHistory::category).toList());
  }

  private static CategoryMeasures.Bin category(DriftBin bin) {
    return switch (bin.getKind()) {
      case MISSING ->
          new CategoryMeasures.Bin(
              CategoryMeasures.Kind.MISSING, null, bin.getBaseline(), bin.getCurrent());
      case OTHER ->
          new CategoryMeasures.Bin(
              CategoryMeasures.Kind.OTHER, null, bin.getBaseline(), bin.getCurrent());
      case UNSEEN ->
          new CategoryMeasures.Bin(
              CategoryMeasures.Kind.UNSEEN, null, bin.getBaseline(), bin.getCurrent());
      case VALUE, RANGE ->
          new CategoryMeasures.Bin(
              CategoryMeasures.Kind.VALUE, bin.getValue(), bin.getBaseline(), bin.getCurrent());
    };
  }

  private static ColumnMeasures numbers(DriftReport report) {
    return new Measures(
        report.getBaselineCount(),
        report.getCurrentCount(),
        report.getDesignEffect(),
        report.getMissingBaseline(),
        report.getMissingCurrent(),
        report.getMissingPValue(),
        report.getOutOfRange(),
        report.getKs(),
        report.getKsAt(),
        report.getKsPValue(),
        Arrays.stream(Measures.KsMethod.values())
            .filter(method -> method.text().equals(report.getKsMethod()))
            .findFirst()
            .orElse(Measures.KsMethod.NONE),
        report.getRankErrorBound(),
        report.getPsi(),
        report.getPsiAdjusted(),
        report.getPsiPValue(),
        report.getJensenShannon(),
        report.getWasserstein(),
        report.getBins().stream()
            .map(
                bin ->
                    new Measures.Bin(
                        bin.getKind() == DriftBinKind.MISSING ? null : bin.getUpper(),
                        bin.getBaseline(),
                        bin.getCurrent()))
            .toList(),
        points(report));
  }

  private static List<Measures.Point> points(DriftReport report) {
    return report.getDistribution().stream()
        .map(point -> new Measures.Point(point.getValue(), point.getBaseline(), point.getCurrent()))
        .collect(Collectors.toUnmodifiableList());
  }
}
