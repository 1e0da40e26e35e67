package io.pelton.feature;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The events of one entity's key, as far back as its widest window reaches: a ring of times and
 * inputs, ordered by (time, id), shared by all windows. Each window keeps two positions in the ring
 * and running aggregates between them, so an event in order costs the same however many lie in the
 * window. The aggregates are exact ({@link ExactSum}), so they can be rebuilt at any time and
 * nothing depends on how they came to be; only the ring is state. Not thread-safe.
 */
public final class EntityHistory {
  private static final byte FORMAT = 1;
  private static final int SMALLEST = 8;
  private static final long[] NONE = {};

  private final int inputs;

  // The ring: event number n, counted from the history's first, lies at n & (capacity - 1).
  private long[] times = new long[SMALLEST];
  private double[][] values;
  private long first;
  private long end;

  // Of window w: the events numbered [from[w], to[w]), and the aggregates over them by (w, input).
  // Made when a plan is first applied, and anew for another plan.
  private @Nullable EntityPlan plan;
  private long[] from = NONE;
  private long[] to = NONE;
  private int[] present = {};
  private int[] unfit = {};
  private long[] sums = NONE;
  private long[] leastAt = NONE;
  private long[] greatestAt = NONE;

  private String lastId = "";
  private long expiry = Long.MIN_VALUE;

  /**
   * @param inputs how many values are kept of each event
   */
  public EntityHistory(int inputs) {
    this.inputs = inputs;
    values = new double[inputs][SMALLEST];
  }

  private void apply(EntityPlan newPlan) {
    int windows = newPlan.windows();
    plan = newPlan;
    from = new long[windows];
    to = new long[windows];
    present = new int[windows * inputs];
    unfit = new int[windows * inputs];
    sums = new long[windows * inputs * 3];
    leastAt = new long[newPlan.extremes ? windows * inputs : 0];
    greatestAt = new long[leastAt.length];
    rewind();
  }

  /** Events held. */
  public int size() {
    return (int) (end - first);
  }

  /** Time of the newest event, {@code Long.MIN_VALUE} when there is none. */
  public long newest() {
    return end == first ? Long.MIN_VALUE : timeOf(end - 1);
  }

  /** When the owner wants to look whether the history has expired; MIN_VALUE when not set. */
  public long expiry() {
    return expiry;
  }

  public void expiry(long time) {
    expiry = time;
  }

  /**
   * Takes an event and fills in its features.
   *
   * @param plan what to compute; its inputs are those that the history was made for
   * @param retain how much longer than its reach the history is kept, milliseconds: how late an
   *     event may come
   * @param oldestExpected no event before this time is still expected; the history may forget what
   *     only such an event would look at
   * @return how many events held should have come after this one: 0 when it came in order
   */
  public int update(EntityPlan plan, FeatureRow row, long retain, long oldestExpected) {
    if (this.plan != plan) {
      apply(plan);
    }
    int overtaken = 0;
    if (end > first) {
      long newest = timeOf(end - 1);
      if (row.time < newest) {
        overtaken = (int) (end - positionAfter(row.time));
      } else if (row.time == newest && EventIds.ORDER.compare(row.id, lastId) < 0) {
        overtaken = 1;
      }
    }
    if (overtaken == 0 || row.time == newest()) {
      append(plan, row);
      lastId = overtaken == 0 ? row.id : lastId;
      for (int window = 0; window < plan.windows(); window++) {
        advance(plan, window, row.time);
      }
      for (EntityPlan.Output output : plan.outputs) {
        row.values[output.column()] = value(output);
      }
    } else {
      insert(plan, row);
      for (EntityPlan.Output output : plan.outputs) {
        row.values[output.column()] = scan(plan, output, row.time);
      }
    }
    long oldest = Math.min(row.time, oldestExpected);
    long cutoff = oldest - plan.reach() - retain;
    if (cutoff < oldest) {
      forget(cutoff);
    }
    return overtaken;
  }

  /**
   * Takes an event in, wherever its time places it, without computing its features.
   *
   * @param plan its inputs are those that the history was made for
   */
  public void add(EntityPlan plan, FeatureRow row) {
    if (this.plan != plan) {
      apply(plan);
    }
    if (row.time >= newest()) {
      append(plan, row);
      lastId = row.id;
    } else {
      insert(plan, row);
    }
    forget(newest() - plan.reach());
  }

  private int slot(long number) {
    return (int) number & (times.length - 1);
  }

  private long timeOf(long number) {
    return times[slot(number)];
  }

