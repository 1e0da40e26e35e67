package io.pelton.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.pelton.drift.FeatureProfile.Kind;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class BaselineProfileTest {
  private static final double INF = Double.POSITIVE_INFINITY;

  @Test
  void keepsEveryDistinctValueWhileTheyFit() {
    FeatureProfile profile =
        FeatureProfile.of("x", Kind.FEATURE, new double[] {3, Double.NaN, 1, 3, 2}, 2048);

    assertThat(profile.edges()).containsExactly(1, 2, 3);
    assertThat(profile.counts()).containsExactly(0, 1, 0, 1, 0, 2, 0, 1);
    assertThat(profile.rows()).isEqualTo(5);
    assertThat(profile.missing()).isEqualTo(1);
    assertThat(profile.mean()).isEqualTo(2.25);
    assertThat(profile.stddev()).isCloseTo(Math.sqrt(0.6875), within(1e-15));
    assertThat(profile.rankErrorBound()).isZero();
  }

  @Test
  void thinsByRankAndKeepsExtremesAndDeciles() {
    double[] values = Samples.normal(new Random(3), 10_007, 0);
    double[] sorted = values.clone();
    Arrays.sort(sorted);

    FeatureProfile profile = FeatureProfile.of("x", Kind.FEATURE, values, 100);

    assertThat(profile.edges()).hasSizeLessThanOrEqualTo(100).hasSizeGreaterThan(85);
    assertThat(profile.edges()).contains(sorted[0], sorted[sorted.length - 1]);
    for (int k = 1; k <= 10; k++) {
      assertThat(profile.edges()).contains(sorted[(int) Math.ceil(k * 10_007 / 10.0) - 1]);
    }
    assertThat(profile.rankErrorBound()).isBetween(1e-4, 1.0 / 90);
    assertThat(Arrays.stream(profile.counts()).sum()).isEqualTo(10_007);
  }

  @Test
  void survivesJsonToTheLastBit() {
    BaselineProfile profile =
        BaselineProfile.of(
            List.of("amount", "never"),
            new double[][] {
              {1.0 / 3, Double.NaN},
              {-INF, Double.NaN},
              {INF, Double.NaN},
              {Double.NaN, Double.NaN},
              {Double.MIN_VALUE, Double.NaN},
              {-1e300, Double.NaN}
            },
            List.of("score"),
            new double[][] {{0.25}, {0.5}, {0.75}, {0.1}, {0.2}, {0.123456}},
            2048);

    BaselineProfile copy = BaselineProfile.fromJson(profile.toJson());

    assertThat(copy).isEqualTo(profile);
    assertThat(copy.feature("amount").edges())
        .containsExactly(-INF, -1e300, Double.MIN_VALUE, 1.0 / 3, INF);
    assertThat(copy.feature("never").missing()).isEqualTo(6);
    assertThat(copy.output("score").reportName()).isEqualTo("output:score");
  }

  @Test
  void namesWhatIsWrong() {
    assertThatThrownBy(() -> FeatureProfile.of("x", Kind.FEATURE, new double[0], 2048))
        .hasMessage("profile of x has no rows; a reference sample must have one or more");
    assertThatThrownBy(() -> FeatureProfile.of("x", Kind.FEATURE, new double[1], 4))
        .hasMessage("profile of x: edges is 4; it must be 16 or more");
    assertThatThrownBy(() -> BaselineProfile.fromJson("{\"features\": 3}"))
        .hasMessageContaining("not a baseline profile")
        .hasMessageContaining("publish the version again");
    assertThatThrownBy(
            () ->
                BaselineProfile.of(
                    List.of("a", "b"), new double[][] {{1}}, List.of(), new double[][] {{}}, 16))
        .hasMessage("reference row 0 has 1 values; there are 2 names: [a, b]");
    BaselineProfile profile =
        BaselineProfile.of(List.of("a"), new double[][] {{1}}, List.of(), new double[][] {{}}, 16);
    assertThatThrownBy(() -> profile.feature("b"))
        .hasMessage("baseline has no feature b; it has [a]");
  }

  @Test
  void keepsProfilesOfTheCommonestSegmentsOfOtherAndOfMissingOnes() {
    double[][] rows = {{1}, {2}, {3}, {4}, {5}, {6}};
    double[][] scores = {{.1}, {.2}, {.3}, {.4}, {.5}, {.6}};
    BaselineProfile profile =
        BaselineProfile.of(List.of("a"), rows, List.of("score"), scores, 16)
            .withSegments(
                "country", Arrays.asList("FR", "DE", "FR", null, "IT", "DE"), rows, scores, 2, 16);

    BaselineProfile read = BaselineProfile.fromJson(profile.toJson());
    assertThat(read).isEqualTo(profile);
    assertThat(read.segments().by()).isEqualTo("country");
    assertThat(read.segments().profiles()).containsOnlyKeys("=DE", "=FR", "missing", "other");
    assertThat(read.segments().profiles().get("=FR").feature("a").edges()).containsExactly(1, 3);
    assertThat(read.segments().profiles().get("other").output("score").edges())
        .containsExactly(0.5);
    assertThat(read.segments().profiles().get("missing").rows()).isEqualTo(1);
  }
}
