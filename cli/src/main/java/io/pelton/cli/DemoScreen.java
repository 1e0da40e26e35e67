package io.pelton.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/**
 * What the demo shows: steps with progress bars, then a board that is drawn in place on a terminal,
 * or plain lines where the output is none. Not thread-safe but for {@link Step}, which one thread
 * may move while another waits.
 */
final class DemoScreen {
  private static final int BAR = 30;
  private static final long PLAIN_PAUSE_NANOS = 5_000_000_000L;
  private static final long LIVE_PAUSE_NANOS = 200_000_000L;

  private final PrintWriter out;
  private final boolean terminal;
  private final long start = System.nanoTime();
  private int boardLines;
  private long lastBoard;

  /**
   * @param terminal whether lines may be drawn over
   */
  DemoScreen(PrintWriter out, boolean terminal) {
    this.out = out;
    this.terminal = terminal;
  }

  boolean terminal() {
    return terminal;
  }

  double seconds() {
    return (System.nanoTime() - start) / 1e9;
  }

  void line(String text) {
    out.println(text);
    out.flush();
  }

  /** Begins a step that may take a while. */
  Step step(String name) {
    Step step = new Step(name);
    step.draw(0);
    return step;
  }

  /** One long step; ends with {@link #done}. */
  final class Step {
    private final String name;
    private final long began = System.nanoTime();
    private long lastDrawn;

    private Step(String name) {
      this.name = name;
    }

    /**
     * @param fraction 0 to 1
     */
    synchronized void progress(double fraction) {
      if (System.nanoTime() - lastDrawn >= (terminal ? LIVE_PAUSE_NANOS : PLAIN_PAUSE_NANOS)) {
        draw(fraction);
      }
    }

    private void draw(double fraction) {
      lastDrawn = System.nanoTime();
      if (terminal) {
        int full = (int) Math.round(Math.min(1, Math.max(0, fraction)) * BAR);
        out.printf(
            Locale.ROOT,
            "\r\033[K%s  %s%s %3.0f %%",
            label(),
            "█".repeat(full),
            "░".repeat(BAR - full),
            fraction * 100);
        out.flush();
      } else if (fraction > 0) {
        line(label() + "  %.0f %%".formatted(fraction * 100));
      } else {
        line(label() + " …");
      }
    }

    private String label() {
      return "%-34s".formatted(name);
    }

    /** Ends the step and says what came of it. */
    synchronized void done(String result) {
      double seconds = (System.nanoTime() - began) / 1e9;
      line((terminal ? "\r\033[K" : "") + label() + "  " + result + " (%.1f s)".formatted(seconds));
    }
  }

  /** Whether it is time to draw the board again. */
  boolean boardDue() {
    return System.nanoTime() - lastBoard >= (terminal ? 2 * LIVE_PAUSE_NANOS : PLAIN_PAUSE_NANOS);
  }

  /**
   * Draws the board over the last one; without a terminal only {@code summary} is printed.
   *
   * @param summary one line for an output that is no terminal
   */
  void board(List<String> lines, String summary) {
    lastBoard = System.nanoTime();
    if (!terminal) {
      line(summary);
      return;
    }
    // Long lines are cut, not wrapped: a wrapped one would move what is drawn over it.
    StringBuilder text = new StringBuilder("\033[?7l");
    if (boardLines > 0) {
      text.append("\033[").append(boardLines).append('A');
    }
    for (String line : lines) {
      text.append("\r\033[K").append(line).append('\n');
    }
    text.append("\033[J\033[?7h");
    boardLines = lines.size();
    out.print(text);
    out.flush();
  }

  /** Leaves the board as it stands; what comes next is printed below it. */
  void endBoard() {
    boardLines = 0;
  }
}
