package io.pelton.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.pelton.drift.CategoryMeasures.Kind;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Reference values are SciPy's, {@code chi2_contingency(correction=False)}. */
final class CategoryMeasuresTest {
  @Test
  void measuresAsSciPyDoes() {
    CategoryMeasures measures =
        CategoryMeasures.of(
            Map.of("a", 50L, "b", 30L, "c", 20L), 0, Map.of("a", 30L, "b", 45L, "c", 25L), 0);
    assertThat(measures.chiSquare()).isCloseTo(8.555555555555557, within(1e-12));
    assertThat(measures.pValue()).isCloseTo(0.0138734577625275, within(1e-12));
    assertThat(measures.cramersV()).isCloseTo(0.18136376997483186, within(1e-12));
    assertThat(measures.bins())
        .extracting(CategoryMeasures.Bin::value)
        .containsExactly("a", "b", "c");
    assertThat(measures.unseen()).isZero();
    assertThat(measures.missingPValue()).isEqualTo(1);
  }

  @Test
  void poolsWhatTooFewRowsHaveTheSmallestFirst() {
    CategoryMeasures measures =
        CategoryMeasures.of(
            Map.of("a", 50L, "b", 30L, "c", 9L, "d", 1L),
            0,
            Map.of("a", 50L, "b", 30L, "c", 8L, "new", 2L),
            0);
    assertThat(measures.bins())
        .containsExactly(
            new CategoryMeasures.Bin(Kind.VALUE, "a", 50, 50),
            new CategoryMeasures.Bin(Kind.VALUE, "b", 30, 30),
            new CategoryMeasures.Bin(Kind.OTHER, null, 10, 10));
    assertThat(measures.chiSquare()).isZero();
    assertThat(measures.unseen()).isEqualTo(2);
  }

  @Test
  void missingValuesAreACategory() {
    CategoryMeasures measures = CategoryMeasures.of(Map.of("a", 100L), 0, Map.of("a", 50L), 50);
    assertThat(measures.pValue()).isLessThan(1e-12);
    assertThat(measures.missingPValue()).isLessThan(1e-12);
    assertThat(measures.bins()).contains(new CategoryMeasures.Bin(Kind.MISSING, null, 0, 50));
  }

  @Test
  void oneCategoryCannotDrift() {
    CategoryMeasures measures = CategoryMeasures.of(Map.of("a", 3L), 0, Map.of("b", 1L), 0);
    assertThat(measures.bins()).as("too few to be tested").hasSize(1);
    assertThat(measures.pValue()).isEqualTo(1);
    assertThat(measures.cramersV()).isZero();
    assertThat(measures.psiPValue()).isEqualTo(1);
  }

  @Test
  void refusesASideWithoutRows() {
    assertThatThrownBy(() -> CategoryMeasures.of(Map.of("a", 3L), 0, Map.of(), 0))
        .hasMessage("a side has no rows; nothing can be measured");
  }
}
