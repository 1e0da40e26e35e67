package io.pelton.drift.compare;

import io.pelton.drift.SampleSorter;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What one file holds of a column: numbers as long as there are no others, and categories from the
 * first value on when that is none. A file in which a number is followed by something else has to
 * be read again.
 */
final class ColumnTally {
  /** Above it, values are taken for texts, of which only the length counts. */
  static final int MOST_CATEGORIES = 100_000;

  /** Longer texts count as so long. */
  private static final int LONGEST = 65_535;

  private static final int FIRST_CHUNK = 1 << 12;

  private final SampleSorter sorter;
  private final int mostChunk;
  private double[] chunk = new double[0];
  private int size;
  private boolean numbers;
  private boolean texts;
  private boolean tooMany;
  private long missing;
  private long notNumbers;
  private final List<SampleSorter.Run> runs = new ArrayList<>();
  private final Map<String, long[]> categories = new HashMap<>();
  private long[] lengths = {};

  /**
   * @param mostChunk numbers that are sorted at once
   * @param asText whether numbers count by their text
   */
  ColumnTally(SampleSorter sorter, int mostChunk, boolean asText) {
    this.sorter = sorter;
    this.mostChunk = mostChunk;
    texts = asText;
  }

  /** Takes a cell, null where there is none. */
  void add(@Nullable Object value) throws IOException {
    if (value instanceof Number number && !texts) {
      add(number.doubleValue());
    } else {
      char[] text = value == null ? new char[0] : value.toString().toCharArray();
      add(text, 0, text.length);
    }
  }

  /** Takes a cell's text; an empty one is none. */
  void add(char[] chars, int start, int length) throws IOException {
    if (length == 0) {
      missing++;
      return;
    }
    if (!texts) {
      double value;
      try {
        value = Numbers.parse(chars, start, length);
      } catch (NumberFormatException e) {
        startTexts(new String(chars, start, length));
        return;
      }
      add(value);
    } else if (!numbers) {
      count(new String(chars, start, length));
    }
  }

  private void startTexts(String first) {
    texts = true;
    if (numbers) {
      forgetNumbers();
    } else {
      count(first);
    }
  }

  private void add(double value) throws IOException {
    numbers = true;
    if (Double.isNaN(value)) {
      notNumbers++;
      return;
    }
    if (size == chunk.length) {
      if (size == mostChunk) {
        runs.add(sorter.run(chunk, size));
        size = 0;
      } else {
        chunk = Arrays.copyOf(chunk, Math.min(mostChunk, Math.max(FIRST_CHUNK, 2 * size)));
      }
    }
    chunk[size++] = value;
  }

  /** They come again, as texts. */
  private void forgetNumbers() {
    sorter.forget(runs);
    runs.clear();
    chunk = new double[0];
    size = 0;
  }

  private void count(String text) {
    int length = Math.min(LONGEST, text.codePointCount(0, text.length()));
    if (length >= lengths.length) {
      lengths = Arrays.copyOf(lengths, Math.max(length + 1, 2 * lengths.length));
    }
    lengths[length]++;
    if (!tooMany) {
      categories.computeIfAbsent(text, unused -> new long[1])[0]++;
      if (categories.size() > MOST_CATEGORIES) {
        tooMany = true;
        categories.clear();
      }
    }
  }

  /** There are no more cells. */
  void finish() throws IOException {
    if (size > 0 && !texts) {
      runs.add(sorter.run(chunk, size));
    }
    chunk = new double[0];
    size = 0;
  }

  /** Adds rows of a file that does not have the column. */
  void lacks(long rows) {
    missing += rows;
  }

  /** Whether something else than numbers was among the values. */
  boolean hasTexts() {
    return texts;
  }

  /** Whether numbers were: as categories they have to be read again. */
  boolean hasNumbers() {
    return numbers;
  }

  boolean hasTooMany() {
    return tooMany;
  }

  /** Cells without a number. */
  long missingNumbers() {
    return missing + notNumbers;
  }

  /** Cells without a value. */
  long missing() {
    return missing;
  }

  List<SampleSorter.Run> runs() {
    return runs;
  }

  Map<String, long[]> categories() {
    return categories;
  }

  /** Of the texts: how many are so long. */
  long[] lengths() {
    return lengths;
  }
}
