package io.pelton.it;

import io.pelton.drift.CategoryMeasures;
import io.pelton.drift.ColumnMeasures;
import io.pelton.drift.FeatureProfile;
import io.pelton.drift.Measures;
import io.pelton.drift.Thresholds;
import io.pelton.drift.ValueCounts;
import io.pelton.schemas.AlertSeverity;
import io.pelton.schemas.AlertState;
import io.pelton.schemas.DriftAlert;
import io.pelton.schemas.DriftBin;
import io.pelton.schemas.DriftBinKind;
import io.pelton.schemas.DriftContribution;
import io.pelton.schemas.DriftPoint;
import io.pelton.schemas.DriftReport;
import io.pelton.schemas.DriftType;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** Reports and alerts as a drift job writes them, of data that is made here. */
final class DriftReports {
  static final Instant START = Instant.parse("2026-03-02T00:00:00Z");
  static final Duration WIDTH = Duration.ofHours(1);
  static final String PIPELINE = "card-fraud";

  private static final int BASELINE_ROWS = 20_000;
  private static final int ROWS = 1_500;

  private final Random random = new Random(17);

  /** How far a feature of a window lies from its baseline, in standard deviations. */
  interface Shift {
    double at(int window);
  }

  /** The model's version that serves in a window. */
  static int version(int window) {
    return window < 80 ? 1 : 2;
  }

  static Instant end(int window) {
    return START.plus(WIDTH.multipliedBy(window + 1L));
  }

  /** A number's windows, a report each. */
  List<DriftReport> numbers(String feature, int windows, Shift shift) {
    List<ColumnMeasures> measures = measures(feature, windows, shift);
    return IntStream.range(0, windows)
        .mapToObj(window -> report(feature, window, measures.get(window)))
        .toList();
  }

  private List<ColumnMeasures> measures(String feature, int windows, Shift shift) {
    boolean isScore = feature.startsWith("output:");
    FeatureProfile profile =
        FeatureProfile.of(
            "x",
            FeatureProfile.Kind.FEATURE,
            IntStream.range(0, BASELINE_ROWS)
                .mapToDouble(row -> row % 60 == 0 ? Double.NaN : number(isScore, 0))
                .toArray(),
            512);
    List<ColumnMeasures> measures = new ArrayList<>();
    for (int window = 0; window < windows; window++) {
      ValueCounts counts = new ValueCounts(profile);
      for (int row = 0; row < ROWS; row++) {
        counts.add(row % 60 == 0 ? Double.NaN : number(isScore, shift.at(window)));
      }
      measures.add(Measures.of(profile, counts));
    }
    return measures;
  }

  /** Amounts with a long tail, or scores. */
  private double number(boolean isScore, double shift) {
    double z = random.nextGaussian() + shift;
    return isScore ? 1 / (1 + Math.exp(2.2 - z)) : Math.exp(3.4 + 0.8 * z);
  }