  private void append(EntityPlan plan, FeatureRow row) {
    if (end - first == times.length) {
      resize(times.length * 2);
    }
    put(plan, end, row);
    end++;
  }

  private void put(EntityPlan plan, long number, FeatureRow row) {
    int slot = slot(number);
    times[slot] = row.time;
    for (int input = 0; input < values.length; input++) {
      values[input][slot] = row.values[plan.positions[input]];
    }
  }

  private void resize(int capacity) {
    long[] oldTimes = times;
    double[][] oldValues = values;
    times = new long[capacity];
    values = new double[oldValues.length][capacity];
    for (long n = first; n < end; n++) {
      int old = (int) n & (oldTimes.length - 1);
      int slot = slot(n);
      times[slot] = oldTimes[old];
      for (int input = 0; input < values.length; input++) {
        values[input][slot] = oldValues[input][old];
      }
    }
  }

  /** An event that came late goes to its place; the windows are built anew from the next on. */
  private void insert(EntityPlan plan, FeatureRow row) {
    long place = positionAfter(row.time);
    append(plan, row);
    for (long n = end - 1; n > place; n--) {
      int slot = slot(n);
      int before = slot(n - 1);
      times[slot] = times[before];
      for (double[] column : values) {
        column[slot] = column[before];
      }
    }
    put(plan, place, row);
    rewind();
  }

