package io.pelton.cli;

import io.pelton.schemas.AlertState;
import io.pelton.schemas.DriftAlert;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What the terminal shows while events stream. */
final class DemoBoard {
  private static final int FEATURES_SHOWN = 6;
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("d MMM HH:mm", Locale.ROOT).withZone(ZoneOffset.UTC);

  private final DemoScreen screen;
  private final DemoMonitor monitor;
  private final EventProducer producer;
  private final Instant liveFrom;
  private long lastSent;
  private long lastPredictions;
  private long lastNanos;
  private int alertsShown;

  /**
   * @param liveFrom first day of live events
   * @param began {@link System#nanoTime} of the first live event
   */
  DemoBoard(
      DemoScreen screen,
      DemoMonitor monitor,
      EventProducer producer,
      Instant liveFrom,
      long began) {
    this.screen = screen;
    this.monitor = monitor;
    this.producer = producer;
    this.liveFrom = liveFrom;
    lastNanos = began;
  }

  void showIfDue() {
    if (screen.boardDue()) {
      show();
    }
  }

  void show() {
    long now = System.nanoTime();
    double seconds = Math.max(1e-3, (now - lastNanos) / 1e9);
    long sent = producer.sent();
    long predictions = monitor.predictions();
    double[] latency = monitor.latencies(0.5, 0.95, 0.99);
    long time = monitor.eventTime();
    String clock =
        predictions == 0
            ? "no prediction yet"
            : "%s (day %d)"
                .formatted(
                    TIME.format(Instant.ofEpochMilli(time)),
                    Duration.between(liveFrom, Instant.ofEpochMilli(time)).toDays() + 1);
    double eventsPerSecond = (sent - lastSent) / seconds;
    double predictionsPerSecond = (predictions - lastPredictions) / seconds;
    lastSent = sent;
    lastPredictions = predictions;
    lastNanos = now;

    List<String> lines = new ArrayList<>();
    lines.add("event time  " + clock);
    lines.add(
        "throughput  %,.0f events/s in   %,.0f predictions/s out   %,d predictions so far"
            .formatted(eventsPerSecond, predictionsPerSecond, predictions));
    lines.add(
        "latency     p50 %.0f ms   p95 %.0f ms   p99 %.0f ms   (producer to prediction)"
            .formatted(latency[0], latency[1], latency[2]));
    lines.add("            read uncommitted; committed readers wait for a checkpoint, every 2 s;");
    lines.add("            order costs 10 s of event time and up to 20 ms for the watermark");
    lines.add("drift       newest window of 7 days against the baseline");
    List<Map.Entry<String, DemoMonitor.Drift>> drift =
        monitor.drift().entrySet().stream()
            .sorted(Comparator.comparingDouble(entry -> -entry.getValue().psi()))
            .toList();
    if (drift.isEmpty()) {
      lines.add("            no window is complete yet");
    }
    drift.stream()
        .limit(FEATURES_SHOWN)
        .forEach(
            entry ->
                lines.add(
                    "            %-26s PSI %7.3f   KS %s   %s"
                        .formatted(
                            entry.getKey(),
                            entry.getValue().psi(),
                            entry.getValue().ks() == null
                                ? "    –"
                                : "%5.3f".formatted(entry.getValue().ks()),
                            entry.getValue().drifted() ? "DRIFTED" : "")));
    List<DriftAlert> alerts = monitor.alerts();
    lines.add("alerts      " + (alerts.isEmpty() ? "none" : Integer.toString(alerts.size())));
    alerts.stream()
        .skip(Math.max(0, alerts.size() - 4))
        .forEach(alert -> lines.add("            " + describe(alert)));
    String worst =
        drift.isEmpty()
            ? "no drift window yet"
            : "most drift %s PSI %.3f"
                .formatted(drift.get(0).getKey(), drift.get(0).getValue().psi());
    screen.board(
        lines,
        "%5.0f s  %s  %,.0f events/s  %,.0f predictions/s  latency p50 %.0f p95 %.0f p99 %.0f ms  %s"
            .formatted(
                screen.seconds(),
                clock,
                eventsPerSecond,
                predictionsPerSecond,
                latency[0],
                latency[1],
                latency[2],
                worst));
    if (!screen.terminal()) {
      for (; alertsShown < alerts.size(); alertsShown++) {
        screen.line("         ALERT " + describe(alerts.get(alertsShown)));
      }
    }
  }

  /** An alert in a line. */
  static String describe(DriftAlert alert) {
    return "%s %-8s %-26s PSI %6.3f   KS %s   %s"
        .formatted(
            TIME.format(alert.getWindowEnd()),
            alert.getState().name().toLowerCase(Locale.ROOT),
            alert.getFeature(),
            alert.getPsiAdjusted(),
            alert.getKs() == null ? "–" : "%5.3f".formatted(alert.getKs()),
            alert.getState() == AlertState.RESOLVED
                ? ""
                : alert.getSeverity().name().toLowerCase(Locale.ROOT))
        .stripTrailing();
  }
}
