package io.pelton.drift.report;

import io.pelton.drift.CategoryMeasures;
import io.pelton.drift.ColumnMeasures;
import io.pelton.drift.Decision;
import io.pelton.drift.Measures;
import io.pelton.schemas.AlertSeverity;
import io.pelton.schemas.AlertState;
import io.pelton.schemas.DriftAlert;
import io.pelton.schemas.DriftContribution;
import io.pelton.schemas.DriftType;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Writes a page from its head to its foot. */
final class PageWriter {
  /** Room for what stands below the features. */
  private static final int MOST_BYTES = 960_000;

  private static final int MOST_ROWS = 200;
  private static final int MOST_DETAILS = 100;
  private static final int MOST_ALERTS = 50;
  private static final int MOST_CHARTS = 16;
  private static final int MOST_COLUMNS = 120;

  /** With many features, so that all of them fit. */
  private static final int FEWER_COLUMNS = 90;

  private static final int MANY_FEATURES = 60;

  /** Features below are drawn over time in their own section as well. */
  private static final int MOST_BANDS = 40;

  private static final int OPEN_AT_FIRST = 2;
  private static final String CHAMPION = "champion";
  private static final int MOST_NEW_VALUES = 8;

  private final Markup page = new Markup();
  private final DriftPage content;
  private final List<Feature> features;

  /** By the width of windows. */
  private final Map<Long, TimeAxis> axes = new TreeMap<>();

  /** End of the newest window of a model, by width. */
  private final Map<String, Long> newest = new HashMap<>();

  PageWriter(DriftPage content) {
    this.content = content;
    Map<Long, List<Long>> ends = new TreeMap<>();
    for (Feature feature : content.features()) {
      Origin origin = feature.origin();
      if (origin != null) {
        newest.merge(lineage(origin), origin.end(), Math::max);
        List<Long> all = ends.computeIfAbsent(origin.width(), unused -> new ArrayList<>());
        feature.windows().forEach(window -> all.add(window.end()));
      }
    }
    int most = content.features().size() > MANY_FEATURES ? FEWER_COLUMNS : MOST_COLUMNS;
    ends.forEach((width, all) -> axes.put(width, TimeAxis.of(all, most)));
    features = new ArrayList<>(content.features());
    features.sort(
        Comparator.comparing(this::isLive)
            .thenComparing(Feature::drifted)
            .thenComparingDouble(feature -> content.thresholds().excess(feature.measures()))
            .reversed()
            .thenComparing(Feature::name));
  }

  private static String lineage(Origin origin) {
    return origin.model() + "\n" + origin.variant() + "\n" + origin.width();
  }

  /** Whether its newest window is the model's. */
  private boolean isLive(Feature feature) {
    Origin origin = feature.origin();
    return origin == null
        || origin.end() >= newest.getOrDefault(lineage(origin), 0L) - origin.width();
  }

  private boolean isStream() {
    return !axes.isEmpty();
  }

