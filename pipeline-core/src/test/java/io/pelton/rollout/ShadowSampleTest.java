package io.pelton.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class ShadowSampleTest {
  private static final int KEYS = 100_000;
  private static final long NOW = Step.ALWAYS;

  private static double share(Predicate<String> taken) {
    return (double) IntStream.range(0, KEYS).mapToObj(i -> "key" + i).filter(taken).count() / KEYS;
  }

  @Test
  void takesItsShareOfTheKeysWithinSamplingError() {
    ShadowSample sample =
        ShadowSample.of(RolloutPlan.of("fraud", 1).shadow("next", 2, 0.2, NOW)).get(0);
    double error = Math.sqrt(0.2 * 0.8 / KEYS);
    assertThat(share(key -> sample.takes(key, 0))).isCloseTo(0.2, within(4 * error));
    assertThat(sample.name()).isEqualTo("next");
    assertThat(sample.version()).isEqualTo(2);
  }

  @Test
  void keepsItsKeysWhenItsShareGrows() {
    RolloutPlan plan = RolloutPlan.of("fraud", 1).shadow("next", 2, 0.2, NOW);
    ShadowSample small = ShadowSample.of(plan).get(0);
    ShadowSample large = ShadowSample.of(plan.shadow("next", 2, 0.6, NOW)).get(0);
    for (int i = 0; i < 1_000; i++) {
      String key = "key" + i;
      assertThat(small.takes(key, 0) && !large.takes(key, 0)).isFalse();
      assertThat(small.takes(key, 7)).isEqualTo(small.takes(key, 0));
    }
  }

  @Test
  void isIndependentOfVariantsAndOfOtherShadows() {
    RolloutPlan plan =
        RolloutPlan.of("fraud", 1)
            .shadow("a", 2, 0.5, NOW)
            .shadow("b", 3, 0.5, NOW)
            .canary(4, 0.5, NOW);
    List<ShadowSample> samples = ShadowSample.of(plan);
    Routing variants = new Routing(plan.salt());
    double error = Math.sqrt(0.25 * 0.75 / KEYS);
    assertThat(share(key -> samples.get(0).takes(key, 0) && samples.get(1).takes(key, 0)))
        .isCloseTo(0.25, within(4 * error));
    assertThat(share(key -> samples.get(0).takes(key, 0) && variants.point(key) < 0.5))
        .isCloseTo(0.25, within(4 * error));
  }

  @Test
  void takesEventsOfTheTimesThatItIsPlannedFor() {
    RolloutPlan plan =
        RolloutPlan.of("fraud", 1)
            .shadow("next", 2, 1, 1_000)
            .deploy(3, 2_000)
            .endShadow("next", 3_000);
    List<ShadowSample> samples = ShadowSample.of(plan);
    assertThat(samples).hasSize(1);
    ShadowSample sample = samples.get(0);
    assertThat(sample.takes("key", 999)).isFalse();
    assertThat(sample.takes("key", 1_000)).isTrue();
    assertThat(sample.takes("key", 2_999)).isTrue();
    assertThat(sample.takes("key", 3_000)).isFalse();
  }
}
