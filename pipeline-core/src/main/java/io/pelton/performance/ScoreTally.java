package io.pelton.performance;

import java.util.Arrays;

/**
 * Counts predictions and outcomes one by one. They are gathered, and sorted into the counts when
 * there are many: a row costs about as much as sorting it does.
 */
public final class ScoreTally {
  private static final int GATHERED = 4_096;
  private static final int PREDICTED = 0;
  private static final int POSITIVE = 1;
  private static final int NEGATIVE = 2;

  private ScoreCounts counts = ScoreCounts.none();

  /** Score, what happened, and whether it is taken back: 61, 2 and 1 bits. */
  private long[] gathered = new long[64];

  private int size;
  private long missing;
  private ScoreCounts.Errors errors = ScoreCounts.Errors.NONE;

  /**
   * A prediction.
   *
   * @param score in millionths
   * @param missingFeature whether it was scored without one of its features
   * @param times 1, or -1 to take it back
   */
  public void predicted(long score, boolean missingFeature, int times) {
    gather(score, PREDICTED, times);
    if (missingFeature) {
      missing += times;
    }
  }

  /**
   * The outcome of a prediction.
   *
   * @param score in millionths
   * @param times 1, or -1 to take it back
   */
  public void happened(long score, double label, int times) {
    if (label == 1) {
      gather(score, POSITIVE, times);
    } else if (label == 0) {
      gather(score, NEGATIVE, times);
    } else {
      errors = errors.plus(score - ScoreCounts.millionths(label), times);
    }
  }

  private void gather(long score, int what, int times) {
    if (times != 1 && times != -1) {
      throw new IllegalArgumentException(
          "a row is counted %d times; it must be 1, or -1 to take it back".formatted(times));
    }
    if (size == gathered.length) {
      if (size < GATHERED) {
        gathered = Arrays.copyOf(gathered, 2 * size);
      } else {
        sortIn();
      }
    }
    gathered[size++] = score << 3 | what << 1 | (times < 0 ? 1 : 0);
  }

  private void sortIn() {
    Arrays.sort(gathered, 0, size);
    long[] scores = new long[size];
    long[][] more = new long[3][size];
    int groups = 0;
    for (int i = 0; i < size; i++) {
      long score = gathered[i] >> 3;
      if (groups == 0 || scores[groups - 1] != score) {
        scores[groups++] = score;
      }
      more[(int) (gathered[i] >> 1 & 3)][groups - 1] += (gathered[i] & 1) == 0 ? 1 : -1;
    }
    size = 0;
    counts =
        counts.plus(
            new ScoreCounts(
                1,
                Arrays.copyOf(scores, groups),
                Arrays.copyOf(more[0], groups),
                Arrays.copyOf(more[1], groups),
                Arrays.copyOf(more[2], groups),
                missing,
                errors));
    missing = 0;
    errors = ScoreCounts.Errors.NONE;
  }

  /** All of it so far. */
  public ScoreCounts counts() {
    sortIn();
    return counts;
  }
}
