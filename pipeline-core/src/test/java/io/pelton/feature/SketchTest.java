package io.pelton.feature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.pelton.aggregate.Accumulator;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** What tiles hold: exact while few, then close, and the same however it was merged. */
class SketchTest {
  private static final Supplier<Accumulator> QUANTILES =
      () -> new Quantiles(0.95, Quantiles.Keeps.FEW);

  /** As merged of parts of at most {@code size}, in a shuffled order. */
  private static Accumulator merged(
      Supplier<Accumulator> empty, List<Double> values, int size, Random random)
      throws IOException {
    List<Accumulator> parts = new ArrayList<>();
    for (int from = 0; from < values.size(); from += size) {
      Accumulator part = empty.get();
      for (double value : values.subList(from, Math.min(from + size, values.size()))) {
        part.add(value, null, 0);
      }
      parts.add(part);
    }
    Collections.shuffle(parts, random);
    Accumulator whole = empty.get();
    for (Accumulator part : parts) {
      whole.merge(random.nextBoolean() ? part : writtenAndRead(part, empty));
    }
    return random.nextBoolean() ? whole.copy() : writtenAndRead(whole, empty);
  }

  private static Accumulator writtenAndRead(Accumulator accumulator, Supplier<Accumulator> empty)
      throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    accumulator.write(new DataOutputStream(bytes));
    Accumulator read = empty.get();
    read.read(new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));
    return read;
  }

  @Test
  void differentValuesAreExactWhileFewThenWithinTheErrorOfHyperLogLog() throws IOException {
    Random random = new Random(3);
    for (int different : new int[] {1, 17, Distinct.EXACT, Distinct.EXACT + 1, 2_000, 50_000}) {
      List<Double> values = new ArrayList<>();
      for (int i = 0; i < different; i++) {
        values.add(i / 100.0);
        if (random.nextInt(3) == 0) {
          values.add(random.nextInt(i + 1) / 100.0);
        }
      }
      double whole = merged(Distinct::new, values, values.size(), random).number(0);
      // Five standard errors of 2^12 registers.
      double error = different <= Distinct.EXACT ? 0 : 5 * 1.04 / 64 * different;
      assertThat(whole).isCloseTo(different, within(error));
      for (int size : new int[] {1, 50, 700}) {
        Collections.shuffle(values, random);
        assertThat(merged(Distinct::new, values, size, random).number(0)).isEqualTo(whole);
      }
    }
  }

  @Test
  void quantilesAreExactWhileFewThenWithinHalfAPercent() throws IOException {
    Random random = new Random(5);
    for (int count : new int[] {1, 2, 100, Quantiles.EXACT, Quantiles.EXACT + 1, 3_000}) {
      List<Double> values = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        values.add(Math.exp(3 * random.nextGaussian()) * (random.nextInt(30) == 0 ? -1 : 1));
      }
      double[] sorted = values.stream().mapToDouble(Double::doubleValue).toArray();
      Arrays.sort(sorted);
      double rank = 0.95 * (count - 1);
      int below = (int) rank;
      double expected =
          rank == below
              ? sorted[below]
              : sorted[below] + (rank - below) * (sorted[below + 1] - sorted[below]);
      double whole = merged(QUANTILES, values, values.size(), random).number(0);
      if (count <= Quantiles.EXACT) {
        assertThat(whole).isEqualTo(expected);
      } else {
        assertThat(whole)
            .isCloseTo(sorted[below], within(Math.abs(sorted[below]) * Quantiles.ACCURACY));
      }
      for (int size : new int[] {1, 60, 700}) {
        Collections.shuffle(values, random);
        assertThat(merged(QUANTILES, values, size, random).number(0)).isEqualTo(whole);
      }
    }
  }
}
