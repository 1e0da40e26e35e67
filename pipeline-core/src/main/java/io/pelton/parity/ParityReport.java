package io.pelton.parity;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pelton.parity.ParityTally.Column;
import io.pelton.parity.ParityTally.Differences;
import io.pelton.parity.ParityTally.Example;
import java.time.Instant;

/**
 * Says what a comparison found, as a table and as JSON.
 *
 * @param from first event time compared, epoch milliseconds
 * @param to first event time that is not
 * @param late events known to have been late; so many may be missing in the log
 */
public record ParityReport(String pipeline, long from, long to, long late, ParityTally tally) {
  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
  private static final int SHOWN = 10;

  public boolean agrees() {
    return tally.agrees(late);
  }

  /** For people; ends with a line break. */
  public String text() {
    StringBuilder text = new StringBuilder();
    text.append(
        "%s from %s to %s: %,d rows in the log and in the replay\n"
            .formatted(
                pipeline, Instant.ofEpochMilli(from), Instant.ofEpochMilli(to), tally.rows()));
    int width =
        Math.max(
            "feature".length(),
            tally.columns().stream().mapToInt(column -> column.name().length()).max().orElse(0));
    String line = "  %-" + width + "s %12s %10s %8s %8s %12s   %10s %10s %12s\n";
    text.append(
        ("  %-" + width + "s %54s   %34s\n").formatted("", "events in order", "touched by others"));
    text.append(
        line.formatted(
            "feature",
            "compared",
            "mismatches",
            "log only",
            "replay only",
            "largest",
            "compared",
            "mismatches",
            "largest"));
    for (Column column : tally.columns()) {
      text.append(
          line.formatted(
              column.name(),
              count(column.untouched().compared()),
              count(column.untouched().mismatches()),
              count(tally.logOnly()),
              count(tally.replayOnly()),
              difference(column.untouched()),
              count(column.touched().compared()),
              count(column.touched().mismatches()),
              difference(column.touched())));
    }
    int shown = 0;
    for (Column column : tally.columns()) {
      for (Example example : column.untouched().examples()) {
        if (shown++ < SHOWN) {
          text.append(
              "  event %s of %s: %s was served as %s, history gives %s\n"
                  .formatted(
                      example.id(),
                      Instant.ofEpochMilli(example.time()),
                      column.name() + (example.key() == null ? "" : "['" + example.key() + "']"),
                      value(example.logged()),
                      value(example.replayed())));
        }
      }
    }
    text.append(verdict());
    return text.toString();
  }

  private String verdict() {
    String touched =
        "%,d rows were served without a late event that a window covers, and are counted apart\n"
            .formatted(tally.touchedRows());
    if (tally.logOnly() > 0) {
      touched +=
          "%,d rows are in the log only: the input lacks their events, or has them once less\n"
              .formatted(tally.logOnly());
    }
    if (tally.replayOnly() > 0) {
      touched +=
          "%,d events are in the replay only: they were late, dead letters, or lost; %,d may be (--late)\n"
              .formatted(tally.replayOnly(), late);
    }
    return touched
        + (agrees() ? "what was served is what history gives\n" : "the log and history differ\n");
  }

  private static String count(long count) {
    return "%,d".formatted(count);
  }

  private static String difference(Differences differences) {
    return differences.largest() == 0 ? "0" : "%.3g".formatted(differences.largest());
  }

  private static String value(double value) {
    return Double.isNaN(value) ? "missing" : Double.toString(value);
  }

  /** For programs. */
  public String json() {
    ObjectNode report = JSON.createObjectNode();
    report.put("pipeline", pipeline);
    report.put("from", Instant.ofEpochMilli(from).toString());
    report.put("to", Instant.ofEpochMilli(to).toString());
    report.put("agrees", agrees());
    report.put("rows", tally.rows());
    report.put("touchedRows", tally.touchedRows());
    report.put("logOnly", tally.logOnly());
    report.put("replayOnly", tally.replayOnly());
    report.put("late", late);
    ArrayNode features = report.putArray("features");
    for (Column column : tally.columns()) {
      ObjectNode feature = features.addObject();
      feature.put("feature", column.name());
      put(feature, column.untouched());
      put(feature.putObject("touched"), column.touched());
    }
    try {
      return JSON.writeValueAsString(report) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of numbers and texts is JSON", e);
    }
  }

  private static void put(ObjectNode into, Differences differences) {
    into.put("compared", differences.compared());
    into.put("mismatches", differences.mismatches());
    into.put("largestDifference", differences.largest());
    ArrayNode examples = into.putArray("examples");
    for (Example example : differences.examples()) {
      ObjectNode node = examples.addObject();
      node.put("id", example.id());
      node.put("time", Instant.ofEpochMilli(example.time()).toString());
      if (example.key() != null) {
        node.put("key", example.key());
      }
      put(node, "logged", example.logged());
      put(node, "replayed", example.replayed());
    }
  }

  /** JSON has no number for what is missing. */
  private static void put(ObjectNode node, String name, double value) {
    if (Double.isFinite(value)) {
      node.put(name, value);
    } else if (Double.isNaN(value)) {
      node.putNull(name);
    } else {
      node.put(name, Double.toString(value));
    }
  }
}
