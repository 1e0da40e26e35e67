package io.pelton.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.pelton.drift.FeatureProfile.Kind;
import io.pelton.drift.Measures.Bin;
import io.pelton.drift.Measures.KsMethod;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class MeasuresTest {
  private static final int EDGES = 2048;

  @TempDir static Path directory;
  private static FileChannel overflow;

  @BeforeAll
  static void open() throws IOException {
    overflow =
        FileChannel.open(
            directory.resolve("overflow"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
  }

  @AfterAll
  static void close() throws IOException {
    overflow.close();
  }

  private static Measures measure(double[] reference, double[] window, int edges) {
    FeatureProfile profile = FeatureProfile.of("x", Kind.FEATURE, reference, edges);
    ValueCounts counts = new ValueCounts(profile);
    for (double value : window) {
      counts.add(value);
    }
    return Measures.of(profile, counts);
  }

  /** The distance by its definition: both distribution functions at every value of either. */
  private static double naiveDistance(double[] reference, double[] window) {
    double[] x = Arrays.stream(reference).filter(v -> !Double.isNaN(v)).sorted().toArray();
    double[] y = Arrays.stream(window).filter(v -> !Double.isNaN(v)).sorted().toArray();
    return DoubleStream.concat(Arrays.stream(x), Arrays.stream(y))
        .map(at -> Math.abs(share(x, at) - share(y, at)))
        .max()
        .orElseThrow();
  }

  private static double share(double[] sorted, double at) {
    int low = 0;
    int high = sorted.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (sorted[middle] <= at) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return (double) low / sorted.length;
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.05, 0.5, 3, 200, -200})
  void distanceFromCountsEqualsTheSortedArraysOne(double shift) {
    Random random = new Random(11);
    for (int size : new int[] {1, 2, 10, 300, 1500}) {
      double[] reference =
          DoubleStream.concat(
                  DoubleStream.of(0.5), Arrays.stream(Samples.messy(random, 2 * size, 0)))
              .toArray();
      double[] window =
          DoubleStream.concat(
                  DoubleStream.of(0.25), Arrays.stream(Samples.messy(random, size, shift)))
              .toArray();

      Measures measures = measure(reference, window, 4096);

      assertThat(measures.ks()).isCloseTo(naiveDistance(reference, window), within(1e-12));
      assertThat(measures.rankErrorBound()).isZero();
    }
  }

  private static Sample sample(double[] values) throws IOException {
    double[] present = Arrays.stream(values).filter(v -> !Double.isNaN(v)).toArray();
    int half = present.length / 2;
    SampleSorter sorter = new SampleSorter(overflow, Long.MAX_VALUE);
    return SampleSorter.sample(
        List.of(
            sorter.run(Arrays.copyOf(present, half), half),
            sorter.run(Arrays.copyOfRange(present, half, present.length), present.length - half)),
        values.length - present.length);
  }

  @Test
  void allValuesGiveWhatCountsGiveButTheAreaBetweenTheEdges() throws IOException {
    Random random = new Random(23);
    for (int size : new int[] {1, 3, 40, 900}) {
      for (double shift : new double[] {0, 0.1, 2}) {
        double[] reference = Samples.messy(random, size, 0);
        double[] window = Samples.messy(random, 2 * size, shift);
        Measures counted = measure(reference, window, 4096);
        Measures exact = Measures.of(sample(reference), sample(window));
        assertThat(exact)
            .usingRecursiveComparison()
            .ignoringFields("wasserstein", "ksAt", "distribution")
            .isEqualTo(counted);
      }
    }
  }

  @Test
  void bothDistributionsAreDrawnByAFewPointsUpToTheirEndsAndThroughTheGap() throws IOException {
    Random random = new Random(29);
    for (int size : new int[] {1, 2, 50, 5000}) {
      for (double shift : new double[] {0, 0.4, 50}) {
        double[] reference = random.doubles(2L * size).toArray();
        double[] window = random.doubles(size).map(value -> value + shift).toArray();
        Measures measures = Measures.of(sample(reference), sample(window));
        List<Measures.Point> points = measures.distribution();

        assertThat(points).hasSizeBetween(1, 90);
        assertThat(points).extracting(Measures.Point::value).isSorted().doesNotHaveDuplicates();
        Measures.Point last = points.get(points.size() - 1);
        assertThat(last.baseline()).isEqualTo(2L * size);
        assertThat(last.current()).isEqualTo(size);
        for (Measures.Point point : points) {
          double below = share(Arrays.stream(reference).sorted().toArray(), point.value());
          assertThat(point.baseline() / 2.0 / size).isEqualTo(below);
        }
        assertThat(points)
            .anySatisfy(
                point ->
                    assertThat(
                            Math.abs(
                                point.baseline() / 2.0 / size - (double) point.current() / size))
                        .isCloseTo(measures.ks(), within(1e-12)));
      }
    }
  }

  @Test
  void wassersteinOfAllValuesIsExact() throws IOException {
    // Between the edges 0 and 4 counts would put both at the middle.
    Measures measures = Measures.of(sample(new double[] {0, 4}), sample(new double[] {1, 1.5}));
    assertThat(measures.wasserstein()).isEqualTo((1 + 2.5) / 2 / 2);
    assertThat(Measures.of(sample(new double[] {3, 3}), sample(new double[] {1})).wasserstein())
        .as("without spread")
        .isNull();
    assertThat(Measures.of(sample(new double[] {0, 4}), sample(new double[] {Double.NaN})).ks())
        .as("without values")
        .isNull();
  }

  @ParameterizedTest
  @ValueSource(ints = {16, 50, 500})
  void distanceFromThinnedCountsStaysWithinItsBound(int edges) {
    Random random = new Random(12);
    for (int round = 0; round < 20; round++) {
      double[] reference = Samples.messy(random, 5_000, 0);
      double[] window = Samples.messy(random, 700, round * 0.05);

      Measures measures = measure(reference, window, edges);

      double naive = naiveDistance(reference, window);
      assertThat(measures.rankErrorBound()).isPositive();
      assertThat(measures.ks()).isLessThanOrEqualTo(naive + 1e-12);
      assertThat(naive - measures.ks()).isLessThanOrEqualTo(measures.rankErrorBound() + 1e-12);
    }
  }

  @Test
  void agreesWithSciPyAndNumPy() throws IOException {
    Measures measures = measure(sample("reference"), sample("window"), EDGES);

    assertThat(measures.ks()).isCloseTo(0.22234432234432233, within(1e-12));
    assertThat(measures.ksPValue()).isCloseTo(1.469711838851081e-07, within(1e-15));
    assertThat(measures.ksMethod()).isEqualTo(KsMethod.FINITE_SAMPLE);
    assertThat(measures.psi()).isCloseTo(0.2858916787337634, within(1e-12));
    assertThat(measures.psiAdjusted()).isCloseTo(0.22755834540043007, within(1e-12));
    assertThat(measures.psiPValue()).isCloseTo(4.0560883428694104e-07, within(1e-15));
    assertThat(measures.jensenShannon()).isCloseTo(0.22863487946450362, within(1e-12));
    assertThat(measures.missingPValue()).isCloseTo(0.007068852937547632, within(1e-9));
    // Exact by sorting; from counts up to gap width, here mostly 0.01 over a deviation of 0.93, but
    // wider in the tails, where seven values also lie out of range.
    assertThat(measures.wasserstein()).isCloseTo(0.4875057228996223, within(0.02));
    assertThat(measures.outOfRange()).isEqualTo(7);
    assertThat(measures.bins().stream().mapToLong(Bin::baseline))
        .containsExactly(39L, 40L, 38L, 39L, 39L, 39L, 39L, 39L, 39L, 39L, 10L);
    assertThat(measures.bins().stream().mapToLong(Bin::current))
        .containsExactly(16L, 28L, 14L, 19L, 17L, 19L, 27L, 24L, 49L, 67L, 20L);
    assertThat(measures.bins().get(9).upper()).isInfinite();
    assertThat(measures.bins().get(10).upper()).isNull();
  }

  private static double[] sample(String side) throws IOException {
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                Objects.requireNonNull(MeasuresTest.class.getResourceAsStream("samples.csv")),
                StandardCharsets.UTF_8))) {
      return lines
          .lines()
          .filter(line -> line.startsWith(side + ","))
          .map(line -> line.substring(side.length() + 1))
          .mapToDouble(text -> text.equals("nan") ? Double.NaN : Double.parseDouble(text))
          .toArray();
    }
  }

  @Test
  void usesTheExactDistributionForSmallSamples() {
    Measures measures = measure(new double[] {1, 2, 3}, new double[] {2.5, 3, 3.5, 4, 5}, EDGES);

    // SciPy: ks_2samp([1, 2, 3], [2.5, 3, 3.5, 4, 5], method='exact')
    assertThat(measures.ks()).isCloseTo(2.0 / 3, within(1e-15));
    assertThat(measures.ksPValue()).isCloseTo(0.2857142857142857, within(1e-12));
    assertThat(measures.ksMethod()).isEqualTo(KsMethod.EXACT);
  }

  @Test
  void hasTheKnownSamplingDistributionUnderNoDrift() {
    Random random = new Random(13);
    int rounds = 2_000;
    double[] psi = new double[rounds];
    double[] adjusted = new double[rounds];
    int significant = 0;
    for (int i = 0; i < rounds; i++) {
      Measures measures =
          measure(Samples.normal(random, 1_000, 0), Samples.normal(random, 1_000, 0), EDGES);
      psi[i] = measures.psi();
      adjusted[i] = measures.psiAdjusted();
      significant += measures.psiPValue() <= 0.05 ? 1 : 0;
    }
    Arrays.sort(psi);

    assertThat(Arrays.stream(psi).average().orElseThrow()).isCloseTo(0.0180, within(0.0005));
    assertThat(psi[(int) (0.95 * rounds)]).isCloseTo(0.0338, within(0.0015));
    assertThat(Arrays.stream(adjusted).average().orElseThrow()).isCloseTo(0, within(0.0005));
    assertThat(significant / (double) rounds).isBetween(0.035, 0.065);
  }

  @Test
  void fiftyFeaturesAlarmOnlyWithoutFalseDiscoveryControl() {
    Random random = new Random(17);
    int windows = 300;
    int alarms = 0;
    int discoveries = 0;
    for (int window = 0; window < windows; window++) {
      double[] p = new double[50];
      for (int feature = 0; feature < p.length; feature++) {
        p[feature] =
            measure(Samples.normal(random, 400, 0), Samples.normal(random, 300, 0), EDGES).pValue();
      }
      alarms += Arrays.stream(p).min().orElseThrow() <= 0.05 ? 1 : 0;
      discoveries += Arrays.stream(FalseDiscovery.adjust(p)).min().orElseThrow() <= 0.05 ? 1 : 0;
    }

    assertThat(alarms / (double) windows).isBetween(0.85, 0.96);
    assertThat(discoveries / (double) windows).isBetween(0.01, 0.08);
  }

  @Test
  void psiStaysSmallForEmptyBinsAndKeepsItsSizeBesideAnOutlier() {
    Random random = new Random(14);
    double[] reference = Samples.normal(random, 1_000, 0);
    double[] shifted = Samples.normal(random, 1_000, 0.5);
    double[] withOutlier = shifted.clone();
    withOutlier[0] = 1_000;

    double half = measure(reference, shifted, EDGES).psi();

    assertThat(half).isBetween(0.15, 0.4);
    assertThat(measure(reference, withOutlier, EDGES).psi()).isCloseTo(half, within(0.005));
    assertThat(measure(reference, Samples.normal(random, 1_000, 1), EDGES).psi())
        .isBetween(0.7, 1.5);
    assertThat(measure(reference, Samples.normal(random, 1_000, 100), EDGES).psi())
        .isBetween(4.0, 12.0);
  }

  @Test
  void tiesAreNoDrift() {
    double[] coin = DoubleStream.iterate(0, x -> 1 - x).limit(1_000).toArray();

    Measures measures = measure(coin, coin, EDGES);

    assertThat(measures.ks()).isZero();
    assertThat(measures.ksPValue()).isEqualTo(1);
    assertThat(measures.psi()).isZero();
    assertThat(measures.wasserstein()).isZero();
    assertThat(measures.bins()).containsExactly(new Bin(0.0, 500, 500), new Bin(1.0, 500, 500));
  }

  @Test
  void aConstantFeatureMeasuresAsUnchanged() {
    Measures measures = measure(new double[] {7, 7, 7}, new double[] {7, 7}, EDGES);

    assertThat(measures.psi()).isZero();
    assertThat(measures.psiAdjusted()).isZero();
    assertThat(measures.psiPValue()).isEqualTo(1);
    assertThat(measures.jensenShannon()).isZero();
    assertThat(measures.wasserstein()).isNull();
  }

  @Test
  void aFeatureThatIsAlwaysMissingHasNoDistanceButAPsi() {
    double[] nothing = {Double.NaN, Double.NaN, Double.NaN, Double.NaN};

    Measures same = measure(nothing, new double[] {Double.NaN}, EDGES);
    Measures appeared = measure(nothing, new double[] {1, 2, Double.NaN}, EDGES);
    Measures vanished = measure(new double[] {1, 2, 3}, nothing, EDGES);

    assertThat(same.ks()).isNull();
    assertThat(same.ksMethod()).isEqualTo(KsMethod.NONE);
    assertThat(same.psi()).isZero();
    assertThat(appeared.ks()).isNull();
    assertThat(appeared.wasserstein()).isNull();
    assertThat(appeared.psi()).isPositive();
    assertThat(appeared.outOfRange()).isEqualTo(2);
    assertThat(vanished.ksPValue()).isNull();
    assertThat(vanished.psi()).isPositive();
    assertThat(vanished.missingCurrent()).isEqualTo(4);
  }

  @Test
  void valuesThatGoMissingAreSignificant() {
    Random random = new Random(16);
    double[] reference = Samples.normal(random, 2_000, 0);
    double[] window = Samples.normal(random, 1_000, 0);
    Measures complete = measure(reference, window, EDGES);
    Arrays.fill(window, 0, 100, Double.NaN);

    Measures holes = measure(reference, window, EDGES);

    assertThat(complete.pValue()).isEqualTo(complete.ksPValue());
    assertThat(holes.ksPValue()).isGreaterThan(0.05);
    assertThat(holes.pValue()).isLessThan(1e-9);
    Arrays.fill(window, Double.NaN);
    assertThat(measure(reference, window, EDGES).ksPValue()).isNull();
    assertThat(measure(reference, window, EDGES).pValue()).isLessThan(1e-9);
  }

  @Test
  void wassersteinOfAShiftIsTheShift() {
    Random random = new Random(15);
    double[] reference = Samples.normal(random, 20_000, 0);
    double[] shifted = Arrays.stream(reference).map(x -> x + 0.25).toArray();

    assertThat(measure(reference, shifted, EDGES).wasserstein()).isCloseTo(0.25, within(0.005));
    assertThat(measure(reference, shifted, 20_000).wasserstein()).isCloseTo(0.25, within(0.005));
  }

  @Test
  void infiniteValuesTakePartInTheDistance() {
    double inf = Double.POSITIVE_INFINITY;

    Measures measures =
        measure(new double[] {-inf, 0, 1, inf}, new double[] {inf, inf, 0, 1}, EDGES);

    assertThat(measures.ks()).isEqualTo(0.25);
    assertThat(measures.wasserstein()).isNull();
    assertThat(measures.outOfRange()).isZero();
  }

  @Test
  void refusesAnEmptyWindow() {
    assertThatThrownBy(() -> measure(new double[] {1}, new double[0], EDGES))
        .hasMessage("window of x has no rows; nothing can be measured");
  }
}
