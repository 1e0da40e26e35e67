package io.pelton.feature;

import java.util.Comparator;

/** Event ids: which comes first among events of one time. */
public final class EventIds {
  /**
   * Numbers (decimal digits only, of any length) before text; numbers by value, text by UTF-16
   * units. Numbers of one value but other leading zeros are ordered as text, so only equal ids
   * compare as equal.
   */
  public static final Comparator<String> ORDER = EventIds::compare;

  private EventIds() {}

  private static int compare(String a, String b) {
    boolean numeric = isNumber(a);
    if (numeric != isNumber(b)) {
      return numeric ? -1 : 1;
    }
    if (!numeric) {
      return a.compareTo(b);
    }
    int startA = firstSignificant(a);
    int startB = firstSignificant(b);
    int byLength = Integer.compare(a.length() - startA, b.length() - startB);
    if (byLength != 0) {
      return byLength;
    }
    for (int i = startA, j = startB; i < a.length(); i++, j++) {
      int byDigit = Character.compare(a.charAt(i), b.charAt(j));
      if (byDigit != 0) {
        return byDigit;
      }
    }
    return a.compareTo(b);
  }

  private static boolean isNumber(String id) {
    for (int i = 0; i < id.length(); i++) {
      char c = id.charAt(i);
      if (c < '0' || c > '9') {
        return false;
      }
    }
    return !id.isEmpty();
  }

  private static int firstSignificant(String number) {
    int i = 0;
    while (i < number.length() && number.charAt(i) == '0') {
      i++;
    }
    return i;
  }
}
