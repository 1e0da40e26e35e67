package io.pelton.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The card-fraud pipeline carries the terminal's id. */
class RouterTest {
  private static final int KEYS = 100_000;
  private static final RolloutPlan ONE = RolloutPlan.of("card-fraud", 1);

  private PipelineDefinition pipeline;

  @BeforeEach
  void readPipeline() throws Exception {
    pipeline = PipelineFile.read(Path.of("../examples/card-fraud/pipeline.yaml"));
  }

  private Router router(RolloutPlan plan) {
    return new Router(plan, pipeline);
  }

  private static String choose(Router router, int key, long time, long terminal) {
    Router.Choice choice = router.choose("" + key, time, new Object[] {terminal});
    return choice.name() + "@" + choice.version();
  }

  @Test
  void variantsTakeTheirSharesWithinSamplingError() {
    List<Variant> variants =
        List.of(new Variant("a", 1, 0.01), new Variant("b", 2, 0.29), new Variant("c", 3, 0.7));
    Router router = router(ONE.ab(variants, Step.ALWAYS));
    Map<String, Integer> taken = new HashMap<>();
    for (int key = 0; key < KEYS; key++) {
      taken.merge(router.choose("" + key, 0, new Object[] {1L}).name(), 1, Integer::sum);
    }
    for (Variant variant : variants) {
      double sigma = Math.sqrt(KEYS * variant.share() * (1 - variant.share()));
      assertThat((double) taken.get(variant.name()))
          .as(variant.name())
          .isBetween(KEYS * variant.share() - 4 * sigma, KEYS * variant.share() + 4 * sigma);
    }
  }

  @Test
  void aKeyOfACanaryStaysThereWhenItGrows() {
    Router small = router(ONE.canary(2, 0.1, Step.ALWAYS));
    Router large = router(ONE.canary(2, 0.1, Step.ALWAYS).canary(2, 0.3, Step.ALWAYS));
    int kept = 0;
    for (int key = 0; key < 10_000; key++) {
      if (choose(small, key, 0, 1).equals("canary@2")) {
        assertThat(choose(large, key, 0, 1)).isEqualTo("canary@2");
        kept++;
      }
    }
    assertThat(kept).isBetween(880, 1_120);
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

  @Test
  void anEventIsScoredByWhatIsInForceAtItsTime() {
    Router router = router(ONE.deploy(2, 1_000).deploy(3, 2_000));
    assertThat(List.of(-1L, 999L, 1_000L, 2_000L))
        .map(time -> choose(router, 7, time, 1))
        .containsExactly("champion@1", "champion@1", "champion@2", "champion@3");
    assertThat(router.choices()).extracting(Router.Choice::index).containsExactly(0, 1, 2);
  }

  @Test
  void theFirstSegmentThatHoldsTakesAnEventFromAllVariants() {
    Router router =
        router(
            ONE.segment(new Segment("divides", "10 / terminal_id > 4", 4), Step.ALWAYS)
                .segment(new Segment("low", "terminal_id < 5", 5), Step.ALWAYS)
                .canary(2, 0.5, Step.ALWAYS));
    assertThat(choose(router, 7, 0, 2)).isEqualTo("divides@4");
    assertThat(choose(router, 7, 0, 3)).isEqualTo("low@5");
    assertThat(choose(router, 7, 0, 9)).isIn("canary@2", "champion@1");
    // A condition that has no value does not hold.
    assertThat(choose(router, 7, 0, 0)).isEqualTo("low@5");
    assertThat(router.failedConditions()).isEqualTo(1);
    assertThat(router.choose("7", 0, new Object[] {null}).name()).isIn("canary", "champion");
  }

  @Test
  void aConditionOnWhatIsNotCarriedIsRefused() {
    RolloutPlan plan = ONE.segment(new Segment("big", "amount > 100.0", 2), Step.ALWAYS);
    assertThatThrownBy(() -> router(plan))
        .hasMessageStartingWith("segment \"big\": amount > 100.0: ")
        .hasMessageEndingWith("what the pipeline carries: [terminal_id]");
  }
}
