package io.pelton.drift;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.drift.AlertHistory.Verdict;
import org.junit.jupiter.api.Test;

final class AlertHistoryTest {
  private static final Persistence TWO_OF_THREE = new Persistence(2, 3);

  /** What was open after each window: o, or O while critical. */
  private static String story(String windows, long coolDown) {
    AlertHistory history = AlertHistory.empty();
    StringBuilder story = new StringBuilder();
    for (int window = 0; window < windows.length(); window++) {
      history = history.next(window * 10L, verdict(windows.charAt(window)), TWO_OF_THREE, coolDown);
      story.append(!history.open() ? '.' : history.critical() ? 'O' : 'o');
    }
    return story.toString();
  }

  private static Verdict verdict(char letter) {
    return letter == '.' ? Verdict.NORMAL : letter == 'x' ? Verdict.DRIFTED : Verdict.CRITICAL;
  }

  @Test
  void opensAtKOfNAndResolvesAtNoneOfN() {
    assertThat(story("x..x.x...xx", 0)).isEqualTo(".....ooo..o");
  }

  @Test
  void beginsWhereItsFirstDriftedWindowBegan() {
    AlertHistory history = AlertHistory.empty();
    for (int window = 0; window < 11; window++) {
      Verdict verdict = verdict("x..x.x...xx".charAt(window));
      history = history.next(window * 10L, verdict, TWO_OF_THREE, 0);
      if (window == 7) {
        assertThat(history.since()).isEqualTo(30);
      }
    }
    assertThat(history.since()).isEqualTo(90);
    assertThat(history.starts()).containsExactly(80, 90, 100);
  }

  @Test
  void becomesCriticalAndStaysItUntilItResolves() {
    assertThat(story("xx.Xx...xx", 0)).isEqualTo(".ooOOOO..o");
  }

  @Test
  void opensNoOtherBeforeItHasCooledDown() {
    assertThat(story("xx...xx.xxx", 0)).isEqualTo(".ooo..ooooo");
    assertThat(story("xx...xx.xxx", 50)).isEqualTo(".ooo.....oo");
  }

  @Test
  void takesALaterRevisionOfAWindowForTheWindow() {
    AlertHistory history =
        AlertHistory.empty()
            .next(0, Verdict.DRIFTED, TWO_OF_THREE, 0)
            .next(10, Verdict.NORMAL, TWO_OF_THREE, 0)
            .next(20, Verdict.NORMAL, TWO_OF_THREE, 0);
    AlertHistory revised = history.next(10, Verdict.DRIFTED, TWO_OF_THREE, 0);
    assertThat(revised.open()).isTrue();
    assertThat(revised.since()).isZero();
    assertThat(revised.starts()).containsExactly(0, 10, 20);
    assertThat(revised.next(10, Verdict.NORMAL, TWO_OF_THREE, 0).open()).isTrue();
  }
}
