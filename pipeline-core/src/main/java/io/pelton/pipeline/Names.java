package io.pelton.pipeline;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;

/** Suggests what somebody may have meant. */
public final class Names {
  private Names() {}

  /**
   * {@code ; did you mean "x"?} for the nearest of {@code known} when it is near, else {@code ;
   * known are …}.
   */
  public static String suggest(String unknown, Collection<String> known) {
    if (known.isEmpty()) {
      return "; there are none";
    }
    String nearest =
        known.stream()
            .min(Comparator.comparingInt((String name) -> distance(unknown, name)))
            .orElseThrow();
    if (distance(unknown, nearest) <= Math.max(2, unknown.length() / 3)) {
      return "; did you mean \"" + nearest + "\"?";
    }
    return "; known: " + String.join(", ", known);
  }

  /** Edit distance with transpositions of neighbours (optimal string alignment). */
  static int distance(String left, String right) {
    String a = left.toLowerCase(Locale.ROOT);
    String b = right.toLowerCase(Locale.ROOT);
    int[][] d = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          d[i][j] = i + j;
          continue;
        }
        int substitution = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        d[i][j] = Math.min(d[i - 1][j - 1] + substitution, Math.min(d[i - 1][j], d[i][j - 1]) + 1);
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
        }
      }
    }
    return d[a.length()][b.length()];
  }
}
