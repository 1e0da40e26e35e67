package io.pelton.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

final class CategoryProfileTest {
  private static final List<String> REFERENCE =
      Arrays.asList("FR", "DE", "FR", null, "IT", "DE", "FR", "ES", "FR");

  @Test
  void hasSlotsOfTheCommonestValuesOfOthersOfNewAndOfMissingOnes() {
    CategoryProfile profile = CategoryProfile.of("country", REFERENCE, 2);
    assertThat(profile.values()).containsExactly("FR", "DE");
    assertThat(profile.counts()).containsExactly(4, 2, 2, 0, 1);
    assertThat(profile.reportName()).isEqualTo("field:country");

    CategoryCounts counts = profile.counter();
    for (Object value : Arrays.asList("DE", "ES", "XX", null, "YY", "XX", 7.0, 7L, true)) {
      counts.add(value);
    }
    assertThat(counts.toSparse().dense(5)).containsExactly(0, 1, 1, 6, 1);
    assertThat(counts.newValues().rows())
        .isEqualTo(Map.of("XX", 2L, "YY", 1L, "7", 2L, "true", 1L));
  }

  @Test
  void measuresAWindowAsAllOfItsValuesDo() {
    Random random = new Random(5);
    List<String> before = new ArrayList<>();
    List<String> now = new ArrayList<>();
    for (int i = 0; i < 4_000; i++) {
      before.add(random.nextInt(20) == 0 ? null : "c" + (int) Math.abs(3 * random.nextGaussian()));
      now.add("c" + (int) Math.abs(4 * random.nextGaussian()));
    }
    CategoryProfile profile = CategoryProfile.of("c", before, 100);
    CategoryCounts counts = profile.counter();
    now.forEach(counts::add);

    CategoryMeasures counted = profile.measure(counts.toSparse(), 1);
    CategoryMeasures all = CategoryMeasures.of(rows(before), missing(before), rows(now), 0);
    assertThat(counted.unseen()).isEqualTo(all.unseen()).isPositive();
    assertThat(counted.missingPValue()).isEqualTo(all.missingPValue());
    // Those that are new are one bin here, and pooled there.
    assertThat(counted.chiSquare() / all.chiSquare()).isBetween(0.99, 1.01);
    assertThat(counted.baselineCount()).isEqualTo(4_000);
    assertThat(profile.measure(counts.toSparse(), 4).chiSquare())
        .isLessThan(counted.chiSquare() / 3);
  }

  private static Map<String, Long> rows(List<String> values) {
    Map<String, Long> rows = new TreeMap<>();
    values.stream().filter(v -> v != null).forEach(value -> rows.merge(value, 1L, Long::sum));
    return rows;
  }

  private static long missing(List<String> values) {
    return values.stream().filter(value -> value == null).count();
  }

  @Test
  void newValuesMergeToTheSampleOfAllInAnyOrder() {
    CategoryProfile profile = CategoryProfile.of("country", REFERENCE, 2);
    CategoryCounts whole = profile.counter();
    CategoryCounts first = profile.counter();
    CategoryCounts second = profile.counter();
    Random random = new Random(6);
    for (int i = 0; i < 3_000; i++) {
      String value = "new-" + random.nextInt(200);
      whole.add(value);
      (random.nextBoolean() ? first : second).add(value);
    }
    assertThat(whole.newValues().rows()).hasSize(NewValues.MOST);
    assertThat(second.newValues().plus(first.newValues())).isEqualTo(whole.newValues());
    assertThat(second.toSparse().plus(first.toSparse())).isEqualTo(whole.toSparse());
  }

  @Test
  void lengthsAndNumbersOfFieldsAreCountedAsTheyAreWritten() {
    FeatureProfile lengths =
        FeatureProfile.of("note", FeatureProfile.Kind.TEXT, new double[] {1, 2, 3}, 16);
    ValueCounts texts = lengths.counter();
    for (Object value : Arrays.asList("ab", "\uD83D\uDE00", null, 12L)) {
      texts.add(value);
    }
    assertThat(texts.toSparse().dense(8)).containsExactly(0, 1, 0, 2, 0, 0, 0, 1);
    FeatureProfile numbers =
        FeatureProfile.of("amount", FeatureProfile.Kind.FIELD, new double[] {0, 1, 2.5}, 16);
    ValueCounts values = numbers.counter();
    for (Object value : Arrays.asList(true, 1L, "2.5", "much", null, 2.5)) {
      values.add(value);
    }
    assertThat(values.toSparse().dense(8)).containsExactly(0, 0, 0, 2, 0, 2, 0, 2);
  }

  @Test
  void refusesMoreValuesThanCategoriesHave() {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i <= CategoryProfile.MOST_VALUES; i++) {
      ids.add("id-" + i);
    }
    assertThatThrownBy(() -> CategoryProfile.of("id", ids, 100))
        .hasMessage("profile of id has 100,001 different values; categories have at most 100,000");
  }
}
