package io.pelton.feature;

import io.pelton.aggregate.Accumulator;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInput;
import java.io.DataInputStream;
import java.io.DataOutput;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A stretch of one key's history, ordered by time. The newest block grows with every event; one
 * that is full is sealed and then never changed in place, so it can be shared and is written to
 * state once. Not thread-safe while it grows.
 */
public final class Block {
  /** Events of a block when it is sealed; a late event can still make it longer. */
  static final int FULL = 64;

  private static final int SMALLEST = 4;
  private static final int WORD = 64;

  private static final long SERIES = 1 << 20;

  final Layout layout;
  int size;

  /**
   * Longs of an event: its time, then the bits of its numbers; side by side, for they are read so.
   */
  private final int width;

  private long[] events;

  /** Truth n of the event at i is bit n % 64 of {@code truths[n / 64][i]}. */
  long[][] truths;

  @Nullable String[][] texts;

  /** Of tiles; see {@link Series}. */
  long[][] totals;

  /** Of tiles with values that totals do not hold, by index and series; mostly null. */
  @Nullable Map<Long, Unfit> unfit;

  /**
   * Of tiles, by bag and index: an accumulator of the tile's values as bytes, or itself while it
   * may change; null while it holds nothing.
   */
  private final @Nullable Object[][] bags;

  private int frozenBytes;

  Block(Layout layout) {
    this(layout, SMALLEST);
  }

  private Block(Layout layout, int capacity) {
    this.layout = layout;
    width = 1 + layout.numbers().size();
    events = new long[capacity * width];
    truths = new long[(layout.truths().size() + WORD - 1) / WORD][capacity];
    texts = new @Nullable String[layout.texts().size()][capacity];
    totals = new long[layout.totals().size()][capacity];
    bags = new @Nullable Object[layout.bags().size()][capacity];
  }

  /** What is kept of each event. */
  public Layout layout() {
    return layout;
  }

  long time(int index) {
    return events[index * width];
  }

  void time(int index, long time) {
    events[index * width] = time;
  }

  double number(int number, int index) {
    return Double.longBitsToDouble(events[index * width + 1 + number]);
  }

  void number(int number, int index, double value) {
    events[index * width + 1 + number] = Double.doubleToRawLongBits(value);
  }

  private int capacity() {
    return events.length / width;
  }

  boolean truth(int truth, int index) {
    return (truths[truth / WORD][index] >>> (truth % WORD) & 1) != 0;
  }

  /** Makes room at {@code index} for an event; its values are what was there before. */
  void open(int index) {
    if (size == capacity()) {
      int capacity = Math.min(size * 2, Math.max(FULL, size + SMALLEST));
      events = Arrays.copyOf(events, capacity * width);
      for (int i = 0; i < truths.length; i++) {
        truths[i] = Arrays.copyOf(truths[i], capacity);
      }
      for (int i = 0; i < texts.length; i++) {
        texts[i] = Arrays.copyOf(texts[i], capacity);
      }
      for (int i = 0; i < totals.length; i++) {
        totals[i] = Arrays.copyOf(totals[i], capacity);
      }
      for (int i = 0; i < bags.length; i++) {
        bags[i] = Arrays.copyOf(bags[i], capacity);
      }
    }
    if (index < size) {
      System.arraycopy(events, index * width, events, (index + 1) * width, (size - index) * width);
      for (long[] words : truths) {
        shift(words, index);
      }
      for (@Nullable String[] column : texts) {
        shift(column, index);
      }
      for (long[] column : totals) {
        shift(column, index);
        column[index] = 0;
      }
      for (@Nullable Object[] column : bags) {
        shift(column, index);
        column[index] = null;
      }
      shiftUnfit(index);
    }
    size++;
  }

  private void shiftUnfit(int index) {
    if (unfit != null) {
      Map<Long, Unfit> shifted = new HashMap<>();
      unfit.forEach(
          (place, values) -> shifted.put(place / SERIES >= index ? place + SERIES : place, values));
      unfit = shifted;
    }
  }

