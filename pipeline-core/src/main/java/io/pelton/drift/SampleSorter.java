package io.pelton.drift;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Arrays;
import java.util.List;

/**
 * Sorts samples that need not fit into memory: runs of values are sorted as they come, kept while
 * there is room and written to a file where there is none, and merged as they are read. Several
 * threads may hand it runs.
 */
public final class SampleSorter {
  private static final int WINDOW = 1 << 16;
  private static final int WORTH_RADIX = 1 << 12;
  private static final int DIGIT = 11;
  private static final int PASSES = 6;

  private final FileChannel overflow;
  private long room;
  private long end;

  /**
   * @param overflow for what does not fit; open for reading and writing, and empty
   * @param room bytes that runs may take in memory, all together
   */
  public SampleSorter(FileChannel overflow, long room) {
    this.overflow = overflow;
    this.room = room;
  }

  /** Values that were sorted together. */
  public static final class Run {
    private final int size;
    private final double[] values;
    private final FileChannel file;
    private final long at;

    private Run(int size, double[] values, FileChannel file, long at) {
      this.size = size;
      this.values = values;
      this.file = file;
      this.at = at;
    }
  }

  /**
   * Sorts values and keeps them.
   *
   * @param values not NaN; changed, and no longer needed afterwards
   * @param size how many of them there are
   */
  public Run run(double[] values, int size) throws IOException {
    for (int i = 0; i < size; i++) {
      values[i] += 0.0; // -0.0 and 0.0 are one value
    }
    sort(values, size);
    long bytes = (long) size * Double.BYTES;
    long at = place(bytes);
    if (at < 0) {
      return new Run(size, Arrays.copyOf(values, size), overflow, at);
    }
    ByteBuffer buffer = ByteBuffer.allocate(WINDOW);
    for (int written = 0; written < size; ) {
      buffer.clear();
      int many = Math.min(size - written, WINDOW / Double.BYTES);
      buffer.asDoubleBuffer().put(values, written, many);
      buffer.limit(many * Double.BYTES);
      for (long to = at + (long) written * Double.BYTES; buffer.hasRemaining(); ) {
        to += overflow.write(buffer, to);
      }
      written += many;
    }
    return new Run(size, new double[0], overflow, at);
  }

  /**
   * By the bits of the values, eleven at a time from the lowest on: on long runs several times as
   * fast as comparing them.
   */
  private static void sort(double[] values, int size) {
    if (size < WORTH_RADIX) {
      Arrays.sort(values, 0, size);
      return;
    }
    long[] from = new long[size];
    long[] to = new long[size];
    int[] places = new int[PASSES << DIGIT];
    for (int i = 0; i < size; i++) {
      long bits = Double.doubleToRawLongBits(values[i]);
      long key = bits ^ (bits >> 63 | Long.MIN_VALUE); // in the order of the values, unsigned
      from[i] = key;
      for (int pass = 0; pass < PASSES; pass++) {
        places[bucket(key, pass)]++;
      }
    }
    for (int pass = 0; pass < PASSES; pass++) {
      int place = 0;
      boolean oneBucket = false;
      for (int bucket = pass << DIGIT; bucket < (pass + 1) << DIGIT; bucket++) {
        int many = places[bucket];
        oneBucket |= many == size;
        places[bucket] = place;
        place += many;
      }
      if (!oneBucket) {
        for (int i = 0; i < size; i++) {
          to[places[bucket(from[i], pass)]++] = from[i];
        }
        long[] sorted = to;
        to = from;
        from = sorted;
      }
    }
    for (int i = 0; i < size; i++) {
      values[i] = Double.longBitsToDouble(from[i] ^ (~(from[i] >> 63) | Long.MIN_VALUE));
    }
  }

  private static int bucket(long key, int pass) {
    return pass << DIGIT | (int) (key >>> pass * DIGIT) & ((1 << DIGIT) - 1);
  }

  /** Negative: in memory. */
  private synchronized long place(long bytes) {
    if (bytes <= room) {
      room -= bytes;
      return -1;
    }
    long at = end;
    end += bytes;
    return at;
  }

  /** Forgets runs: what they take in memory is room again. */
  public synchronized void forget(List<Run> runs) {
    for (Run run : runs) {
      room += run.at < 0 ? (long) run.size * Double.BYTES : 0;
    }
  }

  /** All values of some runs. */
  public static Sample sample(List<Run> runs, long missing) {
    long count = runs.stream().mapToLong(run -> run.size).sum();
    return new Sample() {
      @Override
      public long count() {
        return count;
      }

      @Override
      public long missing() {
        return missing;
      }

      @Override
      public ValueGroups groups() throws IOException {
        return new Merge(runs);
      }
    };
  }

  /** Reads a run from its start; it is never empty. */
  private static final class Head {
    final Run run;
    final ByteBuffer buffer;
    final double[] window;
    int next;
    int size;
    int read;
    double value;

    Head(Run run) throws IOException {
      this.run = run;
      boolean inMemory = run.at < 0;
      buffer = ByteBuffer.allocate(inMemory ? 0 : WINDOW);
      window = inMemory ? run.values : new double[WINDOW / Double.BYTES];
      size = inMemory ? run.size : 0;
      read = size;
      advance();
    }

    /** Whether there was one more. */
    boolean advance() throws IOException {
      if (next == size) {
        if (read == run.size) {
          return false;
        }
        fill();
      }
      value = window[next++];
      return true;
    }

    private void fill() throws IOException {
      size = Math.min(run.size - read, window.length);
      buffer.clear().limit(size * Double.BYTES);
      long from = run.at + (long) read * Double.BYTES;
      while (buffer.hasRemaining()) {
        int got = run.file.read(buffer, from);
        if (got < 0) {
          throw new IOException("the file of sorted values has become shorter");
        }
        from += got;
      }
      buffer.flip();
      buffer.asDoubleBuffer().get(window, 0, size);
      read += size;
      next = 0;
    }
  }

  /** A heap of runs, the one with the smallest value first. */
  private static final class Merge implements ValueGroups {
    private final Head[] heads;
    private int open;
    private double value;
    private long count;

    Merge(List<Run> runs) throws IOException {
      heads = new Head[runs.size()];
      for (Run run : runs) {
        if (run.size > 0) {
          heads[open++] = new Head(run);
        }
      }
      for (int i = open / 2 - 1; i >= 0; i--) {
        sink(i);
      }
    }

    @Override
    public boolean next() throws IOException {
      if (open == 0) {
        return false;
      }
      value = heads[0].value;
      count = 0;
      while (open > 0 && heads[0].value == value) {
        Head first = heads[0];
        boolean more;
        do {
          count++;
          more = first.advance();
        } while (more && first.value == value);
        if (!more) {
          heads[0] = heads[--open];
        }
        sink(0);
      }
      return true;
    }

    private void sink(int from) {
      int at = from;
      Head head = heads[at];
      for (int child = 2 * at + 1; child < open; child = 2 * at + 1) {
        if (child + 1 < open && heads[child + 1].value < heads[child].value) {
          child++;
        }
        if (heads[child].value >= head.value) {
          break;
        }
        heads[at] = heads[child];
        at = child;
      }
      if (open > 0) {
        heads[at] = head;
      }
    }

    @Override
    public double value() {
      return value;
    }

    @Override
    public long count() {
      return count;
    }
  }
}
