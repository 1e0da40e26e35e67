package io.pelton.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class PaceTest {
  @Test
  void refusesWhatIsNoRate() {
    for (String bad : List.of("", "fast", "x", "-1", "1k", "x-2")) {
      assertThatThrownBy(() -> Pace.of(bad))
          .as(bad)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("is no rate; write 1000");
    }
    assertThatThrownBy(() -> Pace.of("0")).hasMessageContaining("must be more than 0");
  }

  @Test
  void neverSendsAheadOfTheRateOrOfEventTime() {
    Pace rate = Pace.of("1000");
    long start = System.nanoTime();
    for (int sent = 0; sent <= 50; sent++) {
      rate.await(sent, 0);
    }
    assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(49_000_000);

    Pace spedUp = Pace.of("x100");
    start = System.nanoTime();
    spedUp.await(0, 1_000_000);
    spedUp.await(1, 1_005_000);
    assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(49_000_000);
  }

  @Test
  void waitsForNoTimeThatIsMissingOrFarFromAllOthers() {
    Pace pace = Pace.of("x1");
    long hour = 3_600_000;
    long start = System.nanoTime();
    pace.await(0, 0);
    pace.await(1, hour);
    pace.await(2, 253_370_764_800_000L);
    pace.await(3, hour + 10);
    // Two that lie together are no mistake: nothing happened for three days.
    pace.await(4, 73 * hour);
    pace.await(5, 73 * hour + 20);
    pace.await(6, 73 * hour + 40);
    assertThat(System.nanoTime() - start).isBetween(29_000_000L, 3_600_000_000_000L);
  }
}
