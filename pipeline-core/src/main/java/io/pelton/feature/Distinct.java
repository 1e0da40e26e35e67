package io.pelton.feature;

import com.dynatrace.hash4j.distinctcount.HyperLogLog;
import com.dynatrace.hash4j.hashing.Hasher64;
import com.dynatrace.hash4j.hashing.Hashing;
import io.pelton.aggregate.Accumulator;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How many different values there are among those that only come: exact up to {@link #EXACT}, then
 * by HyperLogLog (Flajolet, Fusy, Gandouet, Meunier: HyperLogLog, AofA 2007) with 2^{@value
 * #PRECISION} registers, a standard error of 1.6 %, 3 KB. Which of the two holds depends on the
 * values alone, and so do the registers.
 */
final class Distinct implements Accumulator {
  static final int EXACT = 256;
  static final int PRECISION = 12;

  private static final Hasher64 HASH = Hashing.komihash5_0();

  /** The values' bits; null once they were too many. */
  private @Nullable Set<Long> values = new HashSet<>();

  /** Null while there are few. */
  private @Nullable HyperLogLog sketch;

  @Override
  public void add(double number, @Nullable String text, long time) {
    // One zero, one NaN.
    add(Double.doubleToLongBits(number + 0.0));
  }

  private void add(long bits) {
    if (values != null) {
      values.add(bits);
      if (values.size() > EXACT) {
        sketch = sketch();
        values = null;
      }
    } else {
      sketch().add(hash(bits));
    }
  }

  private HyperLogLog sketch() {
    if (sketch == null) {
      sketch = HyperLogLog.create(PRECISION);
      if (values != null) {
        for (long bits : values) {
          sketch.add(hash(bits));
        }
      }
    }
    return sketch;
  }

  private static long hash(long bits) {
    return HASH.hashLongLongToLong(bits, 0);
  }

  @Override
  public void merge(Accumulator other) {
    Distinct from = (Distinct) other;
    if (from.values != null) {
      from.values.forEach(this::add);
    } else {
      sketch().add(from.sketch());
      values = null;
    }
  }

  @Override
  public double number(long now) {
    return values != null ? values.size() : Math.rint(sketch().getDistinctCountEstimate());
  }

  @Override
  public Accumulator copy() {
    Distinct copy = new Distinct();
    copy.values = values == null ? null : new HashSet<>(values);
    copy.sketch = sketch == null ? null : sketch.copy();
    return copy;
  }

  @Override
  public void write(DataOutput out) throws IOException {
    out.writeBoolean(values != null);
    if (values != null) {
      Varint.write(out, values.size());
      for (long bits : values.stream().sorted().toList()) {
        out.writeLong(bits);
      }
    } else {
      byte[] state = sketch().getState();
      Varint.write(out, state.length);
      out.write(state);
    }
  }

  @Override
  public void read(DataInput in) throws IOException {
    boolean few = in.readBoolean();
    int length = (int) Varint.read(in);
    if (few) {
      Set<Long> read = new HashSet<>();
      for (int i = 0; i < length; i++) {
        read.add(in.readLong());
      }
      values = read;
    } else {
      byte[] state = new byte[length];
      in.readFully(state);
      values = null;
      sketch = HyperLogLog.wrap(state);
    }
  }
}
