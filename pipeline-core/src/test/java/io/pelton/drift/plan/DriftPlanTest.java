package io.pelton.drift.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.pelton.drift.AlertHistory;
import io.pelton.drift.CategoryMeasures;
import io.pelton.drift.Decision;
import io.pelton.drift.Decision.Evidence;
import io.pelton.drift.FeatureProfile;
import io.pelton.drift.FeatureProfile.Kind;
import io.pelton.drift.Measures;
import io.pelton.drift.Persistence;
import io.pelton.drift.Thresholds;
import io.pelton.drift.ValueCounts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** What is planned is what simulated windows do. */
final class DriftPlanTest {
  private static final long HOUR = 3_600_000;
  private static final Persistence ALWAYS = new Persistence(1, 1);

  /** Effects are so easily had that significance decides. */
  private static final Thresholds SIGNIFICANCE = new Thresholds(0.01, 0.01, 0.01, 0.05);

  private static FeatureProfile normal(Random random, int rows) {
    return FeatureProfile.of("x", Kind.FEATURE, values(random, rows, 0), 2_048);
  }

  private static double[] values(Random random, int rows, double shift) {
    double[] values = new double[rows];
    Arrays.setAll(values, i -> random.nextGaussian() + shift);
    return values;
  }

  private static Evidence evidence(FeatureProfile profile, double[] window) {
    ValueCounts counts = new ValueCounts(profile);
    for (double value : window) {
      counts.add(value);
    }
    return Evidence.of(Measures.of(profile, counts));
  }

  private static Request request(int rows, Thresholds thresholds, Persistence persistence) {
    return new Request(HOUR, HOUR, rows, 1, 1, thresholds, 100, persistence);
  }

  private static List<Column> columns(FeatureProfile profile, int many) {
    return Collections.nCopies(many, new Column.Numbers(profile));
  }

  /** Share of windows that drift, the one column among so many that do not. */
  private static double seen(
      Supplier<FeatureProfile> references,
      Request request,
      int columns,
      Random random,
      UnaryOperator<double[]> change) {
    int seen = 0;
    for (int reference = 0; reference < 25; reference++) {
      FeatureProfile profile = references.get();
      for (int round = 0; round < 20; round++) {
        List<Evidence> window = new ArrayList<>();
        window.add(evidence(profile, change.apply(values(random, (int) request.rows(), 0))));
        for (int i = 1; i < columns; i++) {
          window.add(new Evidence(1_000, random.nextDouble(), 0, 0.0, null));
        }
        seen += Decision.of(window, request.thresholds(), 1).get(0).drifted() ? 1 : 0;
      }
    }
    return seen / 500.0;
  }

  private static ColumnPlan first(List<Column> columns, Request request) {
    return DriftPlan.of(columns, request).columns().get(0);
  }

  @Test
  void aShiftOfThePlannedSizeIsSeenAsOftenAsPlanned() {
    Random random = new Random(51);
    FeatureProfile profile = normal(random, 10_000);
    for (Thresholds thresholds : List.of(SIGNIFICANCE, Thresholds.USUAL)) {
      Request request = request(1_000, thresholds, ALWAYS);
      double size = Objects.requireNonNull(first(columns(profile, 20), request).oneWindow()).size();

      assertThat(
              seen(
                  () -> normal(random, 10_000),
                  request,
                  20,
                  random,
                  window -> shifted(window, size)))
          .as("%s by %s", size, thresholds)
          .isBetween(0.87, 0.99);
      assertThat(
              seen(
                  () -> normal(random, 10_000),
                  request,
                  20,
                  random,
                  window -> shifted(window, 0.6 * size)))
          .isLessThan(0.6);
    }
  }

  private static double[] shifted(double[] values, double by) {
    return Arrays.stream(values).map(x -> x + by).toArray();
  }

  @Test
  void aShareThatGoesMissingIsSeenAsOftenAsPlanned() {
    Random random = new Random(52);
    FeatureProfile complete = normal(random, 10_000);
    double[] holes = values(random, 10_000, 0);
    Arrays.fill(holes, 0, 2_000, Double.NaN);
    FeatureProfile incomplete = FeatureProfile.of("x", Kind.FEATURE, holes, 2_048);
    for (FeatureProfile profile : List.of(complete, incomplete)) {
      Request request = request(1_000, Thresholds.USUAL, ALWAYS);
      double share =
          Objects.requireNonNull(first(columns(profile, 20), request).missingInOneWindow());
      double before = (double) profile.missing() / profile.rows();

      assertThat(
              seen(
                  () -> profile,
                  request,
                  20,
                  random,
                  window ->
                      Arrays.stream(window)
                          .map(
                              x ->
                                  random.nextDouble() < before + (1 - before) * share
                                      ? Double.NaN
                                      : x)
                          .toArray()))
          .as("%s beyond %s", share, before)
          .isBetween(0.82, 0.97);
    }
  }

