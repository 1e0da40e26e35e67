package io.pelton.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.drift.FeatureProfile.Kind;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class ValueCountsTest {
  private static final double INF = Double.POSITIVE_INFINITY;

  @Test
  void countsInGapsAtEdgesAndMissing() {
    FeatureProfile profile =
        FeatureProfile.of("amount", Kind.FEATURE, new double[] {1, 2, 2, 5}, 16);
    ValueCounts counts = new ValueCounts(profile);
    for (double value : new double[] {-INF, 0, 1, 1.5, 2, 2, 4, 5, 6, INF, Double.NaN}) {
      counts.add(value);
    }

    assertThat(counts.slots()).containsExactly(2, 1, 1, 2, 1, 1, 2, 1);
  }

  @Test
  void findsTheSameSlotAsALinearSearch() {
    Random random = new Random(5);
    for (int size : new int[] {0, 1, 2, 3, 7, 8, 100, 2048}) {
      double[] edges = random.doubles(size).distinct().sorted().toArray();
      for (int i = 0; i < 2_000; i++) {
        double value =
            edges.length > 0 && random.nextBoolean()
                ? edges[random.nextInt(edges.length)]
                : random.nextDouble() * 1.2 - 0.1;
        assertThat(ValueCounts.slot(edges, value)).isEqualTo(linearSlot(edges, value));
      }
    }
  }

  private static int linearSlot(double[] edges, double value) {
    for (int i = 0; i < edges.length; i++) {
      if (value < edges[i]) {
        return 2 * i;
      }
      if (value == edges[i]) {
        return 2 * i + 1;
      }
    }
    return 2 * edges.length;
  }

  @Test
  void mergesToWhatCountingAllAtOnceGives() {
    Random random = new Random(6);
    FeatureProfile profile =
        FeatureProfile.of("x", Kind.FEATURE, Samples.messy(random, 3_000, 0), 64);
    ValueCounts all = new ValueCounts(profile);
    ValueCounts[] parts = new ValueCounts[4];
    SparseCounts sparse = new ValueCounts(profile).toSparse();
    for (int part = 0; part < parts.length; part++) {
      parts[part] = new ValueCounts(profile);
      for (double value : Samples.messy(random, 500, 0.5)) {
        all.add(value);
        parts[part].add(value);
      }
      sparse = parts[part].toSparse().plus(sparse);
    }
    ValueCounts merged = new ValueCounts(profile);
    for (int part = parts.length - 1; part >= 0; part--) {
      merged.add(parts[part]);
    }
    ValueCounts fromSparse = new ValueCounts(profile);
    fromSparse.add(sparse);

    assertThat(merged).isEqualTo(all);
    assertThat(fromSparse).isEqualTo(all);
    assertThat(sparse).isEqualTo(all.toSparse());
  }

  @Test
  void roundsOutputsToSixDecimals() {
    FeatureProfile profile =
        FeatureProfile.of("score", Kind.OUTPUT, new double[] {0.1234561, 0.5}, 16);
    ValueCounts counts = new ValueCounts(profile);
    counts.add(0.12345649);
    counts.add(0.1234567);

    assertThat(profile.edges()).containsExactly(0.123456, 0.5);
    assertThat(counts.slots()).containsExactly(0, 1, 1, 0, 0, 0);
  }

  @Test
  void takesMinusZeroForZero() {
    FeatureProfile profile = FeatureProfile.of("x", Kind.FEATURE, new double[] {-0.0, 0.0, 1}, 16);
    ValueCounts counts = new ValueCounts(profile);
    counts.add(-0.0);

    assertThat(profile.edges()).containsExactly(0.0, 1.0);
    assertThat(counts.slots()).containsExactly(0, 1, 0, 0, 0, 0);
  }

  @Test
  void refusesCountsOfAnotherLayout() {
    ValueCounts two =
        new ValueCounts(FeatureProfile.of("x", Kind.FEATURE, new double[] {1, 2}, 16));
    ValueCounts three =
        new ValueCounts(FeatureProfile.of("x", Kind.FEATURE, new double[] {1, 2, 3}, 16));

    assertThatThrownBy(() -> two.add(three)).hasMessageContaining("8 slots cannot be added");
    assertThatThrownBy(() -> two.toSparse().plus(three.toSparse()))
        .hasMessageContaining("8 slots cannot be added");
  }
}
