package io.pelton.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DriftPlanCommandTest {
  private static final String PIPELINE =
      """
      pipeline: shop
      events: {topic: orders, schema: order.avsc, id: id, time: at}
      features:
        amount: {value: "amount"}
        items: {value: "items"}
      model: {name: shop, features: all}
      drift:
        window: 1h
        minimum-count: 500
      """;

  private static final String SCHEMA =
      """
      {"type": "record", "name": "Order", "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "amount", "type": "double"},
        {"name": "items", "type": "double"}]}
      """;

  @TempDir Path directory;

  private String out = "";
  private String err = "";

  @BeforeEach
  void writeData() throws Exception {
    Random random = new Random(1);
    StringBuilder text = new StringBuilder("amount,items,channel\n");
    for (int i = 0; i < 20_000; i++) {
      text.append(Math.exp(random.nextGaussian()))
          .append(',')
          .append(random.nextInt(6))
          .append(random.nextInt(3) == 0 ? ",web" : ",shop")
          .append('\n');
    }
    Files.writeString(directory.resolve("training.csv"), text);
    Files.writeString(directory.resolve("pipeline.yaml"), PIPELINE);
    Files.writeString(directory.resolve("order.avsc"), SCHEMA);
  }

  private int plan(String... options) {
    StringWriter outText = new StringWriter();
    StringWriter errText = new StringWriter();
    List<String> arguments =
        new ArrayList<>(
            List.of("drift", "plan", "--pipeline=" + directory.resolve("pipeline.yaml")));
    arguments.addAll(List.of(options));
    int code =
        Pelton.commandLine()
            .setOut(new PrintWriter(outText, true))
            .setErr(new PrintWriter(errText, true))
            .execute(arguments.toArray(String[]::new));
    out = outText.toString();
    err = errText.toString();
    return code;
  }

  private String training() {
    return "--baseline=" + directory.resolve("training.csv");
  }

  @Test
  void saysHowOftenItAlarmsByChanceAndWhatItSees() {
    assertThat(plan(training(), "--rows-per-window=3000")).as(err).isZero();
    assertThat(out)
        .startsWith("shop: windows of 1 h with 3,000 rows, 2 columns\n")
        .contains("an alert, 2 of the last 3 windows")
        .contains("an alert opens: less often than once in 1,000 years")
        .containsPattern("amount +20,000 +shift +0\\.\\d+ σ +0\\.\\d+ σ +KS 0\\.1\\d+ .* effect\n")
        .containsPattern("items +20,000 +shift +0\\.\\d+ σ")
        .containsPattern("minimum-count: \\d+, .*\\(now 500\\)")
        .contains("window: ")
        .doesNotContain("NOTHING");
  }

  @Test
  void takesTheColumnsThatAreNamedAndTheRowsThatComeIn() {
    assertThat(plan(training(), "--events-per-second=0.1", "--columns=channel,amount")).isZero();
    assertThat(out)
        .startsWith("shop: windows of 1 h with 360 rows, 2 columns\n")
        .contains("NOTHING WILL BE DECIDED: windows have 360 rows, and minimum-count is 500")
        .containsPattern("channel +20,000 +new value +\\d+\\.\\d+ % ");
  }

  @Test
  void plansAtTheMinimumCountWhereNothingIsSaidOfRows() {
    assertThat(plan(training())).isZero();
    assertThat(out).startsWith("shop: windows of 1 h with 500 rows");
  }

  @Test
  void givesJsonForPrograms() {
    assertThat(plan(training(), "--format=json", "--groups=3")).as(err).isZero();
    assertThat(out.replaceAll("\\s+", " "))
        .contains("\"rows\" : 500.0, \"groups\" : 3,")
        .contains("\"name\" : \"amount\", \"kind\" : \"NUMERIC\", \"rows\" : 20000,")
        .contains("\"suggestion\" : { \"minimumCount\" : ");
  }

  @Test
  void plansEachWindowOfSeveral() throws Exception {
    Files.writeString(
        directory.resolve("pipeline.yaml"),
        PIPELINE.replace("window: 1h", "window: [1h, 1d every 1h]"));
    assertThat(plan(training(), "--rows-per-window=600")).as(err).isZero();
    assertThat(out)
        .contains("shop: windows of 1 h with 600 rows, 2 columns\n")
        .contains("shop: windows of 24 h every 1 h with 14,400 rows, 2 columns\n");
  }

  @Test
  void saysWhatCannotBePlanned() throws Exception {
    assertThat(plan(training(), "--columns=amuont")).isEqualTo(2);
    assertThat(err).contains("the baseline has no column \"amuont\"; did you mean \"amount\"?");
    assertThat(plan("--baseline=" + directory.resolve("none.csv"))).isEqualTo(2);
    assertThat(err).contains("none.csv");
    assertThat(plan()).isEqualTo(2);
    assertThat(err).contains("there is no registry");
    assertThat(plan(training(), "--rows-per-window=0")).isEqualTo(2);
    assertThat(err).contains("rows of a window are 0.0; there must be 1 or more");
    Files.writeString(directory.resolve("pipeline.yaml"), PIPELINE.replaceAll("(?s)drift:.*", ""));
    assertThat(plan(training())).isEqualTo(2);
    assertThat(err).contains("has no drift section");
  }
}