  String write() {
    page.tags("<!doctype html><html lang=en><head><meta charset=utf-8>")
        .tags("<meta name=viewport content='width=device-width,initial-scale=1'>")
        .tags("<meta name=color-scheme content='light dark'>")
        .tags(
            "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">")
        .tags("<link rel=icon href='data:,'><title>%s</title><style>", content.title())
        .tags(resource("page.css"))
        .tags("</style></head><body><header><h1>%s</h1>", content.title())
        .tags("<p class=sub>%s</p>", content.subtitle());
    summary();
    navigation();
    page.tags("</header><main>");
    alerts();
    overview();
    heatMaps();
    scores();
    performance();
    details();
    reading();
    page.tags("</main><script>").tags(resource("page.js")).tags("</script></body></html>\n");
    return page.toString();
  }

  private static String resource(String name) {
    try (InputStream in = PageWriter.class.getResourceAsStream(name)) {
      return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.US_ASCII)
          .replaceAll("\\s*\\n\\s*", "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String noun() {
    return isStream() ? "feature" : "column";
  }

  private String counted(long count, String noun) {
    return Words.count(count) + " " + noun + (count == 1 ? "" : "s");
  }

  private void summary() {
    long live = features.stream().filter(this::isLive).count();
    List<Feature> drifted =
        features.stream().filter(feature -> isLive(feature) && feature.drifted()).toList();
    page.tags("<p class='verdict %s'>", drifted.isEmpty() ? "good" : "bad");
    if (drifted.isEmpty()) {
      page.text("None of " + counted(live, noun()) + " drifted");
    } else {
      page.text("%d of %s drifted".formatted(drifted.size(), counted(live, noun())));
    }
    page.tags("</p>");
    if (!drifted.isEmpty()) {
      Feature most = drifted.get(0);
      page.tags("<p>Most: <a href=#f0><b>%s</b></a>, ", Words.name(most.name()))
          .text(
              "%s times its threshold%s. %s"
                  .formatted(
                      Words.multiple(content.thresholds().excess(most.measures())),
                      scope(most).isEmpty() ? "" : " (" + scope(most) + ")",
                      why(most)))
          .tags("</p>");
    }
    page.tags("<dl class=tiles>");
    if (isStream()) {
      long open = content.alerts().stream().filter(PageWriter::isOpen).count();
      tile("Alerts open", Words.count(open));
      tile("Alerts in all", Words.count(content.alerts().size()));
      long windows =
          features.stream()
              .flatMap(feature -> feature.windows().stream().map(Window::end))
              .distinct()
              .count();
      tile("Windows", Words.count(windows));
      tile(
          "Drifted at some time",
          Words.count(
              features.stream()
                  .filter(feature -> feature.windows().stream().anyMatch(Window::drifted))
                  .count()));
    } else if (!features.isEmpty()) {
      tile("Baseline rows", Words.count(features.get(0).measures().baselineCount()));
      tile("Current rows", Words.count(features.get(0).measures().currentCount()));
      tile("Columns", Words.count(features.size()));
    }
    page.tags("</dl>");
    for (String note : content.notes()) {
      page.tags("<p class=note>%s</p>", Words.shortened(note));
    }
  }

  private void tile(String name, String value) {
    page.tags("<div><dt>%s<dd>%s</div>", name, value);
  }

  private void navigation() {
    page.tags("<nav aria-label=Sections>");
    if (!content.alerts().isEmpty()) {
      page.tags("<a href=#alerts>Alerts</a>");
    }
    page.tags("<a href=#over>Overview</a>");
    if (isStream()) {
      page.tags("<a href=#heat>Over time</a>");
    }
    if (!scoreCharts().isEmpty()) {
      page.tags("<a href=#scores>Scores</a>");
    }
    if (!content.performance().isEmpty()) {
      page.tags("<a href=#perf>Performance</a>");
    }
    page.tags("<a href=#details>Details</a><a href=#read>How to read it</a></nav>");
  }

  private static boolean isOpen(DriftAlert alert) {
    return alert.getState() != AlertState.RESOLVED;
  }

  private void alerts() {
    if (content.alerts().isEmpty()) {
      return;
    }
    List<DriftAlert> sorted = new ArrayList<>(content.alerts());
    sorted.sort(
        Comparator.comparing(PageWriter::isOpen)
            .thenComparing(DriftAlert::getSeverity)
            .thenComparing(DriftAlert::getSince)
            .reversed());
    page.tags("<section id=alerts><h2>Alerts</h2><div class=scroll><table class=list><thead><tr>")
        .tags("<th scope=col>State<th scope=col>Feature<th scope=col>Since (UTC)")
        .tags("<th scope=col class=o>Newest change<th scope=col>What changed</thead><tbody>");
    for (DriftAlert alert : sorted.subList(0, Math.min(MOST_ALERTS, sorted.size()))) {
      boolean isCritical = alert.getSeverity() == AlertSeverity.CRITICAL;
      page.tags(
          "<tr><td><span class='pill %s'>%s</span><th scope=row>%s<small>%s</small><td>%s<td class=o>%s<td>%s",
          isOpen(alert) ? isCritical ? "crit" : "drift" : "ok",
          isOpen(alert) ? isCritical ? "critical" : "warning" : "resolved",
          Words.name(alert.getFeature()),
          scope(alert),
          Words.time(alert.getSince().toEpochMilli()),
          Words.time(alert.getWindowEnd().toEpochMilli()),
          changes(alert));
    }
    page.tags("</tbody></table></div>");
    if (sorted.size() > MOST_ALERTS) {
      page.tags("<p class=note>%d older alerts are left out.</p>", sorted.size() - MOST_ALERTS);
    }
    page.tags("</section>");
  }

  private static String scope(DriftAlert alert) {
    return scope(
        alert.getModel() + "@" + alert.getVersion(),
        alert.getVariant(),
        alert.getSegment() == null ? null : DriftHistory.words(alert.getSegment()));
  }

  private static String scope(String served, String variant, @Nullable String segment) {
    return served
        + (variant.equals(CHAMPION) ? "" : " " + variant)
        + (segment == null ? "" : ", " + Words.name(segment));
  }

  private static String changes(DriftAlert alert) {
    String bins =
        alert.getContributions().stream()
            .limit(3)
            .map(PageWriter::change)
            .collect(Collectors.joining("; "));
    String values =
        alert.getNewValues().isEmpty()
            ? ""
            : (bins.isEmpty() ? "" : "; ")
                + "new: "
                + alert.getNewValues().keySet().stream()
                    .sorted()
                    .limit(MOST_NEW_VALUES)
                    .map(Words::name)
                    .collect(Collectors.joining(", "));
    return bins.isEmpty() && values.isEmpty()
        ? Words.shortened(alert.getMessage())
        : Words.shortened(bins + values);
  }

  private static String change(DriftContribution part) {
    return "%s: %s \u2192 %s %%"
        .formatted(
            Words.name(part.getBin()),
            Words.percent(part.getBaseline()),
            Words.percent(part.getCurrent()));
  }

  /** Which rows of which version a feature is of; empty where there is no choice. */
  private String scope(Feature feature) {
    Origin origin = feature.origin();
    return origin == null
        ? ""
        : scope(origin)
            + (axes.size() == 1 ? "" : ", " + Words.duration(origin.width()) + " windows");
  }

  private String why(Feature feature) {
    return Bar.largestChange(Bar.of(feature.measures()));
  }

  private void overview() {
    page.tags("<section id=over><h2>Overview</h2><p>")
        .text(
            "What drifted first, then by the largest effect as a multiple of its threshold%s."
                .formatted(isStream() ? ", each in its newest window" : ""))
        .tags("</p><div class=scroll><table id=overview class=list><thead><tr>")
        .tags("<th scope=col>State<th scope=col>%s", isStream() ? "Feature" : "Column")
        .tags("<th scope=col class=n>Effect<th scope=col>Largest change");
    if (isStream()) {
      page.tags("<th scope=col class=t>Over time");
    }
    page.tags("<th scope=col class='n o'>PSI<th scope=col class='n o'>KS or V")
        .tags("<th scope=col class='n o'>q<th scope=col class='n o'>Missing %</thead><tbody>");
    int rows = 0;
    while (rows < Math.min(MOST_ROWS, features.size()) && page.length() < MOST_BYTES / 2) {
      int i = rows++;
      Feature feature = features.get(i);
      ColumnMeasures measures = feature.measures();
      double excess = content.thresholds().excess(measures);
      page.tags("<tr><td>").tags(pill(feature));
      if (i < MOST_DETAILS) {
        page.tags("<th scope=row><a href=#f%d>%s</a>", i, Words.name(feature.name()));
      } else {
        page.tags("<th scope=row>%s", Words.name(feature.name()));
      }
      String scope = scope(feature);
      if (!scope.isEmpty()) {
        page.tags(
            "<small>%s</small>",
            isLive(feature) ? scope : scope + ", until " + Words.time(until(feature)));
      }
      page.tags(
          "<td class=n>%s&times;<i class='meter%s' style=width:%.0f%%></i><td class=why>%s",
          Words.multiple(excess),
          feature.drifted() ? " hot" : "",
          25 * Math.min(4, Math.max(0, excess)),
          why(feature));
      if (isStream()) {
        page.tags("<td class=t>");
        trend(feature).sparkline(page, Trend.inWords(feature.windows()));
      }
      page.tags(
          "<td class='n o'>%s<td class='n o'>%s<td class='n o'>%s<td class='n o'>%s",
          Words.measure(measures.psiAdjusted()),
          distance(measures),
          Words.probability(feature.qValue()),
          missing(measures));
    }
    page.tags("</tbody></table></div>");
    if (rows < features.size()) {
      page.tags("<p class=note>%d that drifted less are left out.</p>", features.size() - rows);
    }
    if (isStream()) {
      page.tags("<p class=note>")
          .text(
              "Over time: the largest effect; the dashed line is the threshold, a dot a window that drifted. "
                  + thinning())
          .tags("</p>");
    }
    page.tags("</section>");
  }

  private String thinning() {
    return axes.values().stream()
        .filter(axis -> axis.windows() > 1)
        .findFirst()
        .map(TimeAxis::thinning)
        .orElse("");
  }

  private static long until(Feature feature) {
    return Objects.requireNonNull(feature.origin()).end();
  }

  private Trend trend(Feature feature) {
    return new Trend(axis(feature), feature.windows());
  }

  private TimeAxis axis(Feature feature) {
    return Objects.requireNonNull(axes.get(Objects.requireNonNull(feature.origin()).width()));
  }

  private String pill(Feature feature) {
    double excess = content.thresholds().excess(feature.measures());
    if (feature.drifted()) {
      return excess >= Decision.CRITICAL
          ? "<span class='pill crit'>DRIFTED</span>"
          : "<span class='pill drift'>drifted</span>";
    }
    return excess >= 1
        ? "<span class='pill some'>effect</span>"
        : "<span class='pill ok'>ok</span>";
  }

  private static String distance(ColumnMeasures measures) {
    if (measures instanceof CategoryMeasures categories) {
      return "V " + Words.measure(categories.cramersV());
    }
    Double ks = ((Measures) measures).ks();
    return ks == null ? "none" : "KS " + Words.measure(ks);
  }

  private static String missing(ColumnMeasures measures) {
    return measures.missingBaseline() + measures.missingCurrent() == 0
        ? "0"
        : "%s \u2192 %s"
            .formatted(
                Words.percent((double) measures.missingBaseline() / measures.baselineCount()),
                Words.percent((double) measures.missingCurrent() / measures.currentCount()));
  }

  private void heatMaps() {
    if (!isStream()) {
      return;
    }
    page.tags("<section id=heat><h2>Features over time</h2><ul class=legend aria-label=Colours>");
    for (Trend.Level level : Trend.Level.values()) {
      page.tags(
          "<li><svg viewBox='0 0 1 1'><path class=h%d d='M0 0h1v1h-1z'/></svg>%s",
          level.ordinal(), level.text());
    }
    page.tags("</ul>");
    for (Map.Entry<Long, TimeAxis> axis : axes.entrySet()) {
      heatMap(axis.getKey(), axis.getValue());
    }
    page.tags("</section>");
  }

  private void heatMap(long width, TimeAxis axis) {
    page.tags(
            "<table class=heat data-first=%d data-step=%d data-columns=%d><caption>",
            axis.first(), axis.step(), axis.columns())
        .text("Windows of " + Words.duration(width) + ", by their ends, UTC. " + axis.thinning())
        .tags(
            "</caption><colgroup><col class=names><col></colgroup><thead><tr><th scope=col><span class=sr>Feature</span><th scope=col class=marks><span class=sr>Windows</span>");
    versionMarks(width, axis);
    page.tags("</thead><tbody>");
    int rows = 0;
    int left = 0;
    for (int i = 0; i < features.size(); i++) {
      Feature feature = features.get(i);
      Origin origin = Objects.requireNonNull(feature.origin());
      if (origin.width() != width) {
        continue;
      }
      if (rows++ >= MOST_DETAILS || page.length() > MOST_BYTES * 3 / 4) {
        left++;
        continue;
      }
      String scope = heatScope(origin);
      page.tags("<tr><th scope=row>%s", Words.name(feature.name()));
      if (!scope.isEmpty()) {
        page.tags(" <small>%s</small>", scope);
      }
      page.tags("<td>");
      trend(feature).strip(page, Trend.inWords(feature.windows()));
    }
    page.tags("</tbody><tfoot aria-hidden=true><tr><td><td>");
    axis.ticks(page);
    page.tags("</tfoot></table>");
    if (left > 0) {
      page.tags("<p class=note>%d that drifted less are left out.</p>", left);
    }
  }

  /** Where versions begin, above the windows. */
  private void versionMarks(long width, TimeAxis axis) {
    Map<Integer, Long> begins = new TreeMap<>();
    for (Feature feature : features) {
      Origin origin = Objects.requireNonNull(feature.origin());
      if (origin.width() == width && origin.variant().equals(CHAMPION)) {
        feature
            .windows()
            .forEach(window -> begins.merge(window.version(), window.end(), Math::min));
      }
    }
    begins.forEach(
        (version, end) ->
            page.tags(
                "<span style=left:%.1f%%>v%d</span>",
                axis.percent(axis.column(end) - 0.5), version));
  }

  /** Version and segment, where the page has more than one. */
  private String heatScope(Origin origin) {
    boolean isOnly =
        features.stream()
            .map(feature -> Objects.requireNonNull(feature.origin()))
            .allMatch(other -> scope(other).equals(scope(origin)));
    return isOnly ? "" : scope(origin);
  }

  private static String scope(Origin origin) {
    return scope(origin.served(), origin.variant(), origin.segment());
  }

  /** Outputs of all rows, by what stands above the chart. */
  private Map<String, Feature> scoreCharts() {
    Map<String, Feature> charts = new TreeMap<>();
    for (Feature feature : features) {
      Origin origin = feature.origin();
      if (origin != null
          && feature.isOutput()
          && origin.segment() == null
          && feature.windows().stream().anyMatch(window -> window.band() != null)) {
        String name =
            "%s of %s%s, windows of %s"
                .formatted(
                    feature.name().substring(feature.name().indexOf(':') + 1),
                    origin.model(),
                    origin.variant().equals(CHAMPION) ? "" : " as " + origin.variant(),
                    Words.duration(origin.width()));
        charts.put(name, feature);
      }
    }
    return charts;
  }

  private void scores() {
    Map<String, Feature> charts = scoreCharts();
    if (charts.isEmpty()) {
      return;
    }
    page.tags("<section id=scores><h2>Scores over time</h2><p>")
        .text(
            "Median of each window, with the range of the middle 80 %; dashed, the reference's median; upright lines, where a version begins.")
        .tags("</p>");
    int drawn = 0;
    for (Map.Entry<String, Feature> chart : charts.entrySet()) {
      if (drawn++ < MOST_CHARTS) {
        page.tags("<h3>%s</h3>", Words.name(chart.getKey()));
        bands(chart.getKey(), chart.getValue());
      }
    }
    page.tags("</section>");
  }

  /** A line for each version. */
  private void bands(String name, Feature feature) {
    TimeChart chart = new TimeChart(axis(feature), "Over time: " + Words.name(name));
    Map<Integer, List<TimeChart.Value>> versions = new TreeMap<>();
    Map<Integer, Double> references = new HashMap<>();
    for (Window window : feature.windows()) {
      Band band = window.band();
      if (band != null) {
        versions
            .computeIfAbsent(window.version(), unused -> new ArrayList<>())
            .add(new TimeChart.Value(window.end(), band.middle(), band.low(), band.high()));
        references.put(window.version(), window.reference());
      }
    }
    versions.forEach(
        (version, values) -> chart.line("v" + version, values, references.get(version)));
    chart.draw(page);
  }

  private void performance() {
    if (content.performance().isEmpty()) {
      return;
    }
    page.tags("<section id=perf><h2>Performance over time</h2><p>")
        .text(
            "By the outcomes that are known, with intervals; dashed, the version's evaluation; upright lines, where a version begins.")
        .tags("</p>");
    Map<String, Map<Integer, List<PerformancePoint>>> charts = new TreeMap<>();
    for (PerformancePoint point : content.performance()) {
      String name =
          "%s of %s%s%s"
              .formatted(
                  point.metric(),
                  point.model(),
                  point.variant().equals(CHAMPION) ? "" : " as " + point.variant(),
                  point.segment() == null ? "" : ", " + Words.name(point.segment()));
      charts
          .computeIfAbsent(name, unused -> new TreeMap<>())
          .computeIfAbsent(point.version(), unused -> new ArrayList<>())
          .add(point);
    }
    TimeAxis axis =
        TimeAxis.of(
            content.performance().stream().map(PerformancePoint::windowEnd).toList(), MOST_COLUMNS);
    int drawn = 0;
    for (Map.Entry<String, Map<Integer, List<PerformancePoint>>> entry : charts.entrySet()) {
      if (drawn++ >= MOST_CHARTS) {
        break;
      }
      page.tags("<h3>%s</h3>", Words.name(entry.getKey()));
      TimeChart chart = new TimeChart(axis, "Over time: " + Words.name(entry.getKey()));
      entry
          .getValue()
          .forEach(
              (version, points) ->
                  chart.line(
                      "v" + version, values(points), points.get(points.size() - 1).evaluation()));
      chart.draw(page);
    }
    if (charts.size() > MOST_CHARTS) {
      page.tags("<p class=note>%d more are left out.</p>", charts.size() - MOST_CHARTS);
    }
    page.tags("</section>");
  }

  private static List<TimeChart.Value> values(List<PerformancePoint> points) {
    return points.stream()
        .sorted(Comparator.comparingLong(PerformancePoint::windowEnd))
        .map(
            point ->
                new TimeChart.Value(
                    point.windowEnd(),
                    point.value(),
                    point.low() == null ? Double.NaN : point.low(),
                    point.high() == null ? Double.NaN : point.high()))
        .toList();
  }

  private void details() {
    page.tags("<section id=details><h2>Details</h2>");
    int shown = 0;
    while (shown < Math.min(MOST_DETAILS, features.size()) && page.length() < MOST_BYTES) {
      details(shown, features.get(shown));
      shown++;
    }
    if (shown < features.size()) {
      page.tags(
          "<p class=note>Details of %d that drifted less are left out, so that the page stays light.</p>",
          features.size() - shown);
    }
    page.tags("</section>");
  }

  private void details(int index, Feature feature) {
    page.tags("<details%s><summary>", feature.drifted() && index < OPEN_AT_FIRST ? " open" : "")
        .tags(pill(feature))
        .tags(
            " <b>%s</b> <small>%s</small></summary><div id=f%d class=body><p>",
            Words.name(feature.name()), scope(feature), index)
        .text(verdict(feature))
        .tags("</p><div class=charts>");
    List<Bar> bars = Bar.of(feature.measures());
    Histogram histogram = new Histogram(bars);
    page.tags(
        "<figure><figcaption>Share of rows %s</figcaption>",
        feature.type() == DriftType.CATEGORICAL ? "by value" : "by tenth of the baseline");
    key();
    if (feature.measures() instanceof Measures numbers) {
      histogram.columns(page);
      page.tags("</figure>");
      DistributionChart chart = new DistributionChart(numbers);
      if (!chart.isEmpty()) {
        page.tags(
            "<figure><figcaption>Share of rows at or below%s</figcaption>",
            chart.isCut() ? " (long tails are cut)" : "");
        key();
        chart.draw(page);
        page.tags("</figure>");
      }
    } else {
      histogram.rows(page);
      page.tags("</figure>");
    }
    if (index < MOST_BANDS
        && !feature.isOutput()
        && feature.windows().stream().filter(window -> window.band() != null).count() > 1) {
      page.tags(
          "<figure class=wide><figcaption>Median and middle 80 % of each window; dashed, the reference's median</figcaption>");
      bands(feature.name(), feature);
      page.tags("</figure>");
    }
    page.tags("</div>");
    facts(feature);
    page.tags("</div></details>");
  }

  private void key() {
    page.tags(
        "<p class=key aria-hidden=true><span class=b>baseline</span><span class=c>current</span></p>");
  }

  private String verdict(Feature feature) {
    double excess = content.thresholds().excess(feature.measures());
    double level = content.thresholds().level();
    String effect =
        "its largest effect is %s times its threshold".formatted(Words.multiple(excess));
    String chance =
        "q = %s, where %s or less counts"
            .formatted(Words.probability(feature.qValue()), Words.value(level));
    if (feature.drifted()) {
      return "Drifted: %s, and it is no chance: %s.".formatted(effect, chance);
    }
    if (excess < 1) {
      return "Not drifted: %s; %s.".formatted(effect, chance);
    }
    return feature.qValue() <= level
        ? "Not drifted: %s and %s, but the window has too few rows.".formatted(effect, chance)
        : "Not drifted: %s, but that may be chance: %s.".formatted(effect, chance);
  }

  private void facts(Feature feature) {
    ColumnMeasures measures = feature.measures();
    page.tags("<dl class=facts>");
    fact(
        "PSI, adjusted",
        "%s (raw %s, p %s)"
            .formatted(
                Words.measure(measures.psiAdjusted()),
                Words.measure(measures.psi()),
                Words.probability(measures.psiPValue())));
    if (measures instanceof Measures numbers) {
      numbers(numbers);
    } else if (measures instanceof CategoryMeasures categories) {
      fact(
          "\u03c7\u00b2",
          "%s (p %s)"
              .formatted(
                  Words.value(categories.chiSquare()), Words.probability(categories.pValue())));
      fact("Cram\u00e9r's V", Words.measure(categories.cramersV()));
      fact("Rows with unseen values", Words.count(categories.unseen()));
    }
    fact("Jensen\u2013Shannon", Words.measure(measures.jensenShannon()));
    fact(
        "p \u2192 q",
        Words.probability(measures.pValue()) + " \u2192 " + Words.probability(feature.qValue()));
    fact(
        "Rows: n, m",
        Words.count(measures.baselineCount()) + ", " + Words.count(measures.currentCount()));
    fact(
        "Missing %",
        missing(measures)
            + (missing(measures).equals("0")
                ? ""
                : " (p %s)".formatted(Words.probability(measures.missingPValue()))));
    if (measures.designEffect() != 1) {
      fact("Design effect", Words.value(measures.designEffect()));
    }
    if (!feature.newValues().isEmpty()) {
      fact(
          "New values",
          feature.newValues().entrySet().stream()
              .sorted(
                  Map.Entry.<String, Long>comparingByValue()
                      .reversed()
                      .thenComparing(Map.Entry.comparingByKey()))
              .limit(MOST_NEW_VALUES)
              .map(entry -> Words.name(entry.getKey()) + " (" + Words.count(entry.getValue()) + ")")
              .collect(Collectors.joining(", ")));
    }
    Origin origin = feature.origin();
    if (origin != null) {
      fact("Reference", Words.name(origin.reference()));
      fact("Window, UTC", Words.time(origin.start()) + " \u2013 " + Words.time(origin.end()));
      fact("Revision", Integer.toString(origin.revision()));
      fact("Watermark", Words.time(origin.watermark()));
      fact("Over time", Trend.inWords(feature.windows()));
    }
    page.tags("</dl>");
  }

  private void numbers(Measures measures) {
    if (measures.ks() != null) {
      fact(
          "KS",
          "%s (p %s, %s%s)"
              .formatted(
                  Words.measure(measures.ks()),
                  Words.probability(measures.ksPValue() == null ? Double.NaN : measures.ksPValue()),
                  measures.ksMethod().text(),
                  measures.rankErrorBound() > 0
                      ? ", up to %s more".formatted(Words.measure(measures.rankErrorBound()))
                      : ""));
      if (measures.ksAt() != null) {
        fact("Gap at", Words.value(measures.ksAt()));
      }
    }
    fact("Wasserstein, in \u03c3", Words.measure(measures.wasserstein()));
    fact("Rows out of range", Words.count(measures.outOfRange()));
  }

  private void fact(String name, String value) {
    page.tags("<div><dt>%s<dd>%s</div>", name, value);
  }

  private void reading() {
    page.tags("<section id=read><h2>How to read it</h2><ul><li>")
        .text(
            "Drifted: an effect at its threshold or above (adjusted PSI %s, KS %s of numbers, Cram\u00e9r's V %s of categories) that is no chance: q, the p-value adjusted over all that was looked at together, is at most %s."
                .formatted(
                    Words.value(content.thresholds().psi()),
                    Words.value(content.thresholds().ks()),
                    Words.value(content.thresholds().cramersV()),
                    Words.value(content.thresholds().level())))
        .tags("<li>")
        .text(
            "Effect: the largest of them as a multiple of its threshold. With many rows anything is significant and with few nothing is; so both count.")
        .tags("<li>")
        .text(
            "PSI's bins end at the tenths of the baseline, so an undrifted number has columns of equal height; its expectation without drift is taken off. KS is the largest gap between the two distribution functions; Wasserstein's distance is in standard deviations of the baseline.")
        .tags("<li>")
        .text("All of it comes from counts; no rows are in this file.")
        .tags("</ul></section>");
  }
}