  @Test
  void aNewValueIsSeenAsOftenAsPlanned() {
    Random random = new Random(53);
    for (int rows : new int[] {500, 10_000}) {
      Column.Categories column = new Column.Categories("x", categories(random, 10_000, 0), 0);
      Request request = request(rows, Thresholds.USUAL, ALWAYS);
      double share = Objects.requireNonNull(first(List.of(column), request).oneWindow()).size();

      assertThat(seenNew(column, rows, share, random))
          .as("%s of %s rows", share, rows)
          .isGreaterThan(0.82);
      assertThat(seenNew(column, rows, 0.7 * share, random)).isLessThan(0.6);
    }
  }

  private static double seenNew(Column.Categories column, int rows, double share, Random random) {
    int seen = 0;
    for (int round = 0; round < 500; round++) {
      CategoryMeasures measures =
          CategoryMeasures.of(column.counts(), 0, categories(random, rows, share), 0);
      seen +=
          Decision.of(List.of(Evidence.of(measures)), Thresholds.USUAL, 1).get(0).drifted() ? 1 : 0;
    }
    return seen / 500.0;
  }

  private static Map<String, Long> categories(Random random, int rows, double newShare) {
    Map<String, Long> counts = new HashMap<>();
    for (int row = 0; row < rows; row++) {
      counts.merge(random.nextDouble() < newShare ? "new" : "c" + random.nextInt(8), 1L, Long::sum);
    }
    return counts;
  }

  @Test
  void windowsAlarmByChanceAsOftenAsPlanned() {
    Random random = new Random(54);
    Request request = request(400, SIGNIFICANCE, ALWAYS);
    int alarms = 0;
    for (int round = 0; round < 1_500; round++) {
      List<Evidence> window = new ArrayList<>();
      for (int column = 0; column < 5; column++) {
        window.add(evidence(normal(random, 1_000), values(random, 400, 0)));
      }
      alarms += Decision.of(window, SIGNIFICANCE, 1).stream().anyMatch(Decision::drifted) ? 1 : 0;
    }

    DriftPlan plan = DriftPlan.of(columns(normal(random, 1_000), 5), request);

    assertThat(plan.byColumns())
        .allSatisfy(
            other ->
                assertThat(Objects.requireNonNull(other.falseAlarmEvery()))
                    .as("the level is of all columns together")
                    .isCloseTo(HOUR / 0.05, within(HOUR * 0.1)));
    assertThat(plan.windowRate()).isCloseTo(0.049, within(0.001));
    assertThat(alarms / 1_500.0).isCloseTo(plan.windowRate(), within(0.018));
    assertThat(Objects.requireNonNull(plan.falseAlarmEvery()))
        .isCloseTo(HOUR / 0.05, within(HOUR * 0.1));
  }

  @Test
  void alertsThatNeedSeveralWindowsOpenByChanceNoOftenerThanPlanned() {
    Random random = new Random(55);
    Thresholds loose = new Thresholds(0.01, 0.01, 0.01, 0.1);
    Request request = request(400, loose, new Persistence(2, 3));
    int opened = 0;
    int rounds = 800;
    int windows = 20;
    for (int round = 0; round < rounds; round++) {
      FeatureProfile profile = normal(random, 1_000);
      AlertHistory history = AlertHistory.empty();
      for (int window = 0; window < windows; window++) {
        Decision decision =
            Decision.of(List.of(evidence(profile, values(random, 400, 0))), loose, 1).get(0);
        boolean before = history.open();
        history = history.next(window, decision.verdict(), request.persistence(), 0);
        opened += history.open() && !before ? 1 : 0;
      }
    }

    double planned = DriftPlan.of(columns(normal(random, 1_000), 1), request).alertRate();

    double simulated = (double) opened / rounds / windows;
    assertThat(simulated).isLessThan(planned).isGreaterThan(0.4 * planned);
  }

