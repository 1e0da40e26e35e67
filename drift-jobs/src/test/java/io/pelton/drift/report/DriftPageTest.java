package io.pelton.drift.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.drift.Thresholds;
import io.pelton.schemas.AlertSeverity;
import io.pelton.schemas.AlertState;
import io.pelton.schemas.DriftAlert;
import io.pelton.schemas.DriftBin;
import io.pelton.schemas.DriftBinKind;
import io.pelton.schemas.DriftPoint;
import io.pelton.schemas.DriftReport;
import io.pelton.schemas.DriftSegment;
import io.pelton.schemas.DriftType;
import io.pelton.schemas.SegmentKind;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class DriftPageTest {
  private static final Instant START = Instant.parse("2026-03-02T00:00:00Z");
  private static final Duration HOUR = Duration.ofHours(1);
  private static final String NASTY = "<script>alert('x')</script> & \"caf\u00e9\"\u0007\ud800";

  private final DriftHistory history = history(DriftHistory.Range.ALL);

  private static DriftHistory history(DriftHistory.Range range) {
    return new DriftHistory("pay", Thresholds.USUAL, range);
  }

  private static DriftReport report(String feature, int window, double ks, boolean drifted) {
    return DriftReport.newBuilder()
        .setPipeline("pay")
        .setModel("fraud")
        .setVersion(1)
        .setFeature(feature)
        .setType(DriftType.NUMERIC)
        .setWindowStart(START.plus(HOUR.multipliedBy(window)))
        .setWindowEnd(START.plus(HOUR.multipliedBy(window + 1)))
        .setRevision(0)
        .setWatermark(START.plus(HOUR.multipliedBy(window + 1)))
        .setBaselineCount(1000)
        .setCurrentCount(500)
        .setMissingBaseline(0)
        .setMissingCurrent(0)
        .setOutOfRange(0)
        .setKs(ks)
        .setKsAt(2.0)
        .setKsPValue(1e-9)
        .setKsMethod("finite-sample")
        .setRankErrorBound(0)
        .setWasserstein(0.2)
        .setPsi(0.05)
        .setPsiAdjusted(0.04)
        .setPsiPValue(0.01)
        .setJensenShannon(0.1)
        .setPValue(1e-9)
        .setQValue(1e-8)
        .setDrifted(drifted)
        .setNewValues(Map.of())
        .setBins(
            List.of(
                new DriftBin(DriftBinKind.RANGE, 2.0, null, 500L, 150L),
                new DriftBin(DriftBinKind.RANGE, Double.POSITIVE_INFINITY, null, 500L, 350L)))
        .setDistribution(
            List.of(
                new DriftPoint(0.0, 100L, 50L),
                new DriftPoint(2.0, 500L, 150L),
                new DriftPoint(4.0, 1000L, 500L)))
        .build();
  }

  private static DriftReport categories(String feature, String value) {
    DriftReport report = report(feature, 0, 0, false);
    report.setType(DriftType.CATEGORICAL);
    report.setKs(null);
    report.setKsAt(null);
    report.setKsPValue(null);
    report.setKsMethod("none");
    report.setChiSquare(3.0);
    report.setCramersV(0.05);
    report.setNewValues(Map.of(value, 3L));
    report.setDistribution(List.of());
    report.setBins(
        List.of(
            new DriftBin(DriftBinKind.VALUE, null, value, 600L, 300L),
            new DriftBin(DriftBinKind.OTHER, null, null, 400L, 197L),
            new DriftBin(DriftBinKind.UNSEEN, null, null, 0L, 3L)));
    return report;
  }

  private String html() {
    return history.page(List.of(), List.of()).html();
  }

  @Test
  void takesNoNameOrValueForMarkup() {
    DriftReport segmented = report(NASTY, 0, 0.3, true);
    segmented.setSegment(new DriftSegment(NASTY, SegmentKind.VALUE, NASTY));
    segmented.setReference(NASTY);
    history.add(segmented);
    history.add(categories("plain", NASTY));
    history.add(
        DriftAlert.newBuilder()
            .setAlertId("1")
            .setState(AlertState.OPENED)
            .setPipeline("pay")
            .setModel(NASTY)
            .setVersion(1)
            .setFeature(NASTY)
            .setSeverity(AlertSeverity.WARNING)
            .setSince(START)
            .setWindowEnd(START)
            .setPsiAdjusted(1)
            .setKs(null)
            .setQValue(null)
            .setNewValues(Map.of())
            .setContributions(List.of())
            .setMessage(NASTY)
            .build());
    PerformancePoint point =
        new PerformancePoint(NASTY, NASTY, 1, NASTY, NASTY, 0, 0.9, null, null, null);

    String html = history.page(List.of(point), List.of(NASTY)).html();

    assertThat(html).doesNotContain("<script>alert").doesNotContain("alert('");
    assertThat(html.split("<script>", -1)).as("the page's own").hasSize(2);
    assertThat(html)
        .contains(
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;caf&#233;&quot;&#65533;&#65533;");
    assertThat(html.chars()).allMatch(c -> c == '\n' || (c >= ' ' && c < 0x7f));
  }

  @Test
  void standsByItself() {
    history.add(report("amount", 0, 0.3, true));

    assertThat(html())
        .contains("default-src 'none'")
        .doesNotContainPattern("(?i)(src|href)=['\"]?(?!#|data:,)[a-z/.]")
        .doesNotContain("http:", "https:", "url(", "@import");
  }

  @Test
  void putsWhatDriftedFirstAndThenTheLargestEffect() {
    history.add(report("small", 0, 0.02, false));
    history.add(report("large-but-too-few", 0, 0.5, false));
    history.add(report("drifted", 0, 0.11, true));
    history.add(report("drifted-most", 0, 0.25, true));

    assertThat(html())
        .contains("2 of 4 features drifted")
        .containsPattern(
            "(?s)id=overview.*drifted-most</a>.*>drifted</a>.*large-but-too-few</a>.*small</a>.*id=heat");
  }

  @Test
  void keepsTheHighestRevisionWhateverTheOrder() {
    List<DriftReport> reports = new ArrayList<>();
    for (int window = 0; window < 20; window++) {
      for (int revision = 0; revision < 3; revision++) {
        DriftReport report = report("amount", window, 0.02 * revision, revision == 1);
        report.setRevision(revision);
        report.setCurrentCount(500 + revision);
        reports.add(report);
      }
    }
    reports.forEach(history::add);
    DriftHistory shuffled = history(DriftHistory.Range.ALL);
    Collections.shuffle(reports, new Random(3));
    reports.forEach(shuffled::add);

    Feature feature = history.page(List.of(), List.of()).features().get(0);
    assertThat(feature.windows()).hasSize(20).allMatch(window -> window.revision() == 2);
    assertThat(feature.measures().currentCount()).isEqualTo(502);
    assertThat(html()).isEqualTo(shuffled.page(List.of(), List.of()).html());
  }

  @Test
  void showsVersionsOfAModelAsOneHistoryAndMarksThem() {
    for (int window = 0; window < 10; window++) {
      DriftReport report = report("output:score", window, 0.05, false);
      report.setVersion(window < 6 ? 1 : 2);
      history.add(report);
    }

    DriftPage page = history.page(List.of(), List.of());

    assertThat(page.features()).hasSize(1);
    assertThat(page.features().get(0).windows())
        .extracting(Window::version)
        .containsExactly(1, 1, 1, 1, 1, 1, 2, 2, 2, 2);
    assertThat(page.html())
        .contains("fraud@1, fraud@2 from 2 Mar 2026 00:00 to 2 Mar 2026 10:00 UTC.")
        .contains("<span class=mark style=left:0.0%><b>v1</b>")
        .contains("<span class=mark style=left:60.0%><b>v2</b>");
  }

  @Test
  void tellsWidthsSegmentsVariantsAndReferencesApart() {
    DriftReport day = report("amount", 0, 0.3, true);
    day.setWindowEnd(START.plus(Duration.ofDays(1)));
    DriftReport segment = report("amount", 0, 0.2, true);
    segment.setSegment(new DriftSegment("country", SegmentKind.VALUE, "FR"));
    DriftReport other = report("amount", 0, 0.2, true);
    other.setSegment(new DriftSegment("country", SegmentKind.OTHER, null));
    DriftReport shadow = report("amount", 0, 0.1, false);
    shadow.setVariant("shadow");
    DriftReport previous = report("amount", 0, 0.1, false);
    previous.setReference("previous 7d");
    List.of(report("amount", 0, 0.1, false), day, segment, other, shadow, previous)
        .forEach(history::add);

    assertThat(history.page(List.of(), List.of()).features()).hasSize(6);
    assertThat(html())
        .contains("3 of 6 features drifted")
        .contains("<small>fraud@1, 1d windows</small>", "<small>fraud@1, 1h windows</small>")
        .contains("<small>fraud@1, country=FR, 1h windows</small>")
        .contains("<small>fraud@1, country other, 1h windows</small>")
        .contains("<small>fraud@1 shadow, 1h windows</small>")
        .contains("<dd>previous 7d")
        .contains("Windows of 1h, by their ends, UTC.", "Windows of 1d, by their ends, UTC.");
  }

  @Test
  void takesOnlyTheTimeAndVersionThatAreAskedFor() {
    long hour = HOUR.toMillis();
    DriftHistory part =
        history(
            new DriftHistory.Range(
                START.toEpochMilli() + hour, START.toEpochMilli() + 3 * hour, "fraud", 1));
    for (int window = 0; window < 5; window++) {
      part.add(report("amount", window, 0.05, false));
      DriftReport other = report("amount", window, 0.05, false);
      other.setVersion(2);
      part.add(other);
    }

    assertThat(part.reports()).isEqualTo(2);
    assertThat(part.page(List.of(), List.of()).features().get(0).windows())
        .extracting(Window::version)
        .containsExactly(1, 1);
  }

  @Test
  void thinsManyWindowsToTheWorstOfEachColumnAndSaysSo() {
    for (int window = 0; window < 5_000; window++) {
      history.add(report("amount", window, window == 2_345 ? 0.5 : 0.01, window == 2_345));
    }

    assertThat(html())
        .contains("Each column stands for up to 42 windows: the worst of them.")
        .contains("drifted in 1 of 5000 windows, first in the one that ended 7 Jun 2026 18:00")
        .contains("<path class=h5 d='M55 0h1v1h-1z'/>")
        .hasSizeLessThan(60_000);
  }

  @Test
  void staysUnderAMegabyteWhateverTheNamesAre() {
    for (int feature = 0; feature < 400; feature++) {
      String name = "\u00e9".repeat(300) + feature;
      DriftReport report = categories(name, name);
      report.setSegment(new DriftSegment(name, SegmentKind.VALUE, name));
      history.add(report);
    }

    assertThat(html()).hasSizeLessThan(1_000_000).contains("that drifted less are left out");
  }
}
