package io.pelton.registry;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** Finds the known name that a mistyped one probably meant. */
public final class NearestName {
  private NearestName() {}

  /** The candidate with the fewest edits, if a third of the name or fewer differ. */
  public static Optional<String> of(String name, Collection<String> candidates) {
    return candidates.stream()
        .min(
            Comparator.<String>comparingInt(known -> edits(name, known))
                .thenComparing(known -> known))
        .filter(
            known ->
                edits(name, known) <= Math.max(1, Math.max(name.length(), known.length()) / 3));
  }

  /** {@code ; did you mean "x"?}, or the known names, or that there are none. */
  public static String hint(String name, Collection<String> candidates) {
    if (candidates.isEmpty()) {
      return "; there are none";
    }
    return of(name, candidates)
        .map(known -> "; did you mean \"" + known + "\"?")
        .orElseGet(() -> "; known: " + String.join(", ", candidates));
  }

  /** Levenshtein distance, ignoring case. */
  private static int edits(String left, String right) {
    int[] row = new int[right.length() + 1];
    for (int j = 0; j <= right.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= left.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      char a = Character.toLowerCase(left.charAt(i - 1));
      for (int j = 1; j <= right.length(); j++) {
        int substituted = diagonal + (a == Character.toLowerCase(right.charAt(j - 1)) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(substituted, 1 + Math.min(row[j - 1], row[j]));
      }
    }
    return row[right.length()];
  }
}