  @Test
  void moreThatIsLookedAtAndFewerRowsTakeALargerShift() {
    FeatureProfile profile = normal(new Random(56), 20_000);
    double usual = size(columns(profile, 10), request(2_000, SIGNIFICANCE, ALWAYS));

    assertThat(size(columns(profile, 60), request(2_000, SIGNIFICANCE, ALWAYS)))
        .isGreaterThan(usual);
    assertThat(size(columns(profile, 10), request(200, SIGNIFICANCE, ALWAYS))).isGreaterThan(usual);
    assertThat(
            size(
                columns(profile, 10),
                new Request(HOUR, HOUR, 2_000, 1, 10, SIGNIFICANCE, 100, ALWAYS)))
        .isGreaterThan(usual);
    assertThat(
            size(
                columns(profile, 10),
                new Request(HOUR, HOUR, 2_000, 6, 1, SIGNIFICANCE, 100, ALWAYS)))
        .isEqualTo(size(columns(profile, 60), request(2_000, SIGNIFICANCE, ALWAYS)));
    assertThat(
            Objects.requireNonNull(
                    first(columns(profile, 10), request(2_000, SIGNIFICANCE, new Persistence(2, 3)))
                        .persisting())
                .size())
        .as("seen in 2 of 3 takes no window as sure as one alone")
        .isLessThan(usual);
  }

  private static double size(List<Column> columns, Request request) {
    return Objects.requireNonNull(first(columns, request).oneWindow()).size();
  }

  @Test
  void windowsThatOverlapGainNothingByPersistence() {
    List<Column> columns = columns(normal(new Random(58), 20_000), 10);
    Persistence persistence = new Persistence(2, 3);
    DriftPlan sliding =
        DriftPlan.of(
            columns, new Request(HOUR, HOUR / 12, 2_000, 1, 1, SIGNIFICANCE, 100, persistence));

    assertThat(Objects.requireNonNull(sliding.falseAlarmEvery()))
        .isCloseTo(HOUR / 12 / 0.05, within(HOUR / 12.0));
    assertThat(sliding.columns().get(0).persisting())
        .isEqualTo(sliding.columns().get(0).oneWindow());
  }

  @Test
  void suggestsRowsFromWhichAnEffectIsSignificant() {
    FeatureProfile profile = normal(new Random(57), 100_000);
    DriftPlan plan = DriftPlan.of(columns(profile, 15), request(200, Thresholds.USUAL, ALWAYS));

    long minimum = Objects.requireNonNull(plan.suggestion().minimumCount());

    assertThat(plan.columns().get(0).binding()).isEqualTo(ColumnPlan.Binding.SIGNIFICANCE);
    assertThat(
            first(columns(profile, 15), request((int) minimum, Thresholds.USUAL, ALWAYS)).binding())
        .isEqualTo(ColumnPlan.Binding.EFFECT);
    assertThat(
            first(columns(profile, 15), request((int) minimum - 1, Thresholds.USUAL, ALWAYS))
                .binding())
        .isEqualTo(ColumnPlan.Binding.SIGNIFICANCE);
    assertThat(Objects.requireNonNull(plan.suggestion().window()))
        .as("200 rows an hour give so many only later")
        .isGreaterThan(HOUR);
    assertThat(
            DriftPlan.of(
                    columns(normal(new Random(1), 100), 15), request(200, Thresholds.USUAL, ALWAYS))
                .suggestion()
                .minimumCount())
        .as("the reference is too small for any")
        .isNull();
  }

  @Test
  void whatHasNoSpreadOrNoValuesCanOnlyGoMissing() {
    FeatureProfile constant =
        FeatureProfile.of("x", Kind.FEATURE, new double[] {7, 7, 7, 7}, 2_048);
    double[] nothing = new double[1_000];
    Arrays.fill(nothing, Double.NaN);

    assertThat(first(columns(constant, 1), request(500, Thresholds.USUAL, ALWAYS)).oneWindow())
        .isNull();
    assertThat(
            first(
                    columns(FeatureProfile.of("x", Kind.FEATURE, nothing, 2_048), 1),
                    request(500, Thresholds.USUAL, ALWAYS))
                .oneWindow())
        .isNull();
  }

  @Test
  void refusesWhatCannotBePlanned() {
    assertThatThrownBy(() -> DriftPlan.of(List.of(), request(5, Thresholds.USUAL, ALWAYS)))
        .hasMessage("the reference has no columns; nothing can be planned");
    assertThatThrownBy(() -> request(0, Thresholds.USUAL, ALWAYS))
        .hasMessage("rows of a window are 0.0; there must be 1 or more");
  }
}
