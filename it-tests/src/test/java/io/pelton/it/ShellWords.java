package io.pelton.it;

import java.util.ArrayList;
import java.util.List;

/** A command line's words as a shell takes them apart; of substitutions, it knows the date. */
final class ShellWords {
  private ShellWords() {}

  static List<String> of(String line) {
    String text = line.replaceAll("\\$\\(date[^)]*\\)", "2026-01-31").replaceAll("\\\\\\R", " ");
    List<String> words = new ArrayList<>();
    StringBuilder word = null;
    char quote = 0;
    for (char c : text.toCharArray()) {
      if (quote != 0) {
        if (c == quote) {
          quote = 0;
        } else {
          word.append(c);
        }
      } else if (c == '\'' || c == '"') {
        quote = c;
        word = word == null ? new StringBuilder() : word;
      } else if (c == '#' && word == null) {
        break;
      } else if (Character.isWhitespace(c)) {
        if (word != null) {
          words.add(word.toString());
        }
        word = null;
      } else {
        word = (word == null ? new StringBuilder() : word).append(c);
      }
    }
    if (quote != 0) {
      throw new IllegalArgumentException("no closing " + quote + " in: " + line);
    }
    if (word != null) {
      words.add(word.toString());
    }
    return words;
  }
}