  /** Of a tile, what its totals of a series do not hold. */
  @Nullable Unfit unfit(int index, int series) {
    return unfit == null ? null : unfit.get(index * SERIES + series);
  }

  void addUnfit(int index, int series, double value) {
    if (unfit == null) {
      unfit = new HashMap<>();
    }
    unfit.merge(index * SERIES + series, Unfit.NONE.with(value, 1), (a, b) -> a.plus(b, 1));
  }

  /** Adds a value of a series to the totals of a tile. */
  void add(Series series, int number, int index, double value, long time) {
    int column = series.column();
    boolean first = totals[column][index]++ == 0;
    if (series.sum()) {
      if (ExactSum.fits(value)) {
        addTo(column + 1, index, value, false);
        if (series.squares()) {
          addTo(column + 1 + ExactSum.SUM, index, value, true);
        }
      } else {
        addUnfit(index, number, value);
      }
    }
    long bits = Double.doubleToLongBits(value);
    if (series.extremes()) {
      long[] least = totals[series.leastAt()];
      long[] greatest = totals[series.greatestAt()];
      if (first || value < Double.longBitsToDouble(least[index])) {
        least[index] = bits;
      }
      if (first || value > Double.longBitsToDouble(greatest[index])) {
        greatest[index] = bits;
      }
    }
    if (series.ends()) {
      if (first || time < totals[series.firstTimeAt()][index]) {
        totals[series.firstAt()][index] = bits;
        totals[series.firstTimeAt()][index] = time;
      }
      if (first || time >= totals[series.lastTimeAt()][index]) {
        totals[series.lastAt()][index] = bits;
        totals[series.lastTimeAt()][index] = time;
      }
    }
  }

  private void addTo(int column, int index, double value, boolean square) {
    long[] total = new long[square ? ExactSum.SQUARES : ExactSum.SUM];
    for (int i = 0; i < total.length; i++) {
      total[i] = totals[column + i][index];
    }
    if (square) {
      ExactSum.addSquare(total, 0, value);
    } else {
      ExactSum.add(total, 0, value);
    }
    for (int i = 0; i < total.length; i++) {
      totals[column + i][index] = total[i];
    }
  }

  /** What a tile holds in a bag, to be read; null when it holds nothing. */
  @Nullable Accumulator bag(int bag, int index, EntityPlan.AccumulatorPart part) {
    Object held = bags[bag][index];
    return held == null || held instanceof Accumulator ? (Accumulator) held : thawed(held, part);
  }

  /** What a tile holds in a bag, to be changed. */
  Accumulator bagToChange(int bag, int index, EntityPlan.AccumulatorPart part) {
    Object held = bags[bag][index];
    if (held instanceof Accumulator accumulator) {
      return accumulator;
    }
    Accumulator accumulator = held == null ? part.create(true) : thawed(held, part);
    frozenBytes -= held == null ? 0 : ((byte[]) held).length;
    bags[bag][index] = accumulator;
    // Only the newest tile changes often.
    freeze(index - 1);
    return accumulator;
  }

