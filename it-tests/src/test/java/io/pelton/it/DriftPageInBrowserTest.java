package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.pelton.drift.Thresholds;
import io.pelton.drift.report.DriftHistory;
import io.pelton.drift.report.DriftPage;
import io.pelton.drift.report.PerformancePoint;
import io.pelton.schemas.AlertState;
import java.awt.image.BufferedImage;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The page of drift in a real browser. */
final class DriftPageInBrowserTest {
  private static final int MOST_BYTES = 1_000_000;

  /** What a person would see of the page. */
  private static final String LAYOUT =
      """
      (() => {
        const box = e => e.getBoundingClientRect();
        const all = selector => [...page.querySelectorAll(selector)];
        const shown = selector => all(selector).filter(e => box(e).width > 20 && box(e).height > 5).length;
        return {
          width: page.documentElement.scrollWidth,
          wide: all('body *').filter(e => !e.closest('.scroll') && box(e).right > page.documentElement.clientWidth + 1)
              .slice(0, 5).map(e => e.outerHTML.slice(0, 120)),
          verdict: page.querySelector('.verdict').textContent,
          sections: all('section').map(e => e.id + (box(e).height > 60 ? '' : ' is empty')),
          overview: shown('#overview tbody tr'),
          sparklines: shown('#overview .spark'),
          strips: shown('.heat tbody svg'),
          details: all('details').length,
          histograms: shown('details[open] .chart'),
          gaps: all('details[open] .gap').length,
          marks: all('#scores .mark').map(e => e.textContent),
          scripts: all('script').length,
          filters: all('input').length,
          requests: window.performance.getEntriesByType('resource').map(e => e.name)
        };
      })()
      """;

  @TempDir Path directory;

  @BeforeAll
  static void needsABrowser() {
    assumeTrue(Chromium.program().isPresent(), "no chromium (Debian: chromium)");
  }

  /** A week of a model's features and scores, in which a version is replaced and some drift. */
  static DriftPage week() {
    int change = 80;
    int windows = 168;
    DriftReports made = new DriftReports();
    DriftHistory history =
        new DriftHistory(DriftReports.PIPELINE, Thresholds.USUAL, DriftHistory.Range.ALL);
    made.numbers("amount", windows, window -> Math.max(0, Math.min(0.6, 0.02 * (window - 110))))
        .forEach(history::add);
    made.numbers("customer_mean_amount_1d", windows, window -> window < 120 ? 0 : 0.35)
        .forEach(history::add);
    made.numbers(
            "terminal_risk_7d",
            windows,
            window -> window > 40 && window < 58 ? -0.5 : 0.05 * Math.sin(window / 4.0))
        .forEach(history::add);
    made.categories("channel", windows, window -> window < 130 ? 0 : 1.2).forEach(history::add);
    for (String name :
        List.of(
            "<script>alert('x')</script> & co",
            "customer_tx_count_1d",
            "customer_tx_count_7d",
            "terminal_tx_count_1d",
            "terminal_risk_1d",
            "seconds_since_last",
            "distance_km")) {
      made.numbers(name, windows, window -> 0.1 * Math.sin(window / 4.0 + name.length()))
          .forEach(history::add);
    }
    made.numbers(
            "output:score",
            windows,
            window -> (window < change ? 0 : 0.15) + (window < 110 ? 0 : 0.3))
        .forEach(history::add);
    history.add(DriftReports.alert("terminal_risk_7d", 41, 60, AlertState.RESOLVED));
    history.add(DriftReports.alert("amount", 118, 150, AlertState.UPDATED));
    history.add(DriftReports.alert("channel", 130, 131, AlertState.OPENED));
    List<PerformancePoint> performance = new ArrayList<>();
    for (int window = 0; window < 150; window += 3) {
      double auc =
          (window < change ? 0.872 : 0.903)
              + 0.004 * Math.sin(window)
              - Math.max(0, 0.001 * (window - 110));
      performance.add(
          new PerformancePoint(
              "AUC",
              "card-fraud",
              DriftReports.version(window),
              "champion",
              null,
              DriftReports.end(window).toEpochMilli(),
              auc,
              auc - 0.02,
              auc + 0.02,
              window < change ? 0.875 : 0.905));
    }
    return history.page(performance, List.of());
  }