  /** As many windows as wanted of features that drift by turns, measured only a few times. */
  static void many(int features, int windows, Consumer<DriftReport> taker) {
    DriftReports made = new DriftReports();
    List<ColumnMeasures> measures = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      double shift = i / 20.0;
      measures.addAll(made.measures("x", 1, unused -> shift));
    }
    for (int feature = 0; feature < features; feature++) {
      String name = "customer_amount_feature_with_a_long_name_" + feature;
      for (int window = 0; window < windows; window++) {
        int level = (int) Math.abs((window * 31L + feature * 17L) % measures.size());
        taker.accept(report(name, window, measures.get(level)));
      }
    }
  }

  /** A category's windows. */
  List<DriftReport> categories(String feature, int windows, Shift shift) {
    List<String> values = List.of("shop", "web", "phone & mail", "<b>kiosk</b>", "transfer");
    Map<String, Long> baseline = new TreeMap<>();
    for (int row = 0; row < BASELINE_ROWS; row++) {
      baseline.merge(
          values.get((int) Math.min(4, Math.abs(1.5 * random.nextGaussian()))), 1L, Long::sum);
    }
    return IntStream.range(0, windows)
        .mapToObj(
            window -> {
              Map<String, Long> current = new TreeMap<>();
              for (int row = 0; row < ROWS; row++) {
                double z = 1.5 * random.nextGaussian() + shift.at(window);
                current.merge(values.get((int) Math.min(4, Math.abs(z))), 1L, Long::sum);
              }
              return report(feature, window, CategoryMeasures.of(baseline, 0, current, 0));
            })
        .toList();
  }

  private static DriftReport report(String feature, int window, ColumnMeasures measures) {
    Instant start = START.plus(WIDTH.multipliedBy(window));
    boolean drifted = Thresholds.USUAL.drifted(measures, measures.pValue());
    DriftReport.Builder report =
        DriftReport.newBuilder()
            .setPipeline(PIPELINE)
            .setModel("card-fraud")
            .setVersion(version(window))
            .setFeature(feature)
            .setWindowStart(start)
            .setWindowEnd(start.plus(WIDTH))
            .setRevision(0)
            .setWatermark(start.plus(WIDTH))
            .setBaselineCount(measures.baselineCount())
            .setCurrentCount(measures.currentCount())
            .setMissingBaseline(measures.missingBaseline())
            .setMissingCurrent(measures.missingCurrent())
            .setMissingPValue(measures.missingPValue())
            .setPsi(measures.psi())
            .setPsiAdjusted(measures.psiAdjusted())
            .setPsiPValue(measures.psiPValue())
            .setJensenShannon(measures.jensenShannon())
            .setPValue(measures.pValue())
            .setQValue(measures.pValue())
            .setDrifted(drifted)
            .setNewValues(Map.of());
    if (measures instanceof Measures numbers) {
      report
          .setType(DriftType.NUMERIC)
          .setOutOfRange(numbers.outOfRange())
          .setKs(numbers.ks())
          .setKsAt(numbers.ksAt())
          .setKsPValue(numbers.ksPValue())
          .setKsMethod(numbers.ksMethod().text())
          .setRankErrorBound(numbers.rankErrorBound())
          .setWasserstein(numbers.wasserstein())
          .setBins(
              numbers.bins().stream()
                  .map(
                      bin ->
                          new DriftBin(
                              bin.upper() == null ? DriftBinKind.MISSING : DriftBinKind.RANGE,
                              bin.upper(),
                              null,
                              bin.baseline(),
                              bin.current()))
                  .toList())
          .setDistribution(
              numbers.distribution().stream()
                  .map(point -> new DriftPoint(point.value(), point.baseline(), point.current()))
                  .toList());
    } else {
      CategoryMeasures categories = (CategoryMeasures) measures;
      report
          .setType(DriftType.CATEGORICAL)
          .setOutOfRange(0)
          .setKs(null)
          .setKsPValue(null)
          .setKsMethod("none")
          .setRankErrorBound(0)
          .setWasserstein(null)
          .setChiSquare(categories.chiSquare())
          .setCramersV(categories.cramersV())
          .setBins(
              categories.bins().stream()
                  .map(
                      bin ->
                          new DriftBin(
                              DriftBinKind.valueOf(bin.kind().name()),
                              null,
                              bin.value(),
                              bin.baseline(),
                              bin.current()))
                  .toList())
          .setDistribution(List.of());
    }
    return report.build();
  }

  /** An alert of a feature since a window, as it is after another. */
  static DriftAlert alert(String feature, int since, int window, AlertState state) {
    Instant from = START.plus(WIDTH.multipliedBy(since));
    return DriftAlert.newBuilder()
        .setAlertId(
            String.join(
                "/",
                PIPELINE,
                "card-fraud",
                Integer.toString(version(window)),
                feature,
                from.toString()))
        .setState(state)
        .setPipeline(PIPELINE)
        .setModel("card-fraud")
        .setVersion(version(window))
        .setFeature(feature)
        .setSeverity(state == AlertState.UPDATED ? AlertSeverity.CRITICAL : AlertSeverity.WARNING)
        .setSince(from)
        .setWindowEnd(end(window))
        .setPsiAdjusted(0.31)
        .setKs(0.22)
        .setQValue(1e-40)
        .setNewValues(Map.of())
        .setContributions(
            feature.equals("channel")
                ? List.of(new DriftContribution("phone & mail", 0.13, 0.27, 0.11))
                : List.of(
                    new DriftContribution("above 83.2", 0.1, 0.24, 0.12),
                    new DriftContribution("up to 10.8", 0.1, 0.04, 0.05)))
        .setMessage(feature + " drifted")
        .build();
  }
}
