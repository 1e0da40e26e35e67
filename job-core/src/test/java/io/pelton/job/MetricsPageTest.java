package io.pelton.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

final class MetricsPageTest {
  private static final Path PAGE = Path.of("..", "docs", "metrics.md");

  @Test
  void listsEveryMetricAndNoOther() throws IOException {
    List<String> listed =
        Files.readAllLines(PAGE).stream()
            .filter(
                line ->
                    line.matches(
                        "\\| `[a-z_]+\\.[a-z_.]+` \\| (account|counter|gauge|summary|timer) .*"))
            .toList();

    assertThat(listed)
        .containsExactlyInAnyOrderElementsOf(
            Stream.of(JobMetric.values()).map(MetricsPageTest::row).toList());
  }

  private static String row(JobMetric metric) {
    String tags =
        metric.tags().stream().map(tag -> "`" + tag + "`").collect(Collectors.joining(", "));
    return Stream.of(
            "`" + metric.id() + "`",
            metric.kind().name().toLowerCase(Locale.ROOT),
            tags,
            metric.unit(),
            metric.description())
        .map(cell -> cell.isEmpty() ? " " : " " + cell + " ")
        .collect(Collectors.joining("|", "|", "|"));
  }
}
