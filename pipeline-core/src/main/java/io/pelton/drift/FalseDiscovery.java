package io.pelton.drift;

import java.util.Comparator;
import java.util.stream.IntStream;

/** Control of the false discovery rate over many tests (Benjamini and Hochberg 1995). */
public final class FalseDiscovery {
  private FalseDiscovery() {}

  /**
   * Adjusted p-values in the order of the given ones: a test counts as a discovery at level q when
   * its own is at or below q.
   */
  public static double[] adjust(double[] pValues) {
    int[] descending =
        IntStream.range(0, pValues.length)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer i) -> pValues[i]).reversed())
            .mapToInt(Integer::intValue)
            .toArray();
    double[] adjusted = new double[pValues.length];
    double smallest = 1;
    for (int i = 0; i < descending.length; i++) {
      int rank = pValues.length - i;
      smallest = Math.min(smallest, pValues[descending[i]] * pValues.length / rank);
      adjusted[descending[i]] = smallest;
    }
    return adjusted;
  }
}
