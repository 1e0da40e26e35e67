package io.pelton.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class SwapBenchmarkTest {
  private static final long MILLISECOND = TimeUnit.MILLISECONDS.toNanos(1);

  /**
   * Two hundred events at 1,000 a second, 10 of them warm-up: each takes 2 ms, those of a deploy at
   * 50 ms 5 ms; the job's word on it comes at 60 ms.
   */
  private static OpenLoop.Run run() {
    long[] arrivals = new long[200];
    int[] versions = new int[200];
    for (int number = 0; number < arrivals.length; number++) {
      boolean loading = number >= 50 && number <= 60;
      arrivals[number] = (number + (loading ? 5 : 2)) * MILLISECOND;
      versions[number] = number < 56 || number >= 153 ? 1 : 3;
    }
    return new OpenLoop.Run(0, 1_000, 10, arrivals, versions);
  }

  private static final List<Swap> SWAPS =
      List.of(
          new Swap(Swap.Kind.DEPLOY, 3, 50 * MILLISECOND, 60 * MILLISECOND),
          new Swap(Swap.Kind.REFUSED, 3, 100 * MILLISECOND, 104 * MILLISECOND),
          new Swap(Swap.Kind.ROLLBACK, 1, 150 * MILLISECOND, 154 * MILLISECOND));

  @Test
  void aShadowsEventsAreThoseAfterTheJobsWordOnIt() {
    List<Swap> shadows =
        List.of(
            new Swap(Swap.Kind.SLOW_SHADOW, 1, 50 * MILLISECOND, 60 * MILLISECOND),
            new Swap(Swap.Kind.NO_SHADOW, 1, 100 * MILLISECOND, 104 * MILLISECOND));
    SwapFigures figures = new SwapFigures(run(), shadows, 1_000 * MILLISECOND);

    assertThat(figures.during(Swap.Kind.SLOW_SHADOW)).hasSize(39);
    assertThat(figures.until(Swap.Kind.SLOW_SHADOW)).hasSize(11);
    assertThat(figures.until(Swap.Kind.NO_SHADOW)).hasSize(5);
  }

  @Test
  void eventsBelongToACommandUntilItsAnswerAndAtLeastForTheWindow() {
    SwapFigures figures = new SwapFigures(run(), SWAPS, 5 * MILLISECOND);

    assertThat(figures.during(Swap.Kind.DEPLOY)).hasSize(11).containsOnly(5 * MILLISECOND);
    assertThat(figures.during(Swap.Kind.REFUSED)).hasSize(6).containsOnly(2 * MILLISECOND);
    assertThat(figures.during(Swap.Kind.ROLLBACK)).hasSize(6);
    assertThat(figures.during()).hasSize(23);
    assertThat(figures.steady()).hasSize(190 - 23).containsOnly(2 * MILLISECOND);
  }

  @Test
  void aCommandTakesEffectWithTheFirstPredictionOfItsVersion() {
    SwapFigures figures = new SwapFigures(run(), SWAPS, 5 * MILLISECOND);

    assertThat(figures.effects(Swap.Kind.DEPLOY)).containsExactly(11 * MILLISECOND);
    assertThat(figures.effects(Swap.Kind.ROLLBACK)).containsExactly(5 * MILLISECOND);
    assertThat(figures.answers(Swap.Kind.ROLLBACK)).containsExactly(4 * MILLISECOND);
  }

  @Test
  void aPredictionByAVersionThatWasNotToServeIsWrong() {
    OpenLoop.Run run = run();
    assertThat(new SwapFigures(run, SWAPS, MILLISECOND).wrong()).isEmpty();

    int[] versions = Arrays.copyOf(run.versions(), run.events());
    versions[20] = 3;
    versions[61] = 1;
    versions[110] = 2;
    OpenLoop.Run other = new OpenLoop.Run(0, 1_000, 10, run.arrivals(), versions);
    assertThat(new SwapFigures(other, SWAPS, MILLISECOND).wrong()).containsExactly(20, 61, 110);
  }

  @Test
  void refusesAPauseThatLeavesNothingSteadyBeforeAnythingStarts() {
    StringWriter err = new StringWriter();
    assertThat(
            Benchmarks.commandLine()
                .setErr(new PrintWriter(err))
                .execute("swaps", "--pause", "1", "--window", "1"))
        .isEqualTo(2);
    assertThat(err.toString())
        .isEqualTo(
            "--pause 1.0, --window 1.0: the pause must be longer than the window, or nothing is steady\n");
  }
}