  /** Number of the first event after {@code time}. */
  private long positionAfter(long time) {
    long low = first;
    long high = end;
    while (low < high) {
      long middle = (low + high) >>> 1;
      if (timeOf(middle) <= time) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private void rewind() {
    Arrays.fill(from, first);
    Arrays.fill(to, first);
    Arrays.fill(present, 0);
    Arrays.fill(unfit, 0);
    Arrays.fill(sums, 0);
    Arrays.fill(leastAt, -1);
    Arrays.fill(greatestAt, -1);
  }

  private void advance(EntityPlan plan, int window, long time) {
    long until = time - plan.delays[window];
    long after = until - plan.widths[window];
    while (to[window] < end && timeOf(to[window]) <= until) {
      enter(plan, window, to[window]++);
    }
    while (from[window] < to[window] && timeOf(from[window]) <= after) {
      leave(window, from[window]++);
    }
  }

  private void enter(EntityPlan plan, int window, long number) {
    int slot = slot(number);
    for (int input = 0; input < inputs; input++) {
      double value = values[input][slot];
      if (Double.isNaN(value)) {
        continue;
      }
      int at = window * inputs + input;
      present[at]++;
      if (ExactSum.fits(value)) {
        ExactSum.add(sums, at * 3, value);
      } else {
        unfit[at]++;
      }
      if (plan.extremes) {
        // An extreme that has left is looked for again when it is asked for.
        if (leastAt[at] >= from[window] ? value <= valueOf(input, leastAt[at]) : present[at] == 1) {
          leastAt[at] = number;
        }
        if (greatestAt[at] >= from[window]
            ? value >= valueOf(input, greatestAt[at])
            : present[at] == 1) {
          greatestAt[at] = number;
        }
      }
    }
  }

  private void leave(int window, long number) {
    int slot = slot(number);
    for (int input = 0; input < inputs; input++) {
      double value = values[input][slot];
      if (Double.isNaN(value)) {
        continue;
      }
      int at = window * inputs + input;
      present[at]--;
      if (ExactSum.fits(value)) {
        ExactSum.subtract(sums, at * 3, value);
      } else {
        unfit[at]--;
      }
    }
  }

  private double valueOf(int input, long number) {
    return values[input][slot(number)];
  }

  private double value(EntityPlan.Output output) {
    int window = output.window();
    if (output.input() < 0) {
      return to[window] - from[window];
    }
    int at = window * inputs + output.input();
    if (present[at] == 0) {
      return output.whenEmpty();
    }
    return switch (output.aggregate()) {
      case COUNT -> present[at];
      case SUM -> sum(output, at);
      case MEAN -> sum(output, at) / present[at];
      case MIN -> {
        if (leastAt[at] < from[window]) {
          leastAt[at] = extreme(output.input(), from[window], to[window], true);
        }
        yield valueOf(output.input(), leastAt[at]);
      }
      case MAX -> {
        if (greatestAt[at] < from[window]) {
          greatestAt[at] = extreme(output.input(), from[window], to[window], false);
        }
        yield valueOf(output.input(), greatestAt[at]);
      }
    };
  }

  private double sum(EntityPlan.Output output, int at) {
    return unfit[at] == 0
        ? ExactSum.value(sums, at * 3)
        : exactSum(output.input(), from[output.window()], to[output.window()]);
  }

  /** Number of the least or greatest present value among the events [from, to). */
  private long extreme(int input, long from, long to, boolean least) {
    long best = -1;
    for (long n = from; n < to; n++) {
      double value = valueOf(input, n);
      if (!Double.isNaN(value)
          && (best < 0
              || (least ? value <= valueOf(input, best) : value >= valueOf(input, best)))) {
        best = n;
      }
    }
    return best;
  }

  private double exactSum(int input, long from, long to) {
    ExactSum.Slow sum = ExactSum.slow();
    for (long n = from; n < to; n++) {
      double value = valueOf(input, n);
      if (!Double.isNaN(value)) {
        sum.add(value);
      }
    }
    return sum.value();
  }

  /** The aggregate as of {@code time}, from the ring alone: for an event that came late. */
  private double scan(EntityPlan plan, EntityPlan.Output output, long time) {
    long until = time - plan.delays[output.window()];
    long start = positionAfter(until - plan.widths[output.window()]);
    long stop = positionAfter(until);
    if (output.input() < 0) {
      return stop - start;
    }
    int count = 0;
    for (long n = start; n < stop; n++) {
      if (!Double.isNaN(valueOf(output.input(), n))) {
        count++;
      }
    }
    if (count == 0) {
      return output.whenEmpty();
    }
    return switch (output.aggregate()) {
      case COUNT -> count;
      case SUM -> exactSum(output.input(), start, stop);
      case MEAN -> exactSum(output.input(), start, stop) / count;
      case MIN -> valueOf(output.input(), extreme(output.input(), start, stop, true));
      case MAX -> valueOf(output.input(), extreme(output.input(), start, stop, false));
    };
  }

  private void forget(long cutoff) {
    while (first < end && timeOf(first) <= cutoff) {
      first++;
    }
    for (int window = 0; window < from.length; window++) {
      if (from[window] < first) {
        // Only after a rewind: what is forgotten here had not entered the window again.
        from[window] = Math.max(from[window], first);
        to[window] = Math.max(to[window], first);
      }
    }
    if (times.length > SMALLEST && end - first < times.length / 4) {
      resize(times.length / 2);
    }
  }

  /** A copy that shares nothing with this one. */
  public EntityHistory copy() {
    EntityHistory copy = new EntityHistory(inputs);
    copy.times = times.clone();
    for (int input = 0; input < inputs; input++) {
      copy.values[input] = values[input].clone();
    }
    copy.first = first;
    copy.end = end;
    copy.plan = plan;
    copy.from = from.clone();
    copy.to = to.clone();
    copy.present = present.clone();
    copy.unfit = unfit.clone();
    copy.sums = sums.clone();
    copy.leastAt = leastAt.clone();
    copy.greatestAt = greatestAt.clone();
    copy.lastId = lastId;
    copy.expiry = expiry;
    return copy;
  }

  /** Writes the ring; the aggregates are built anew after {@link #read}. */
  public void write(DataOutput out) throws IOException {
    out.writeByte(FORMAT);
    out.writeLong(expiry);
    byte[] id = lastId.getBytes(StandardCharsets.UTF_8);
    out.writeInt(id.length);
    out.write(id);
    out.writeInt(size());
    for (long n = first; n < end; n++) {
      out.writeLong(timeOf(n));
    }
    for (double[] column : values) {
      for (long n = first; n < end; n++) {
        out.writeDouble(column[slot(n)]);
      }
    }
  }

  /**
   * Reads what {@link #write} wrote with the same number of inputs.
   *
   * @throws IOException when the bytes are of an unknown format
   */
  public static EntityHistory read(int inputs, DataInput in) throws IOException {
    byte format = in.readByte();
    if (format != FORMAT) {
      throw new IOException(
          "the history of an entity has format " + format + ", but this version reads " + FORMAT);
    }
    EntityHistory history = new EntityHistory(inputs);
    history.expiry = in.readLong();
    byte[] id = new byte[in.readInt()];
    in.readFully(id);
    history.lastId = new String(id, StandardCharsets.UTF_8);
    int size = in.readInt();
    int capacity = Math.max(SMALLEST, Integer.highestOneBit(Math.max(1, size) * 2 - 1));
    history.times = new long[capacity];
    history.values = new double[inputs][capacity];
    for (int i = 0; i < size; i++) {
      history.times[i] = in.readLong();
    }
    for (double[] column : history.values) {
      for (int i = 0; i < size; i++) {
        column[i] = in.readDouble();
      }
    }
    history.end = size;
    return history;
  }
}
