package io.pelton.performance;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Arrays;

/**
 * How often rows of a score were followed by outcome 1, by isotonic regression: the rising steps
 * that are nearest to what was seen, by pooling adjacent violators (Ayer et al., Ann. Math. Stat.
 * 26, 1955). It is taken from rows that the model was not trained on.
 *
 * @param from lowest score of each step, rising strictly
 * @param chance share of outcomes 1 in each step, rising
 */
public record Calibration(double[] from, double[] chance) {
  /** Takes scores for what they say. */
  public static final Calibration NONE = new Calibration(new double[0], new double[0]);

  private static final ObjectMapper JSON = new ObjectMapper();

  public Calibration {
    if (from.length != chance.length) {
      throw new IllegalArgumentException(
          "calibration: %d scores have %d chances; each must have one"
              .formatted(from.length, chance.length));
    }
    for (int i = 0; i < from.length; i++) {
      if (!(chance[i] >= 0 && chance[i] <= 1)
          || (i > 0 && !(from[i] > from[i - 1] && chance[i] >= chance[i - 1]))) {
        throw new IllegalArgumentException(
            "calibration: step %d is %s from score %s; scores and chances must rise, chances lie in [0, 1]"
                .formatted(i, chance[i], from[i]));
      }
    }
  }

  /**
   * @param labels 0 or 1, one for each score
   */
  public static Calibration of(double[] scores, double[] labels) {
    ScoreTally tally = new ScoreTally();
    for (int i = 0; i < scores.length; i++) {
      tally.happened(ScoreCounts.millionths(scores[i]), labels[i], 1);
    }
    return of(tally.counts());
  }

  /** From counted outcomes, of which those other than 0 and 1 are left out. */
  public static Calibration of(ScoreCounts counts) {
    Ranked seen = Ranked.happened(counts);
    double[] from = new double[seen.scores.length];
    double[] positives = new double[from.length];
    double[] rows = new double[from.length];
    int steps = 0;
    for (int i = 0; i < from.length; i++) {
      double here = seen.positives[i] + seen.negatives[i];
      if (here == 0) {
        continue;
      }
      from[steps] = seen.scores[i];
      positives[steps] = seen.positives[i];
      rows[steps++] = here;
      while (steps > 1
          && positives[steps - 2] * rows[steps - 1] >= positives[steps - 1] * rows[steps - 2]) {
        positives[steps - 2] += positives[steps - 1];
        rows[steps - 2] += rows[--steps];
      }
    }
    double[] chance = new double[steps];
    for (int i = 0; i < steps; i++) {
      chance[i] = positives[i] / rows[i];
    }
    return new Calibration(Arrays.copyOf(from, steps), chance);
  }

  /** The chance of outcome 1 at a score; without steps the score, held to [0, 1]. */
  public double chance(double score) {
    if (from.length == 0) {
      return Math.max(0, Math.min(1, score));
    }
    int at = Arrays.binarySearch(from, score);
    return chance[Math.max(0, at >= 0 ? at : -at - 2)];
  }

  public String toJson() {
    try {
      return JSON.writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * @throws IllegalArgumentException when it is no calibration
   */
  public static Calibration fromJson(String json) {
    try {
      return JSON.readValue(json, Calibration.class);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("not a calibration: " + e.getOriginalMessage(), e);
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Calibration that
        && Arrays.equals(from, that.from)
        && Arrays.equals(chance, that.chance);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(from) + Arrays.hashCode(chance);
  }
}
