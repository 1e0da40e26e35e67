package io.pelton.drift.compare;

import ch.randelshofer.fastdoubleparser.JavaDoubleParser;
import java.util.Locale;

/** Numbers as data files write them: decimal, with a point; {@code nan} and {@code inf} too. */
final class Numbers {
  private Numbers() {}

  /**
   * @throws NumberFormatException when the text is none
   */
  static double parse(char[] text, int start, int length) {
    int from = start;
    int to = start + length;
    while (from < to && Character.isWhitespace(text[from])) {
      from++;
    }
    while (to > from && Character.isWhitespace(text[to - 1])) {
      to--;
    }
    if (from < to && text[to - 1] > '9') {
      return special(new String(text, from, to - from));
    }
    int digits = from < to && (text[from] == '-' || text[from] == '+') ? from + 1 : from;
    if (digits + 1 < to && (text[digits + 1] == 'x' || text[digits + 1] == 'X')) {
      throw new NumberFormatException("a hexadecimal number, which Java has and data has not");
    }
    return JavaDoubleParser.parseDouble(text, from, to - from);
  }

  private static double special(String word) {
    return switch (word.toLowerCase(Locale.ROOT)) {
      case "nan" -> Double.NaN;
      case "inf", "+inf", "infinity", "+infinity" -> Double.POSITIVE_INFINITY;
      case "-inf", "-infinity" -> Double.NEGATIVE_INFINITY;
      default -> throw new NumberFormatException(word);
    };
  }
}
