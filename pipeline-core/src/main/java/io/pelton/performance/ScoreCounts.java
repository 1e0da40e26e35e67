package io.pelton.performance;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.util.Arrays;

/**
 * Predictions, and what became of them, counted by score. Scores are millionths; of each the number
 * of predictions, of outcomes 1 and of outcomes 0. Integers only, so that counts merge by addition,
 * the same in any order. Arrays are never changed.
 *
 * <p>While there are at most {@link #MOST} different scores each has a count of its own. Above,
 * scores are counted in steps of the least power of ten that leaves no more, counted from 0: which
 * one depends on the scores alone, not on the order that they came or were merged in. Every score
 * is then known up to half a step.
 *
 * @param step millionths, a power of ten; 1 where every score has its own count
 * @param scores lower ends of the steps in millionths, rising strictly
 * @param rows predictions of each
 * @param positives outcomes 1 of each
 * @param negatives outcomes 0 of each
 * @param missing predictions that were scored with a missing feature
 * @param errors of outcomes that are neither 0 nor 1
 */
public record ScoreCounts(
    long step,
    long[] scores,
    long[] rows,
    long[] positives,
    long[] negatives,
    long missing,
    Errors errors) {
  /** Different scores that are kept apart. */
  public static final int MOST = 16_384;

  static final long MILLION = 1_000_000;
  private static final long FARTHEST = 1_000_000_000_000_000_000L;
  private static final int BYTES = 1;

  /**
   * Exact sums of score less outcome, in millionths: of the first powers, the absolute values, the
   * squares and the fourth powers.
   */
  public record Errors(
      long count, BigInteger sum, BigInteger absolute, BigInteger squares, BigInteger fourths) {
    static final Errors NONE =
        new Errors(0, BigInteger.ZERO, BigInteger.ZERO, BigInteger.ZERO, BigInteger.ZERO);

    Errors plus(Errors other) {
      if (other.count == 0 && other.absolute.signum() == 0) {
        return this;
      }
      return new Errors(
          count + other.count,
          sum.add(other.sum),
          absolute.add(other.absolute),
          squares.add(other.squares),
          fourths.add(other.fourths));
    }

    /** With one error {@code times} times; negative takes away. */
    Errors plus(long error, long times) {
      BigInteger factor = BigInteger.valueOf(times);
      BigInteger signed = BigInteger.valueOf(error);
      BigInteger square = signed.multiply(signed);
      return new Errors(
          count + times,
          sum.add(signed.multiply(factor)),
          absolute.add(signed.abs().multiply(factor)),
          squares.add(square.multiply(factor)),
          fourths.add(square.multiply(square).multiply(factor)));
    }
  }

  public ScoreCounts {
    if (rows.length != scores.length
        || positives.length != scores.length
        || negatives.length != scores.length) {
      throw new IllegalArgumentException(
          "%d scores have %d, %d and %d counts; each must have one of all three"
              .formatted(scores.length, rows.length, positives.length, negatives.length));
    }
  }

  /** Nothing counted. */
  public static ScoreCounts none() {
    return new ScoreCounts(1, new long[0], new long[0], new long[0], new long[0], 0, Errors.NONE);
  }

  /** A finite score or label in millionths, rounded; up to a million million either way. */
  public static long millionths(double value) {
    return Math.max(-FARTHEST, Math.min(FARTHEST, Math.round(value * MILLION)));
  }

  public long predictions() {
    return Arrays.stream(rows).sum();
  }

  /** Outcomes of all kinds. */
  public long outcomes() {
    return Arrays.stream(positives).sum() + Arrays.stream(negatives).sum() + errors.count;
  }

  /** Whether nothing is left of what was counted. */
  public boolean isEmpty() {
    return scores.length == 0 && missing == 0 && errors.equals(Errors.NONE);
  }

  /** The middle of a step; of the one that begins with 1 its beginning, for shares end there. */
  double score(int group) {
    long lower = scores[group];
    return step == 1 || lower == MILLION
        ? (double) lower / MILLION
        : (lower + (step - 1) / 2.0) / MILLION;
  }

  /** Both together. */
  public ScoreCounts plus(ScoreCounts other) {
    if (other.isEmpty()) {
      return this;
    }
    ScoreCounts mine = this;
    ScoreCounts others = other;
    long common = Math.max(step, other.step);
    mine = mine.coarsened(common);
    others = others.coarsened(common);
    int most = mine.scores.length + others.scores.length;
    long[] scores = new long[most];
    long[][] counts = new long[3][most];
    int size = 0;
    int i = 0;
    int j = 0;
    while (i < mine.scores.length || j < others.scores.length) {
      boolean first =
          j == others.scores.length
              || (i < mine.scores.length && mine.scores[i] <= others.scores[j]);
      boolean second =
          i == mine.scores.length
              || (j < others.scores.length && others.scores[j] <= mine.scores[i]);
      scores[size] = first ? mine.scores[i] : others.scores[j];
      if (first) {
        counts[0][size] += mine.rows[i];
        counts[1][size] += mine.positives[i];
        counts[2][size] += mine.negatives[i++];
      }
      if (second) {
        counts[0][size] += others.rows[j];
        counts[1][size] += others.positives[j];
        counts[2][size] += others.negatives[j++];
      }
      if ((counts[0][size] | counts[1][size] | counts[2][size]) == 0) {
        continue; // the next takes its place
      }
      size++;
    }
    return new ScoreCounts(
            common,
            Arrays.copyOf(scores, size),
            Arrays.copyOf(counts[0], size),
            Arrays.copyOf(counts[1], size),
            Arrays.copyOf(counts[2], size),
            missing + other.missing,
            errors.plus(other.errors))
        .bounded();
  }

  /** In the least steps that leave no more than {@link #MOST} different ones. */
  ScoreCounts bounded() {
    ScoreCounts bounded = this;
    while (bounded.scores.length > MOST) {
      bounded = bounded.coarsened(bounded.step * 10);
    }
    return bounded;
  }

  private ScoreCounts coarsened(long coarser) {
    if (coarser == step) {
      return this;
    }
    long[] lower = new long[scores.length];
    long[][] counts = new long[3][scores.length];
    int size = 0;
    for (int i = 0; i < scores.length; i++) {
      long start = Math.floorDiv(scores[i], coarser) * coarser;
      if (size == 0 || lower[size - 1] != start) {
        lower[size++] = start;
      }
      counts[0][size - 1] += rows[i];
      counts[1][size - 1] += positives[i];
      counts[2][size - 1] += negatives[i];
    }
    return new ScoreCounts(
        coarser,
        Arrays.copyOf(lower, size),
        Arrays.copyOf(counts[0], size),
        Arrays.copyOf(counts[1], size),
        Arrays.copyOf(counts[2], size),
        missing,
        errors);
  }

  /** As it travels and rests: four or five bytes a score. */
  public byte[] toBytes() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(16 + 5 * scores.length);
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeByte(BYTES);
      write(out, step);
      write(out, missing);
      write(out, scores.length);
      long previous = 0;
      for (int i = 0; i < scores.length; i++) {
        write(out, (scores[i] - previous) / (i == 0 ? 1 : step));
        previous = scores[i];
        write(out, rows[i]);
        write(out, positives[i]);
        write(out, negatives[i]);
      }
      write(out, errors.count);
      write(out, errors.sum);
      write(out, errors.absolute);
      write(out, errors.squares);
      write(out, errors.fourths);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /**
   * @param bytes as {@link #toBytes} gave them
   */
  public static ScoreCounts of(byte[] bytes) {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      int form = in.readByte();
      if (form != BYTES) {
        throw new IllegalArgumentException(
            "counts of scores are of form %d; this version reads form %d".formatted(form, BYTES));
      }
      long step = read(in);
      long missing = read(in);
      int size = (int) read(in);
      long[] scores = new long[size];
      long[][] counts = new long[3][size];
      long previous = 0;
      for (int i = 0; i < size; i++) {
        previous += read(in) * (i == 0 ? 1 : step);
        scores[i] = previous;
        counts[0][i] = read(in);
        counts[1][i] = read(in);
        counts[2][i] = read(in);
      }
      Errors errors = new Errors(read(in), readBig(in), readBig(in), readBig(in), readBig(in));
      return new ScoreCounts(step, scores, counts[0], counts[1], counts[2], missing, errors);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Seven bits a byte, the sign in the lowest. */
  private static void write(DataOutputStream out, long value) throws IOException {
    long rest = (value << 1) ^ (value >> 63);
    while ((rest & ~0x7fL) != 0) {
      out.writeByte((int) (rest & 0x7f | 0x80));
      rest >>>= 7;
    }
    out.writeByte((int) rest);
  }

  private static long read(DataInputStream in) throws IOException {
    long value = 0;
    int shift = 0;
    int next;
    do {
      next = in.readByte();
      value |= (long) (next & 0x7f) << shift;
      shift += 7;
    } while (next < 0);
    return (value >>> 1) ^ -(value & 1);
  }

  private static void write(DataOutputStream out, BigInteger value) throws IOException {
    byte[] bytes = value.toByteArray();
    out.writeByte(bytes.length);
    out.write(bytes);
  }

  private static BigInteger readBig(DataInputStream in) throws IOException {
    return new BigInteger(in.readNBytes(in.readUnsignedByte()));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ScoreCounts that && Arrays.equals(toBytes(), that.toBytes());
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(toBytes());
  }
}