  private static Accumulator thawed(Object bytes, EntityPlan.AccumulatorPart part) {
    Accumulator accumulator = part.create(true);
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream((byte[]) bytes))) {
      accumulator.read(in);
    } catch (IOException e) {
      throw new IllegalStateException("an accumulator of a tile cannot be read", e);
    }
    return accumulator;
  }

  /** Makes bytes of all accumulators: smaller, and free to be shared. */
  void freeze() {
    for (int index = 0; bags.length > 0 && index < size; index++) {
      freeze(index);
    }
  }

  private void freeze(int index) {
    for (int bag = 0; bag < bags.length && index >= 0; bag++) {
      if (bags[bag][index] instanceof Accumulator accumulator) {
        byte[] bytes = bytes(accumulator);
        bags[bag][index] = bytes;
        frozenBytes += bytes.length;
      }
    }
  }

  private static byte[] bytes(Accumulator accumulator) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      accumulator.write(new DataOutputStream(bytes));
    } catch (IOException e) {
      throw new IllegalStateException("an accumulator of a tile cannot be written", e);
    }
    return bytes.toByteArray();
  }

  /** Bytes of the accumulators that do not change any more. */
  int frozenBytes() {
    return frozenBytes;
  }

  private void shift(Object array, int index) {
    System.arraycopy(array, index, array, index + 1, size - index);
  }

  void truth(int truth, int index, boolean value) {
    long bit = 1L << (truth % WORD);
    long[] words = truths[truth / WORD];
    words[index] = value ? words[index] | bit : words[index] & ~bit;
  }

  /** First index of an event after {@code time}, {@code size} when there is none. */
  int after(long time) {
    int low = 0;
    int high = size;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (time(middle) <= time) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  long last() {
    return time(size - 1);
  }

  /** A copy to change. */
  Block copy() {
    Block copy = new Block(layout, 0);
    copy.size = size;
    copy.events = events.clone();
    for (int i = 0; i < truths.length; i++) {
      copy.truths[i] = truths[i].clone();
    }
    for (int i = 0; i < texts.length; i++) {
      copy.texts[i] = texts[i].clone();
    }
    for (int i = 0; i < totals.length; i++) {
      copy.totals[i] = totals[i].clone();
    }
    copy.unfit = unfit == null ? null : new HashMap<>(unfit);
    for (int i = 0; i < bags.length; i++) {
      copy.bags[i] = bags[i].clone();
      for (int index = 0; index < size; index++) {
        if (copy.bags[i][index] instanceof Accumulator accumulator) {
          copy.bags[i][index] = accumulator.copy();
        }
      }
    }
    copy.frozenBytes = frozenBytes;
    return copy;
  }

  /**
   * The same events in another layout: what that does not keep is dropped, what this did not keep
   * is missing (numbers, texts) or false.
   */
  Block in(Layout other) {
    if (layout.equals(other)) {
      return this;
    }
    Block block = new Block(other, capacity());
    block.size = size;
    for (int event = 0; event < size; event++) {
      block.time(event, time(event));
    }
    for (int i = 0; i < other.numbers().size(); i++) {
      int old = layout.numbers().indexOf(other.numbers().get(i));
      for (int event = 0; event < size; event++) {
        block.number(i, event, old < 0 ? Double.NaN : number(old, event));
      }
    }
    for (int i = 0; i < other.truths().size(); i++) {
      int old = layout.truths().indexOf(other.truths().get(i));
      for (int event = 0; old >= 0 && event < size; event++) {
        block.truth(i, event, truth(old, event));
      }
    }
    for (int i = 0; i < block.texts.length; i++) {
      int old = layout.texts().indexOf(other.texts().get(i));
      if (old >= 0) {
        System.arraycopy(texts[old], 0, block.texts[i], 0, size);
      }
    }
    for (int i = 0; i < block.totals.length; i++) {
      int old = layout.totals().indexOf(other.totals().get(i));
      if (old >= 0) {
        System.arraycopy(totals[old], 0, block.totals[i], 0, size);
      }
    }
    freeze();
    for (int i = 0; i < block.bags.length; i++) {
      int old = layout.bags().indexOf(other.bags().get(i));
      for (int index = 0; old >= 0 && index < size; index++) {
        block.bag(i, index, (byte[]) bags[old][index]);
      }
    }
    return block;
  }

  /**
   * Writes times as differences and each column in the shortest of a few ways: decimals as whole
   * numbers, texts by a dictionary. The layout is the reader's to know.
   */
  public void write(DataOutput out) throws IOException {
    Varint.write(out, size);
    long before = 0;
    for (int i = 0; i < size; i++) {
      Varint.write(out, time(i) - before);
      before = time(i);
    }
    for (int number = 0; number < layout.numbers().size(); number++) {
      NumberColumn.write(out, numbers(number));
    }
    for (int truth = 0; truth < layout.truths().size(); truth++) {
      int bits = 0;
      for (int i = 0; i < size; i++) {
        bits |= truth(truth, i) ? 1 << (i & 7) : 0;
        if ((i & 7) == 7 || i == size - 1) {
          out.writeByte(bits);
          bits = 0;
        }
      }
    }
    for (@Nullable String[] column : texts) {
      Map<@Nullable String, Integer> known = new LinkedHashMap<>();
      for (int i = 0; i < size; i++) {
        known.putIfAbsent(column[i], known.size());
      }
      Varint.write(out, known.size());
      for (String text : known.keySet()) {
        out.writeBoolean(text != null);
        if (text != null) {
          Texts.write(out, text);
        }
      }
      for (int i = 0; i < size && known.size() > 1; i++) {
        Varint.write(out, known.getOrDefault(column[i], 0));
      }
    }
    for (long[] column : totals) {
      for (int i = 0; i < size; i++) {
        Varint.write(out, column[i]);
      }
    }
    if (totals.length > 0) {
      Map<Long, Unfit> rest = unfit == null ? Map.of() : unfit;
      Varint.write(out, rest.size());
      for (Map.Entry<Long, Unfit> entry : rest.entrySet()) {
        Varint.write(out, entry.getKey());
        entry.getValue().write(out);
      }
    }
    for (@Nullable Object[] column : bags) {
      for (int i = 0; i < size; i++) {
        Object held = column[i];
        byte[] bytes = held instanceof Accumulator accumulator ? bytes(accumulator) : (byte[]) held;
        Varint.write(out, bytes == null ? 0 : bytes.length + 1);
        if (bytes != null) {
          out.write(bytes);
        }
      }
    }
  }

  private void bag(int bag, int index, byte @Nullable [] bytes) {
    bags[bag][index] = bytes;
    frozenBytes += bytes == null ? 0 : bytes.length;
  }

  private double[] numbers(int number) {
    double[] column = new double[size];
    for (int i = 0; i < size; i++) {
      column[i] = number(number, i);
    }
    return column;
  }

  /** Reads what {@link #write} wrote with that layout. */
  public static Block read(Layout layout, DataInput in) throws IOException {
    int size = (int) Varint.read(in);
    Block block = new Block(layout, Math.max(SMALLEST, size));
    block.size = size;
    long time = 0;
    for (int i = 0; i < size; i++) {
      time += Varint.read(in);
      block.time(i, time);
    }
    double[] column = new double[size];
    for (int number = 0; number < layout.numbers().size(); number++) {
      NumberColumn.read(in, column);
      for (int i = 0; i < size; i++) {
        block.number(number, i, column[i]);
      }
    }
    for (int truth = 0; truth < layout.truths().size(); truth++) {
      int bits = 0;
      for (int i = 0; i < size; i++) {
        bits = (i & 7) == 0 ? in.readUnsignedByte() : bits >>> 1;
        block.truth(truth, i, (bits & 1) != 0);
      }
    }
    for (@Nullable String[] texts : block.texts) {
      @Nullable String[] known = new @Nullable String[(int) Varint.read(in)];
      for (int i = 0; i < known.length; i++) {
        known[i] = in.readBoolean() ? Texts.read(in) : null;
      }
      for (int i = 0; i < size; i++) {
        texts[i] = known[known.length > 1 ? (int) Varint.read(in) : 0];
      }
    }
    for (long[] totals : block.totals) {
      for (int i = 0; i < size; i++) {
        totals[i] = Varint.read(in);
      }
    }
    for (long left = block.totals.length > 0 ? Varint.read(in) : 0; left > 0; left--) {
      if (block.unfit == null) {
        block.unfit = new HashMap<>();
      }
      block.unfit.put(Varint.read(in), Unfit.read(in));
    }
    for (int bag = 0; bag < block.bags.length; bag++) {
      for (int i = 0; i < size; i++) {
        int length = (int) Varint.read(in) - 1;
        if (length >= 0) {
          byte[] bytes = new byte[length];
          in.readFully(bytes);
          block.bag(bag, i, bytes);
        }
      }
    }
    return block;
  }
}
