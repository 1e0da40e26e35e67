package io.pelton.drift;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.pipeline.Persistence;
import org.junit.jupiter.api.Test;

final class AlertHistoryTest {
  private static final Persistence TWO_OF_THREE = new Persistence(2, 3);

  @Test
  void opensAtKOfNAndResolvesAtNoneOfN() {
    AlertHistory history = AlertHistory.empty();
    StringBuilder open = new StringBuilder();
    String drifted = "x..x.x...xx";
    for (int window = 0; window < drifted.length(); window++) {
      history = history.next(window * 10L, drifted.charAt(window) == 'x', TWO_OF_THREE);
      open.append(history.open() ? 'O' : '.');
      if (window == 7) {
        assertThat(history.since()).isEqualTo(30);
      }
    }

    assertThat(open).hasToString(".....OOO..O");
    assertThat(history.since()).isEqualTo(90);
    assertThat(history.starts()).containsExactly(80, 90, 100);
  }
}
