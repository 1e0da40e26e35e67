package io.pelton.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class KeySumsTest {
  private static FeatureProfile profile(Random random, int users, int each) {
    double[] values = new double[users * each];
    for (int i = 0; i < values.length; i++) {
      values[i] = i % each == 0 ? random.nextGaussian() : values[i - 1];
    }
    return FeatureProfile.of("f", FeatureProfile.Kind.FEATURE, values, 2_048);
  }

  /** Rows of users, each of whom gives one value so many times. */
  private static KeySums tally(FeatureProfile profile, List<double[]> rows) {
    KeyTally tally = new KeyTally(List.of(profile.ranks()));
    for (double[] row : rows) {
      tally.begin("user-" + (int) row[0]);
      tally.add(0, ValueCounts.slot(profile.edges(), row[1]));
    }
    return tally.sums().get(0);
  }

  private static List<double[]> rows(Random random, int users, int each, double own) {
    List<double[]> rows = new ArrayList<>();
    for (int user = 0; user < users; user++) {
      double value = random.nextGaussian();
      for (int i = 0; i < each; i++) {
        double noise = random.nextGaussian();
        rows.add(new double[] {user, Math.sqrt(own) * value + Math.sqrt(1 - own) * noise});
      }
    }
    return rows;
  }

  @Test
  void rowsOfAKeyThatAgreeCountAsOne() {
    Random random = new Random(1);
    FeatureProfile profile = profile(random, 5_000, 1);
    assertThat(tally(profile, rows(random, 100, 10, 1)).designEffect()).isEqualTo(10);
    assertThat(tally(profile, rows(random, 1_000, 1, 1)).designEffect()).isEqualTo(1);
    assertThat(tally(profile, List.of()).designEffect()).isEqualTo(1);
    double independent = 0;
    double half = 0;
    for (int i = 0; i < 50; i++) {
      independent += tally(profile, rows(random, 100, 10, 0)).designEffect() / 50;
      half += tally(profile, rows(random, 100, 10, 0.5)).designEffect() / 50;
    }
    assertThat(independent).isCloseTo(1.1, within(0.1)); // never below 1, so a little above it
    assertThat(half).isCloseTo(1 + 9 * 0.48, within(0.3)); // ranks correlate by a little less
  }

  @Test
  void samplesMergeToTheSampleOfAllInAnyOrder() {
    Random random = new Random(2);
    FeatureProfile profile = profile(random, 5_000, 1);
    List<double[]> all = rows(random, 3_000, 3, 0.7);
    KeySums whole = tally(profile, all);
    assertThat(whole.hashes()).hasSize(KeySums.MOST_KEYS);
    assertThat(whole.rows()).containsOnly(3);
    Collections.shuffle(all, random);
    KeySums merged =
        tally(profile, all.subList(5_000, 9_000))
            .plus(
                tally(profile, all.subList(0, 200)).plus(tally(profile, all.subList(200, 5_000))));
    assertThat(merged).isEqualTo(whole);
  }

  @Test
  void tenValuesOfEachOfAHundredUsersDoNotAlarmByThemselves() {
    Random random = new Random(3);
    int alarms = 0;
    int untreated = 0;
    int windows = 300;
    for (int window = 0; window < windows; window++) {
      FeatureProfile profile = profile(random, 100, 10);
      List<double[]> rows = rows(random, 100, 10, 1);
      ValueCounts counts = new ValueCounts(profile);
      rows.forEach(row -> counts.add(row[1]));
      double effect = tally(profile, rows).designEffect();
      alarms += Measures.of(profile, counts, effect).pValue() <= 0.05 ? 1 : 0;
      untreated += Measures.of(profile, counts).pValue() <= 0.05 ? 1 : 0;
    }
    assertThat(untreated).isGreaterThan(windows * 9 / 10);
    assertThat(alarms).isLessThan((int) (windows * 0.05 + 3 * Math.sqrt(windows * 0.05 * 0.95)));
  }
}
