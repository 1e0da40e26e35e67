package io.pelton.rollout;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class RoutingTest {
  private static final int KEYS = 100_000;

  private static List<Variant> canary(double share) {
    return RolloutPlan.of("m", 1).canary(2, share, Step.ALWAYS).last().variants();
  }

  @Test
  void variantsTakeTheirSharesWithinSamplingError() {
    for (double share : new double[] {0.01, 0.1, 0.5}) {
      Routing routing = new Routing("m");
      long taken = 0;
      for (int key = 0; key < KEYS; key++) {
        String name = Routing.choose(canary(share), routing.point("" + key)).name();
        taken += name.equals(Variant.CANARY) ? 1 : 0;
      }
      double sigma = Math.sqrt(KEYS * share * (1 - share));
      assertThat(taken)
          .isBetween((long) (KEYS * share - 4 * sigma), (long) (KEYS * share + 4 * sigma));
    }
  }

  @Test
  void aKeyOfACanaryStaysThereWhenItGrows() {
    Routing routing = new Routing("m");
    for (int key = 0; key < 10_000; key++) {
      double point = routing.point("" + key);
      if (Routing.choose(canary(0.1), point).name().equals(Variant.CANARY)) {
        assertThat(Routing.choose(canary(0.3), point).name()).isEqualTo(Variant.CANARY);
      }
    }
  }

  @Test
  void anotherSaltSpreadsKeysAnewAndIndependently() {
    Routing one = new Routing("one");
    Routing other = new Routing("other");
    int both = 0;
    for (int key = 0; key < KEYS; key++) {
      both += one.point("" + key) < 0.5 && other.point("" + key) < 0.5 ? 1 : 0;
    }
    assertThat(both).isBetween(KEYS / 4 - 600, KEYS / 4 + 600);
  }

  @Test
  void whereKeysLieNeverChanges() {
    assertThat(new Routing("card-fraud").point("4521")).isEqualTo(0.1290244484979577);
  }
}