  @ParameterizedTest
  @CsvSource({"true, 400", "false, 400", "true, 1200", "false, 1200"})
  void isLaidOutWithAndWithoutScriptsOnNarrowAndWideScreens(boolean scripts, int width)
      throws Exception {
    List<String> console = new ArrayList<>();

    JsonNode seen = new Chromium(directory).ask(week().html(), scripts, width, LAYOUT, console);

    assertThat(seen.get("wide")).as("what is too wide").isEmpty();
    assertThat(seen.get("width").asInt()).isLessThanOrEqualTo(width);
    assertThat(seen.get("verdict").asText()).isEqualTo("4 of 12 features drifted");
    assertThat(seen.get("sections"))
        .extracting(JsonNode::asText)
        .containsExactly("alerts", "over", "heat", "scores", "perf", "details", "read");
    assertThat(seen.get("overview").asInt()).isEqualTo(12);
    assertThat(seen.get("sparklines").asInt()).isEqualTo(12);
    assertThat(seen.get("strips").asInt()).isEqualTo(12);
    assertThat(seen.get("details").asInt()).isEqualTo(12);
    assertThat(seen.get("histograms").asInt()).as("of two that are open").isGreaterThanOrEqualTo(2);
    assertThat(seen.get("gaps").asInt()).isGreaterThanOrEqualTo(1);
    assertThat(seen.get("marks")).extracting(JsonNode::asText).containsExactly("v1", "v2");
    assertThat(seen.get("scripts").asInt()).as("none but the page's").isEqualTo(1);
    assertThat(seen.get("filters").asInt()).as("which the script adds").isEqualTo(scripts ? 1 : 0);
    assertThat(seen.get("requests")).isEmpty();
    assertThat(console)
        .filteredOn(line -> scripts || !line.contains("Blocked script execution"))
        .isEmpty();
  }

  @Test
  void sortsAndFiltersByItsScript() throws Exception {
    List<String> console = new ArrayList<>();
    String expression =
        """
        (() => {
          const names = () => [...page.querySelectorAll('#overview tbody tr')]
              .filter(e => !e.hidden).map(e => e.querySelector('a').textContent);
          const before = names();
          const heads = page.querySelectorAll('#overview thead th');
          heads[1].click();
          const byName = names();
          heads[2].click();
          const byEffect = names();
          const input = page.querySelector('input');
          input.value = 'CHANNEL';
          input.dispatchEvent(new window.Event('input'));
          return {before, byName, byEffect, filtered: names(), sort: heads[2].getAttribute('aria-sort')};
        })()
        """;

    JsonNode seen = new Chromium(directory).ask(week().html(), true, 1200, expression, console);

    assertThat(console).isEmpty();
    assertThat(seen.get("byName").get(1).asText()).isEqualTo("amount");
    assertThat(seen.get("byName")).isNotEqualTo(seen.get("before"));
    assertThat(seen.get("byEffect").get(0)).isEqualTo(seen.get("before").get(0));
    assertThat(seen.get("sort").asText()).isEqualTo("descending");
    assertThat(seen.get("filtered")).extracting(JsonNode::asText).containsExactly("channel");
  }

  @Test
  void staysUnderAMegabyteForAHundredFeaturesOfAnyNumberOfWindows() throws Exception {
    DriftHistory history =
        new DriftHistory(DriftReports.PIPELINE, Thresholds.USUAL, DriftHistory.Range.ALL);
    DriftReports.many(100, 3_000, history::add);
    String html = history.page(List.of(), List.of()).html();

    assertThat(html.getBytes(StandardCharsets.UTF_8)).hasSizeLessThan(MOST_BYTES);
    List<String> console = new ArrayList<>();
    JsonNode seen = new Chromium(directory).ask(html, true, 400, LAYOUT, console);
    assertThat(seen.get("details").asInt()).isEqualTo(100);
    assertThat(seen.get("strips").asInt()).isEqualTo(100);
    assertThat(seen.get("wide")).isEmpty();
    assertThat(console).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void looksAsTheReaderPrefers(boolean isDark) throws Exception {
    Path page = Files.writeString(directory.resolve("page.html"), week().html());
    Path png = directory.resolve("page.png");
    new Chromium(directory).screenshot(page, png, 1200, 1000, isDark);

    BufferedImage image = ImageIO.read(png.toFile());
    int[] pixels =
        image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
    double light =
        Arrays.stream(pixels)
            .mapToDouble(rgb -> ((rgb >> 8) & 0xff) / 255.0)
            .average()
            .orElseThrow();
    assertThat(light).isBetween(isDark ? 0.02 : 0.8, isDark ? 0.3 : 0.99);
    assertThat(Arrays.stream(pixels).distinct().count()).as("colours").isGreaterThan(50);
  }
}
