package io.pelton.benchmarks;

import io.pelton.model.ScoringException;
import io.pelton.model.ScoringModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The same rows, scored by one model on two devices. */
final class DeviceComparison {
  /** What golden rows have to agree within too; of the value, where it is above 1. */
  static final double TOLERANCE = 1e-5;

  static final List<Integer> BATCHES = List.of(1, 8, 32, 128, 512, 2048);
  private static final int ROUNDS = 5;

  private final ScoringModel reference;
  private final ScoringModel other;
  private final double[][] rows;
  private final long roundNanos;

  /**
   * @param batch rows
   * @param difference the largest of all outputs, of the value where it is above 1; infinite when
   *     one of the two is no number
   */
  record Line(int batch, double referenceRate, double otherRate, double difference) {}

  /**
   * @param rows that fill the batches, over and over
   * @param seconds to measure each device with each batch
   */
  DeviceComparison(ScoringModel reference, ScoringModel other, double[][] rows, double seconds) {
    this.reference = reference;
    this.other = other;
    this.rows = rows;
    this.roundNanos = (long) (seconds * 1e9 / ROUNDS);
  }

  List<Line> run() throws ScoringException {
    List<Line> lines = new ArrayList<>();
    for (int batch : BATCHES) {
      lines.add(line(batch));
    }
    return lines;
  }

  /** The devices take turns, so that what else the machine does meets both. */
  private Line line(int batch) throws ScoringException {
    double[][] values = new double[batch][];
    Arrays.setAll(values, row -> rows[row % rows.length]);
    double[] expected = new double[batch * reference.outputs()];
    double[] actual = new double[batch * other.outputs()];
    rate(reference, values, expected); // an engine plans for each new size
    rate(other, values, actual);
    double difference = difference(expected, actual);
    double[] referenceRates = new double[ROUNDS];
    double[] otherRates = new double[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
      referenceRates[round] = rate(reference, values, expected);
      otherRates[round] = rate(other, values, actual);
    }
    return new Line(batch, median(referenceRates), median(otherRates), difference);
  }

  private double rate(ScoringModel model, double[][] values, double[] outputs)
      throws ScoringException {
    long start = System.nanoTime();
    long scored = 0;
    long took;
    do {
      model.score(values, 0, values.length, outputs);
      scored += values.length;
      took = System.nanoTime() - start;
    } while (took < roundNanos);
    return scored * 1e9 / took;
  }

  private static double difference(double[] expected, double[] actual) {
    double largest = 0;
    for (int i = 0; i < expected.length; i++) {
      if (Double.compare(expected[i], actual[i]) != 0) {
        double difference = Math.abs(expected[i] - actual[i]) / Math.max(1, Math.abs(expected[i]));
        largest =
            Math.max(largest, Double.isNaN(difference) ? Double.POSITIVE_INFINITY : difference);
      }
    }
    return largest;
  }

  private static double median(double[] values) {
    Arrays.sort(values);
    return values[values.length / 2];
  }

  /** As Markdown. */
  String table(List<Line> lines) {
    StringBuilder table =
        new StringBuilder(
            "| batch | %1$s rows/s | %2$s rows/s | %2$s / %1$s | largest difference |%n|---|---|---|---|---|%n"
                .formatted(reference.device(), other.device()));
    for (Line line : lines) {
      table.append(
          "| %,d | %,.0f | %,.0f | %.2f | %.1e |%n"
              .formatted(
                  line.batch,
                  line.referenceRate,
                  line.otherRate,
                  line.otherRate / line.referenceRate,
                  line.difference));
    }
    return table.toString();
  }
}
