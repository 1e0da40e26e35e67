package io.pelton.benchmarks.calibration;

import io.pelton.drift.CategoryMeasures;
import io.pelton.drift.ColumnMeasures;
import io.pelton.drift.FeatureProfile;
import io.pelton.drift.Measures;
import io.pelton.drift.ValueCounts;
import java.util.HashMap;
import java.util.Map;

/** What windows of a column are measured against. */
interface Reference {
  /** As the pipeline file has them where it says nothing. */
  int EDGES = 2048;

  ColumnMeasures measure(double[] window);

  static Reference ofNumbers(double[] sample, int edges) {
    FeatureProfile profile = FeatureProfile.of("x", FeatureProfile.Kind.FEATURE, sample, edges);
    return window -> Measures.of(profile, counts(profile, window));
  }

  static ValueCounts counts(FeatureProfile profile, double[] window) {
    ValueCounts counts = new ValueCounts(profile);
    for (double value : window) {
      counts.add(value);
    }
    return counts;
  }

  static Reference ofCategories(double[] sample) {
    Map<String, Long> before = categories(sample);
    return window -> CategoryMeasures.of(before, 0, categories(window), 0);
  }

  private static Map<String, Long> categories(double[] sample) {
    long[] counts = new long[64];
    for (double value : sample) {
      counts[(int) value]++;
    }
    Map<String, Long> categories = new HashMap<>();
    for (int i = 0; i < counts.length; i++) {
      if (counts[i] > 0) {
        categories.put(Integer.toString(i), counts[i]);
      }
    }
    return categories;
  }
}
