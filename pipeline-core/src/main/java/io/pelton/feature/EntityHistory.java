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
import java.util.stream.DoubleStream;
import org.jspecify.annotations.Nullable;

/**
 * The events of one entity's key, as far back as its widest window reaches, in blocks ordered by
 * (time, id), and the edges of windows that slide over them (see {@link EntityPlan}). Sealed blocks
 * lie in a {@link BlockStore}; here are only the newest block, where the edges are and what has
 * passed them: the little that changes with an event, whatever the length of the history.
 *
 * <p>Totals are exact ({@link ExactSum}), so they do not depend on how they came to be: a history
 * written for other features is read for these and its totals are made anew. An event that came
 * late is computed by moving the edges back to its time and then on again; what cannot be moved
 * back (least, greatest, different, first and last values) is looked for in its window. Not
 * thread-safe.
 */
public final class EntityHistory {
  private static final byte FORMAT = 2;
  private static final long NEVER = Long.MAX_VALUE;
  private static final long UNKNOWN = -1;

  // Blocks [firstBlock, openBlock] exist; all but the open one lie in the store, none is empty but
  // the open one of an empty history.
  private Block open;
  private long firstBlock;
  private long openBlock;
  private long size;

  private String lastId = "";
  private long expiry = Long.MIN_VALUE;

  // Made when a plan is first applied, and anew for another plan.
  private @Nullable EntityPlan plan;
  private long writtenFor;
  private byte @Nullable [] written;

  /** The time up to which the edges have moved. */
  private long now = Long.MIN_VALUE;

  /**
   * In one array, for it is read as a whole: of each edge the address of the next event to pass it;
   * of each edge that event's time, NEVER when there is none; the totals, as the plan lays them
   * out.
   */
  private long[] running = {};

  private int edges;

  /** Of each edge its block, once looked up. */
  private @Nullable Block[] at = {};

  private @Nullable Unfit @Nullable [] unfit;
  private Extremes[] extremes = {};
  private LastSeen[] seen = {};

  /** Of each latest part the address, time and value of its event; UNKNOWN when there was none. */
  private long[] latest = {};

  /** Of each earliest part up to where none was found, and where one was. */
  private long[] earliest = {};

  private Accumulator[] accumulators = {};

  private final long[] difference = new long[ExactSum.SUM + ExactSum.SQUARES];

  /**
   * @param layout what is kept of each event
   */
  public EntityHistory(Layout layout) {
    open = new Block(layout);
  }

  private void apply(EntityPlan newPlan, BlockStore store) {
    open = open.in(newPlan.layout());
    plan = newPlan;
    edges = newPlan.edges.length;
    running = new long[2 * edges + newPlan.totals];
    at = new @Nullable Block[edges];
    unfit = null;
    extremes =
        Arrays.stream(newPlan.extremes)
            .map(part -> new Extremes(part.least()))
            .toArray(Extremes[]::new);
    seen =
        Arrays.stream(newPlan.seen)
            .map(part -> new LastSeen(part.older().length))
            .toArray(LastSeen[]::new);
    latest = new long[newPlan.latest.length * 3];
    Arrays.fill(latest, UNKNOWN);
    earliest = new long[newPlan.earliest.length * 2];
    Arrays.fill(earliest, UNKNOWN);
    accumulators =
        Arrays.stream(newPlan.accumulators)
            .map(EntityPlan.AccumulatorPart::create)
            .toArray(Accumulator[]::new);
    byte[] bytes = written;
    if (bytes != null && newPlan.fingerprint() == writtenFor) {
      try {
        readRunning(newPlan, new DataInputStream(new ByteArrayInputStream(bytes)));
      } catch (IOException e) {
        throw new IllegalStateException("the totals of a history cannot be read", e);
      }
    } else {
      // Of the newest tile only the start is sure to have passed.
      now = size == 0 ? Long.MIN_VALUE : newest(store) - Math.max(0, newPlan.tile - 1);
      Arrays.fill(running, 0, edges, Addresses.of(firstBlock, 0));
      Arrays.fill(running, edges, 2 * edges, size == 0 ? NEVER : block(firstBlock, store).time(0));
      if (size > 0) {
        advance(newPlan, store, now, Long.MAX_VALUE, true);
      }
    }
    written = null;
  }

  /** Events held. */
  public long size() {
    return size;
  }

  /** Time of the newest event, {@code Long.MIN_VALUE} when there is none. */
  public long newest(BlockStore store) {
    if (open.size > 0) {
      return open.last();
    }
    return size == 0 ? Long.MIN_VALUE : block(openBlock - 1, store).last();
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
   * @param plan what to compute
   * @param retain how much longer than its reach the history is kept, milliseconds: how late an
   *     event may come
   * @param oldestExpected no event before this time is still expected; the history may forget what
   *     only such an event would look at
   * @return how many events held should have come after this one: 0 when it came in order
   */
  public int update(
      EntityPlan plan, FeatureRow row, BlockStore store, long retain, long oldestExpected) {
    if (this.plan != plan) {
      apply(plan, store);
    }
    if (plan.tile > 0) {
      return updateTiles(plan, row, store, retain, oldestExpected);
    }
    int overtaken = 0;
    if (size > 0) {
      long newest = newest(store);
      if (row.time < newest) {
        overtaken = after(row.time, store);
      } else if (row.time == newest && EventIds.ORDER.compare(row.id, lastId) < 0) {
        overtaken = 1;
      }
    }
    if (overtaken == 0 || row.time == now) {
      long address = append(plan, row, store);
      lastId = overtaken == 0 ? row.id : lastId;
      advance(plan, store, row.time, address, true);
      compute(plan, row, store, address, true);
      now = row.time;
    } else {
      long until = now;
      long address = insert(plan, row, store);
      settle(plan, store, until, true);
      retreat(plan, store, row.time, address);
      compute(plan, row, store, address, false);
      advance(plan, store, until, Long.MAX_VALUE, false);
    }
    forget(plan, Math.min(row.time, oldestExpected), retain, store);
    return overtaken;
  }

  /** Forgets what is not looked at from {@code oldest} on. */
  private void forget(EntityPlan plan, long oldest, long retain, BlockStore store) {
    long cutoff = oldest - plan.reach() - retain;
    if (cutoff < oldest) {
      forget(cutoff, store);
    }
  }

  /**
   * The same by tiles: a tile is dated by its last millisecond, and older edges, and newer ones of
   * windows with a delay, take it whole when that has passed. What has come up to now is totalled
   * event by event.
   */
  private int updateTiles(
      EntityPlan plan, FeatureRow row, BlockStore store, long retain, long oldestExpected) {
    long until = now;
    boolean inOrder = size == 0 || row.time >= until;
    int overtaken = 0;
    if (inOrder) {
      if (size > 0 && row.time == until && EventIds.ORDER.compare(row.id, lastId) < 0) {
        overtaken = 1;
      } else {
        lastId = row.id;
      }
      long address = tile(plan, row.time, store);
      advance(plan, store, row.time, Long.MAX_VALUE, true);
      compute(plan, plan.outputsBefore, row, store, true);
      enterTile(plan, row, store, address, row.time);
      compute(plan, plan.outputs, row, store, true);
      now = row.time;
    } else {
      overtaken = addTile(plan, row, store);
      retreat(plan, store, row.time, Long.MAX_VALUE);
      // What the event itself adds is in its tile by now, so it cannot be left out of it.
      compute(plan, plan.outputsBefore, row, store, false);
      compute(plan, plan.outputs, row, store, false);
      advance(plan, store, until, Long.MAX_VALUE, false);
    }
    forget(plan, Math.min(row.time, oldestExpected), retain, store);
    return overtaken;
  }

  /**
   * Takes an event in that came late; returns how many it should have preceded at most: all of its
   * tile, and those of later ones.
   */
  private int addTile(EntityPlan plan, FeatureRow row, BlockStore store) {
    long address = tile(plan, row.time, store);
    long after = 0;
    for (long number = Addresses.block(address); number <= openBlock; number++) {
      Block block = block(number, store);
      int first = number == Addresses.block(address) ? Addresses.index(address) : 0;
      for (int index = first; index < block.size; index++) {
        after += block.totals[plan.tileAt[plan.events]][index];
      }
    }
    enterTile(plan, row, store, address, now);
    Arrays.fill(earliest, UNKNOWN);
    return (int) Math.max(1, Math.min(after, Integer.MAX_VALUE));
  }

  private static long tileEnd(EntityPlan plan, long time) {
    return Math.floorDiv(time, plan.tile) * plan.tile + plan.tile - 1;
  }

  /** Address of the tile that holds a time; a new one, still empty, when there is none. */
  private long tile(EntityPlan plan, long time, BlockStore store) {
    long end = tileEnd(plan, time);
    if (size == 0 || newest(store) < end) {
      return append(plan, end, store);
    }
    long number = openBlock;
    while (number > firstBlock && block(number, store).time(0) > end) {
      number--;
    }
    Block block = block(number, store);
    int index = block.after(end);
    if (index > 0 && block.time(index - 1) == end) {
      return Addresses.of(number, index - 1);
    }
    Block changed = number == openBlock ? open : block.copy();
    changed.open(index);
    changed.time(index, end);
    size++;
    if (number != openBlock) {
      store.put(number, changed);
    }
    long address = Addresses.of(number, index);
    Arrays.fill(earliest, UNKNOWN);
    for (int part = 0; part < latest.length; part += 3) {
      latest[part] += latest[part] >= address && Addresses.sameBlock(latest[part], address) ? 1 : 0;
    }
    for (int edge = 0; edge < edges; edge++) {
      if (end <= now - plan.edges[edge].offset() || plan.edges[edge].offset() == 0) {
        running[edge] += Addresses.sameBlock(running[edge], address) ? 1 : 0;
      } else if (address <= running[edge]) {
        running[edge] = address;
        running[edges + edge] = end;
      }
      at[edge] = Addresses.sameBlock(running[edge], address) ? changed : at[edge];
    }
    return address;
  }

  /**
   * Adds an event to its tile and to the totals of the edges that have passed it.
   *
   * @param reached the time up to which the edges have moved
   */
  private void enterTile(
      EntityPlan plan, FeatureRow row, BlockStore store, long address, long reached) {
    long number = Addresses.block(address);
    int index = Addresses.index(address);
    Block block = block(number, store);
    if (number != openBlock) {
      block = block.copy();
      store.put(number, block);
      for (int edge = 0; edge < edges; edge++) {
        at[edge] = Addresses.sameBlock(running[edge], address) ? block : at[edge];
      }
    }
    long end = block.time(index);
    for (int s = 0; s < plan.series.length; s++) {
      EntityPlan.Series series = plan.series[s];
      if (series.truth() >= 0 && row.values[plan.truthPositions[series.truth()]] != 1) {
        continue;
      }
      double value = series.number() < 0 ? 1 : row.values[plan.numberPositions[series.number()]];
      if (Double.isNaN(value)) {
        continue;
      }
      tileEvent(block, plan.tileAt[s], index, s, series, value, row.time);
      for (int edge = 0; edge < edges; edge++) {
        long offset = plan.edges[edge].offset();
        int total = plan.totalAt[edge * plan.series.length + s];
        if (total >= 0 && (offset == 0 || end <= reached - offset)) {
          total(plan, edge, s, total, series.kind(), value, 1);
        }
      }
      for (int part = 0; part < plan.extremes.length; part++) {
        EntityPlan.ExtremesPart what = plan.extremes[part];
        long offset = plan.edges[what.newer()].offset();
        if (what.series() == s && (offset == 0 || end <= reached - offset)) {
          extremes[part].enter(number, value);
        }
      }
      for (int part = 0; part < plan.latest.length; part++) {
        EntityPlan.LatestPart what = plan.latest[part];
        long offset = plan.edges[what.newer()].offset();
        if (what.series() == s
            && (offset == 0 || end <= reached - offset)
            && (latest[3 * part] == UNKNOWN || latest[3 * part + 1] <= row.time)) {
          latest[3 * part] = address;
          latest[3 * part + 1] = row.time;
          latest[3 * part + 2] = Double.doubleToLongBits(value);
        }
      }
    }
  }

  private void tileEvent(
      Block block,
      int column,
      int index,
      int number,
      EntityPlan.Series series,
      double value,
      long time) {
    boolean first = block.totals[column][index]++ == 0;
    if (series.sum()) {
      if (ExactSum.fits(value)) {
        addTo(block, column + 1, index, value, false);
        if (series.squares()) {
          addTo(block, column + 1 + ExactSum.SUM, index, value, true);
        }
      } else {
        block.addUnfit(index, number, value);
      }
    }
    long bits = Double.doubleToLongBits(value);
    if (series.extremes()) {
      long[] least = block.totals[column + series.least()];
      long[] greatest = block.totals[column + series.greatest()];
      if (first || value < Double.longBitsToDouble(least[index])) {
        least[index] = bits;
      }
      if (first || value > Double.longBitsToDouble(greatest[index])) {
        greatest[index] = bits;
      }
    }
    if (series.ends()) {
      if (first || time < block.totals[column + series.firstTime()][index]) {
        block.totals[column + series.first()][index] = bits;
        block.totals[column + series.firstTime()][index] = time;
      }
      if (first || time >= block.totals[column + series.lastTime()][index]) {
        block.totals[column + series.last()][index] = bits;
        block.totals[column + series.lastTime()][index] = time;
      }
    }
  }

  private void addTo(Block block, int column, int index, double value, boolean square) {
    int length = square ? ExactSum.SQUARES : ExactSum.SUM;
    for (int i = 0; i < length; i++) {
      difference[i] = block.totals[column + i][index];
    }
    if (square) {
      ExactSum.addSquare(difference, 0, value);
    } else {
      ExactSum.add(difference, 0, value);
    }
    for (int i = 0; i < length; i++) {
      block.totals[column + i][index] = difference[i];
    }
  }

  /** Takes an event in, wherever its time places it, without computing its features. */
  public void add(EntityPlan plan, FeatureRow row, BlockStore store) {
    add(plan, row, store, 0, Long.MAX_VALUE);
  }

  /**
   * Takes an event or an outcome in, wherever its time places it, without computing its features.
   *
   * @param retain how much longer than its reach the history is kept, as in {@link #update}
   * @param oldestExpected no event before this time is still expected
   */
  public void add(
      EntityPlan plan, FeatureRow row, BlockStore store, long retain, long oldestExpected) {
    if (this.plan != plan) {
      apply(plan, store);
    }
    long newest = newest(store);
    if (plan.tile > 0) {
      if (size == 0 || row.time >= now) {
        long address = tile(plan, row.time, store);
        advance(plan, store, row.time, Long.MAX_VALUE, true);
        enterTile(plan, row, store, address, row.time);
        lastId = !row.outcome ? row.id : row.time > now ? "" : lastId;
        now = row.time;
      } else {
        addTile(plan, row, store);
      }
    } else if (row.time >= newest) {
      append(plan, row, store);
      // An event of an outcome's time comes after it, whatever its id.
      lastId = !row.outcome ? row.id : row.time > newest ? "" : lastId;
      advance(plan, store, row.time, Long.MAX_VALUE, true);
      now = row.time;
    } else {
      insert(plan, row, store);
      settle(plan, store, now, true);
    }
    forget(plan, Math.min(now, oldestExpected), retain, store);
  }

  // ---- Blocks ----

  private Block block(long number, BlockStore store) {
    if (number == openBlock) {
      return open;
    }
    Block block = store.get(number);
    if (block == null) {
      throw new IllegalStateException(
          "block %d of a history that has %d to %d is missing"
              .formatted(number, firstBlock, openBlock));
    }
    return plan == null ? block : block.in(plan.layout());
  }

  private Block at(int edge, BlockStore store) {
    Block block = at[edge];
    if (block == null) {
      block = block(Addresses.block(running[edge]), store);
      at[edge] = block;
    }
    return block;
  }

  private void fill(EntityPlan plan, Block block, int index, FeatureRow row) {
    block.time(index, row.time);
    for (int i = 0; i < plan.numberPositions.length; i++) {
      block.number(i, index, row.values[plan.numberPositions[i]]);
    }
    for (int i = 0; i < plan.truthPositions.length; i++) {
      block.truth(i, index, row.values[plan.truthPositions[i]] == 1);
    }
    for (int i = 0; i < plan.textPositions.length; i++) {
      Object text = row.carried[plan.textPositions[i]];
      block.texts[i][index] = text == null ? null : text.toString();
    }
  }

  /** Puts an event at the end. */
  private long append(EntityPlan plan, FeatureRow row, BlockStore store) {
    long address = append(plan, row.time, store);
    fill(plan, open, open.size - 1, row);
    return address;
  }

  private long append(EntityPlan plan, long time, BlockStore store) {
    if (open.size >= Block.FULL) {
      store.put(openBlock, open);
      openBlock++;
      open = new Block(plan.layout());
    }
    int index = open.size;
    open.open(index);
    open.time(index, time);
    size++;
    long address = Addresses.of(openBlock, index);
    for (int edge = 0; edge < edges; edge++) {
      if (running[edges + edge] == NEVER) {
        // What has come up to now is totalled event by event, not tile by tile.
        boolean passed = plan.tile > 0 && plan.edges[edge].offset() == 0;
        running[edge] = passed ? address + 1 : address;
        running[edges + edge] = passed ? NEVER : time;
        at[edge] = open;
      }
    }
    return address;
  }

  /** How many events held are after {@code time}. */
  private int after(long time, BlockStore store) {
    int count = 0;
    for (long number = openBlock; number >= firstBlock; number--) {
      Block block = block(number, store);
      int index = block.after(time);
      count += block.size - index;
      if (index > 0) {
        break;
      }
    }
    return count;
  }

  /** Puts an event that came late at its place, behind those of its time. */
  private long insert(EntityPlan plan, FeatureRow row, BlockStore store) {
    long number = openBlock;
    while (number > firstBlock && block(number, store).time(0) > row.time) {
      number--;
    }
    Block before = block(number, store);
    if (before.size == Addresses.MOST) {
      throw new IllegalStateException(
          "%d late events came into one stretch of %d; give the pipeline an out-of-orderness"
              .formatted(Addresses.MOST - Block.FULL, Block.FULL));
    }
    Block block = number == openBlock ? open : before.copy();
    int index = block.after(row.time);
    block.open(index);
    fill(plan, block, index, row);
    size++;
    if (number != openBlock) {
      store.put(number, block);
    }
    long address = Addresses.of(number, index);
    for (int part = 0; part < seen.length; part++) {
      seen[part].shift(address);
    }
    for (int part = 0; part < latest.length; part += 3) {
      latest[part] += latest[part] >= address && Addresses.sameBlock(latest[part], address) ? 1 : 0;
    }
    Arrays.fill(earliest, UNKNOWN);
    enterLate(plan, row, block, address);
    return address;
  }

  /** Accounts for an event that was put in behind edges. */
  private void enterLate(EntityPlan plan, FeatureRow row, Block block, long address) {
    int index = Addresses.index(address);
    boolean[] passed = new boolean[edges];
    for (int edge = 0; edge < edges; edge++) {
      EntityPlan.Edge what = plan.edges[edge];
      passed[edge] =
          what.events() == 0
              ? row.time <= now - what.offset()
              : address < running[edge] && !borders(address, block, running[edge]);
      if (passed[edge]) {
        total(plan, edge, block, index, 1);
        if (Addresses.sameBlock(running[edge], address)) {
          running[edge]++;
        }
      } else if (address <= running[edge]) {
        running[edge] = address;
        running[edges + edge] = row.time;
      }
      if (Addresses.sameBlock(running[edge], address)) {
        at[edge] = block;
      }
    }
    for (int part = 0; part < accumulators.length; part++) {
      EntityPlan.AccumulatorPart what = plan.accumulators[part];
      if (passed[what.newer()] && !passed[what.older()]) {
        accumulate(plan, part, block, index, true);
      }
    }
    for (int part = 0; part < extremes.length; part++) {
      EntityPlan.ExtremesPart what = plan.extremes[part];
      if (passed[what.newer()] && present(plan, what.series(), block, index)) {
        extremes[part].enter(Addresses.block(address), value(plan, what.series(), block, index));
      }
    }
    for (int part = 0; part < seen.length; part++) {
      EntityPlan.SeenPart what = plan.seen[part];
      long[] older = olderEdges(what);
      boolean inside = Arrays.stream(older).anyMatch(edge -> edge <= address);
      if (passed[what.newer()] && inside && present(plan, what.series(), block, index)) {
        seen[part].enter(value(plan, what.series(), block, index), address, older);
      }
    }
    for (int part = 0; part < plan.latest.length; part++) {
      EntityPlan.LatestPart what = plan.latest[part];
      if (passed[what.newer()]
          && latest[3 * part] < address
          && present(plan, what.series(), block, index)) {
        latest(plan, part, block, address);
      }
    }
  }

  /** Whether an event at the end of its block lies right before an address. */
  private static boolean borders(long address, Block block, long other) {
    return Addresses.index(address) == block.size - 1
        && other == Addresses.of(Addresses.block(address) + 1, 0);
  }

  private void forget(long cutoff, BlockStore store) {
    long keep = openBlock;
    for (int edge = 0; edge < edges; edge++) {
      keep = Math.min(keep, Addresses.block(running[edge]));
    }
    long before = firstBlock;
    while (firstBlock < keep) {
      Block block = block(firstBlock, store);
      if (block.last() > cutoff) {
        break;
      }
      store.remove(firstBlock);
      size -= block.size;
      firstBlock++;
    }
    for (int i = 0; firstBlock > before && i < extremes.length; i++) {
      extremes[i].forget(firstBlock);
    }
  }

  /** Removes the sealed blocks; the owner then drops this history. */
  public void clear(BlockStore store) {
    for (; firstBlock < openBlock; firstBlock++) {
      store.remove(firstBlock);
    }
  }

  // ---- Edges ----

  private static boolean present(EntityPlan plan, int series, Block block, int index) {
    if (plan.tile > 0) {
      return block.totals[plan.tileAt[series]][index] > 0;
    }
    EntityPlan.Series what = plan.series[series];
    return (what.truth() < 0 || block.truth(what.truth(), index))
        && (what.number() < 0 || !Double.isNaN(block.number(what.number(), index)));
  }

  private static double value(EntityPlan plan, int series, Block block, int index) {
    int number = plan.series[series].number();
    return number < 0 ? 1 : block.number(number, index);
  }

  /** Adds an event or tile to the totals of an edge, or takes it away. */
  private void total(EntityPlan plan, int edge, Block block, int index, int sign) {
    int[] work = plan.work[edge];
    for (int i = 0; i < work.length; i += EntityPlan.WORK) {
      int total = work[i + 2];
      int series = work[i + 4];
      if (plan.tile > 0) {
        totalTile(plan, edge, series, total, block, index, sign);
        continue;
      }
      int truth = work[i + 1];
      if (truth >= 0 && !block.truth(truth, index)) {
        continue;
      }
      double value = 1;
      if (work[i] >= 0) {
        value = block.number(work[i], index);
        if (Double.isNaN(value)) {
          continue;
        }
      }
      total(plan, edge, series, total, work[i + 3], value, sign);
    }
  }

  private void total(
      EntityPlan plan, int edge, int series, int total, int kind, double value, int sign) {
    running[total] += sign;
    if (kind == EntityPlan.COUNTS) {
      return;
    }
    if (!ExactSum.accumulateIfFits(running, total + 1, value, sign)) {
      unfit(plan, edge, series, Unfit.NONE.with(value, 1), sign);
    } else if (kind == EntityPlan.SQUARES) {
      if (sign > 0) {
        ExactSum.addSquare(running, total + 1 + ExactSum.SUM, value);
      } else {
        ExactSum.subtractSquare(running, total + 1 + ExactSum.SUM, value);
      }
    }
  }

  private void totalTile(
      EntityPlan plan, int edge, int s, int total, Block block, int index, int sign) {
    EntityPlan.Series series = plan.series[s];
    int column = plan.tileAt[s];
    running[total] += sign * block.totals[column][index];
    if (series.sum()) {
      totalTile(total + 1, ExactSum.SUM, block, column + 1, index, sign);
      if (series.squares()) {
        int behind = 1 + ExactSum.SUM;
        totalTile(total + behind, ExactSum.SQUARES, block, column + behind, index, sign);
      }
      Unfit values = block.unfit(index, s);
      if (values != null) {
        unfit(plan, edge, s, values, sign);
      }
    }
  }

  private void totalTile(int total, int length, Block block, int column, int index, int sign) {
    for (int i = 0; i < length; i++) {
      difference[i] = block.totals[column + i][index];
    }
    if (sign > 0) {
      ExactSum.addAll(running, total, difference, 0, length);
    } else {
      ExactSum.subtractAll(running, total, difference, 0, length);
    }
  }

  private void unfit(EntityPlan plan, int edge, int series, Unfit values, int sign) {
    if (unfit == null) {
      unfit = new @Nullable Unfit[plan.edges.length * plan.series.length];
    }
    int slot = edge * plan.series.length + series;
    unfit[slot] = Unfit.of(unfit[slot]).plus(values, sign);
  }

  /** The least or greatest value of an event or tile. */
  private static double extreme(
      EntityPlan plan, int series, Block block, int index, boolean least) {
    if (plan.tile == 0) {
      return value(plan, series, block, index);
    }
    EntityPlan.Series what = plan.series[series];
    int column = plan.tileAt[series] + (least ? what.least() : what.greatest());
    return Double.longBitsToDouble(block.totals[column][index]);
  }

  private void accumulate(EntityPlan plan, int part, Block block, int index, boolean enter) {
    EntityPlan.AccumulatorPart what = plan.accumulators[part];
    if (!present(plan, what.series(), block, index)) {
      return;
    }
    String text = what.text() < 0 ? null : block.texts[what.text()][index];
    if (what.text() >= 0 && text == null) {
      return;
    }
    double value = value(plan, what.series(), block, index);
    if (enter) {
      accumulators[part].add(value, text, block.time(index));
    } else {
      accumulators[part].remove(value, text, block.time(index));
    }
  }

  private void latest(EntityPlan plan, int part, Block block, long address) {
    int index = Addresses.index(address);
    int series = plan.latest[part].series();
    latest[3 * part] = address;
    latest[3 * part + 1] = lastTime(plan, series, block, index);
    latest[3 * part + 2] = Double.doubleToLongBits(lastValue(plan, series, block, index));
  }

  private static long lastTime(EntityPlan plan, int series, Block block, int index) {
    return plan.tile == 0
        ? block.time(index)
        : block.totals[plan.tileAt[series] + plan.series[series].lastTime()][index];
  }

  private static double lastValue(EntityPlan plan, int series, Block block, int index) {
    return plan.tile == 0
        ? value(plan, series, block, index)
        : Double.longBitsToDouble(
            block.totals[plan.tileAt[series] + plan.series[series].last()][index]);
  }

  private static double firstValue(EntityPlan plan, int series, Block block, int index) {
    return plan.tile == 0
        ? value(plan, series, block, index)
        : Double.longBitsToDouble(
            block.totals[plan.tileAt[series] + plan.series[series].first()][index]);
  }

  private long[] olderEdges(EntityPlan.SeenPart part) {
    long[] addresses = new long[part.older().length];
    for (int i = 0; i < addresses.length; i++) {
      addresses[i] = running[part.older()[i]];
    }
    return addresses;
  }

  /**
   * The next event passes an edge.
   *
   * @param all whether what cannot be moved back takes part
   */
  private void pass(EntityPlan plan, BlockStore store, int edge, boolean all) {
    Block block = at(edge, store);
    long address = running[edge];
    int index = Addresses.index(address);
    total(plan, edge, block, index, 1);
    if (!plan.plain[edge]) {
      passParts(plan, edge, block, address, all);
    }
    running[edge] = address + 1;
    if (index + 1 < block.size) {
      running[edges + edge] = block.time(index + 1);
    } else if (block == open) {
      running[edges + edge] = NEVER;
    } else {
      running[edge] = Addresses.of(Addresses.block(address) + 1, 0);
      at[edge] = null;
      running[edges + edge] = at(edge, store).time(0);
    }
  }

  private void passParts(EntityPlan plan, int edge, Block block, long address, boolean all) {
    int index = Addresses.index(address);
    for (int part : plan.enterAt[edge]) {
      accumulate(plan, part, block, index, true);
    }
    for (int part : plan.leaveAt[edge]) {
      accumulate(plan, part, block, index, false);
    }
    if (all) {
      for (int part : plan.extremesAt[edge]) {
        int series = plan.extremes[part].series();
        if (present(plan, series, block, index)) {
          extremes[part].enter(
              Addresses.block(address),
              extreme(plan, series, block, index, plan.extremes[part].least()));
        }
      }
      for (int part : plan.latestAt[edge]) {
        if (present(plan, plan.latest[part].series(), block, index)) {
          latest(plan, part, block, address);
        }
      }
      for (int part : plan.seenEnter[edge]) {
        EntityPlan.SeenPart what = plan.seen[part];
        if (present(plan, what.series(), block, index)) {
          seen[part].enter(value(plan, what.series(), block, index), address, olderEdges(what));
        }
      }
      int[] leaving = plan.seenLeave[edge];
      for (int i = 0; i < leaving.length; i += 2) {
        leave(plan, leaving[i], leaving[i + 1], block, address);
      }
    }
  }

  private void leave(EntityPlan plan, int part, int window, Block block, long address) {
    EntityPlan.SeenPart what = plan.seen[part];
    if (!present(plan, what.series(), block, Addresses.index(address))) {
      return;
    }
    boolean last = true;
    for (int i = 0; i < what.older().length; i++) {
      last &= i == window || running[what.older()[i]] > address;
    }
    seen[part].leave(
        value(plan, what.series(), block, Addresses.index(address)), address, window, last);
  }

  /** The event that passed an edge last goes back. */
  private void unpass(EntityPlan plan, BlockStore store, int edge) {
    int index = Addresses.index(running[edge]);
    if (index == 0) {
      at[edge] = null;
      running[edge] = Addresses.of(Addresses.block(running[edge]) - 1, 0);
      index = at(edge, store).size;
    }
    index--;
    Block block = at(edge, store);
    running[edge] = Addresses.of(Addresses.block(running[edge]), index);
    running[edges + edge] = block.time(index);
    total(plan, edge, block, index, -1);
    for (int part : plan.enterAt[edge]) {
      accumulate(plan, part, block, index, false);
    }
    for (int part : plan.leaveAt[edge]) {
      accumulate(plan, part, block, index, true);
    }
  }

  /**
   * Moves the edges on to where they are for an event at {@code time}.
   *
   * @param before the newest edge stops before this address
   */
  private void advance(EntityPlan plan, BlockStore store, long time, long before, boolean all) {
    for (int edge = 0; edge < plan.edgesByTime; edge++) {
      long until = plan.edges[edge].offset() == 0 ? NEVER - 1 : time - plan.edges[edge].offset();
      while (running[edges + edge] <= until
          && running[edges + edge] != NEVER
          && running[edge] < before) {
        pass(plan, store, edge, all);
      }
    }
    settle(plan, store, time, all);
  }

  /** Moves the edges by events on behind their newer edges. */
  private void settle(EntityPlan plan, BlockStore store, long time, boolean all) {
    for (int edge = plan.edgesByTime; edge < edges; edge++) {
      EntityPlan.Edge what = plan.edges[edge];
      long until = time - what.offset();
      while (running[edge] < running[what.newer()]
          && (running[edges + edge] <= until || between(plan, edge) > what.events())) {
        pass(plan, store, edge, all);
      }
    }
  }

  /** Events of its series between an edge by events and its newer edge. */
  private long between(EntityPlan plan, int edge) {
    EntityPlan.Edge what = plan.edges[edge];
    return count(plan, what.series(), what.newer(), edge);
  }

  /**
   * Moves the edges back to where they were before an event at an address, of {@code time}: the
   * older ones first, for no window may ever hold less than nothing.
   */
  private void retreat(EntityPlan plan, BlockStore store, long time, long address) {
    long start = Addresses.of(firstBlock, 0);
    for (int edge = plan.edgesByTime - 1; edge >= 0; edge--) {
      long offset = plan.edges[edge].offset();
      boolean newest = offset == 0 && plan.tile == 0;
      long until = offset == 0 && plan.tile > 0 ? tileEnd(plan, time) : time - offset;
      while (running[edge] > start
          && (newest ? running[edge] > address : timeBefore(edge, store) > until)) {
        for (int other = plan.edgesByTime; other < edges; other++) {
          if (plan.edges[other].newer() == edge && running[other] == running[edge]) {
            unpass(plan, store, other);
          }
        }
        unpass(plan, store, edge);
      }
    }
    for (int edge = plan.edgesByTime; edge < edges; edge++) {
      EntityPlan.Edge what = plan.edges[edge];
      while (running[edge] > start
          && timeBefore(edge, store) > time - what.offset()
          && (between(plan, edge) < what.events()
              || !presentBefore(plan, what.series(), edge, store))) {
        unpass(plan, store, edge);
      }
    }
  }

  private long timeBefore(int edge, BlockStore store) {
    int index = Addresses.index(running[edge]);
    return index > 0
        ? at(edge, store).time(index - 1)
        : block(Addresses.block(running[edge]) - 1, store).last();
  }

  private boolean presentBefore(EntityPlan plan, int series, int edge, BlockStore store) {
    int index = Addresses.index(running[edge]);
    if (index > 0) {
      return present(plan, series, at(edge, store), index - 1);
    }
    Block block = block(Addresses.block(running[edge]) - 1, store);
    return present(plan, series, block, block.size - 1);
  }

  // ---- Values ----

  /**
   * Fills in the features of an event that the newest edge stands before.
   *
   * @param inOrder whether the edges are where the newest event is
   */
  private void compute(
      EntityPlan plan, FeatureRow row, BlockStore store, long address, boolean inOrder) {
    compute(plan, plan.outputsBefore, row, store, inOrder);
    if (edges > 0 && running[0] == address && plan.edges[0].offset() == 0) {
      pass(plan, store, 0, inOrder);
      settle(plan, store, row.time, inOrder);
    }
    compute(plan, plan.outputs, row, store, inOrder);
  }

  private void compute(
      EntityPlan plan,
      EntityPlan.Output[] outputs,
      FeatureRow row,
      BlockStore store,
      boolean inOrder) {
    for (EntityPlan.Output output : outputs) {
      if (output.map() >= 0) {
        row.maps[output.map()] =
            (inOrder ? accumulators[output.part()] : anew(plan, output, store)).map(row.time);
      } else {
        double value = value(plan, output, row, store, inOrder);
        row.values[output.column()] = Double.isNaN(value) ? output.whenEmpty() : value;
      }
    }
  }

  private long count(EntityPlan plan, int series, int newer, int older) {
    int all = plan.series.length;
    return running[plan.totalAt[newer * all + series]]
        - running[plan.totalAt[older * all + series]];
  }

  private double value(
      EntityPlan plan,
      EntityPlan.Output output,
      FeatureRow row,
      BlockStore store,
      boolean inOrder) {
    int all = plan.series.length;
    int newer = plan.totalAt[output.newer() * all + output.series()];
    int older = plan.totalAt[output.older() * all + output.series()];
    long count = running[newer] - running[older];
    if (count == 0) {
      return Double.NaN;
    }
    return switch (output.function()) {
      case COUNT -> count;
      case SUM -> sum(plan, output, newer, older);
      case MEAN, SHARE -> sum(plan, output, newer, older) / count;
      case VARIANCE -> Aggregates.variance(count, deviations(plan, output, newer, older, count));
      case STDDEV ->
          Math.sqrt(Aggregates.variance(count, deviations(plan, output, newer, older, count)));
      case Z_SCORE ->
          Aggregates.zScore(
              row.values[output.current()],
              sum(plan, output, newer, older) / count,
              Aggregates.variance(count, deviations(plan, output, newer, older, count)));
      case MIN, MAX -> extreme(plan, output, store, inOrder);
      case FIRST -> first(plan, output, store, inOrder);
      case LAST ->
          inOrder
              ? Double.longBitsToDouble(latest[3 * output.part() + 2])
              : last(plan, output, store, false);
      case TIME_SINCE_LAST ->
          (row.time
                  - (inOrder
                      ? latest[3 * output.part() + 1]
                      : (long) last(plan, output, store, true)))
              / 1_000.0;
      case DISTINCT ->
          inOrder
              ? seen[output.part()].counts[output.window()]
              : Arrays.stream(values(plan, output, store)).map(v -> v + 0.0).distinct().count();
      default -> {
        Accumulator accumulator = accumulators[output.part()];
        if (accumulator instanceof Quantiles quantiles && quantiles.mustRefill()) {
          quantiles.refill(values(plan, output, store));
        }
        yield accumulator.number(row.time);
      }
    };
  }

  private double sum(EntityPlan plan, EntityPlan.Output output, int newer, int older) {
    Unfit rest = unfit(plan, output);
    ExactSum.difference(running, newer + 1, older + 1, ExactSum.SUM, difference);
    return rest.count() == 0
        ? ExactSum.value(difference, 0)
        : rest.sum(ExactSum.exact(difference, 0));
  }

  private double deviations(
      EntityPlan plan, EntityPlan.Output output, int newer, int older, long count) {
    Unfit rest = unfit(plan, output);
    long[] squares = new long[ExactSum.SQUARES];
    ExactSum.difference(running, newer + 1, older + 1, ExactSum.SUM, difference);
    ExactSum.difference(
        running, newer + 1 + ExactSum.SUM, older + 1 + ExactSum.SUM, ExactSum.SQUARES, squares);
    return rest.count() == 0
        ? ExactSum.deviations(count, difference, 0, squares, 0)
        : rest.deviations(count, ExactSum.exact(difference, 0), ExactSum.exactSquares(squares, 0));
  }

  private Unfit unfit(EntityPlan plan, EntityPlan.Output output) {
    if (unfit == null) {
      return Unfit.NONE;
    }
    int all = plan.series.length;
    Unfit newer = unfit[output.newer() * all + output.series()];
    Unfit older = unfit[output.older() * all + output.series()];
    return newer == null && older == null ? Unfit.NONE : Unfit.of(newer).plus(Unfit.of(older), -1);
  }

  private double extreme(
      EntityPlan plan, EntityPlan.Output output, BlockStore store, boolean inOrder) {
    Extremes known = extremes[output.part()];
    boolean least = plan.extremes[output.part()].least();
    long from = running[output.older()];
    long to = running[output.newer()];
    long block = Addresses.block(from);
    // What follows the block in which the window begins is known; that block is looked through.
    double[] best = {inOrder && Addresses.block(to) > block ? known.after(block) : Double.NaN};
    long end = inOrder ? Math.min(to, Addresses.of(block + 1, 0)) : to;
    scan(
        plan,
        output,
        store,
        from,
        end,
        (here, index) -> {
          double value = extreme(plan, output.series(), here, index, least);
          best[0] = Double.isNaN(best[0]) || known.beats(value, best[0]) ? value : best[0];
          return true;
        });
    return best[0];
  }

  private double first(
      EntityPlan plan, EntityPlan.Output output, BlockStore store, boolean inOrder) {
    long from = running[output.older()];
    int slot = 2 * output.part();
    if (inOrder) {
      if (earliest[slot + 1] >= from) {
        from = earliest[slot + 1];
      } else {
        from = Math.max(from, earliest[slot]);
      }
    }
    double[] value = {Double.NaN};
    long found =
        scan(
            plan,
            output,
            store,
            from,
            running[output.newer()],
            (block, index) -> {
              value[0] = firstValue(plan, output.series(), block, index);
              return false;
            });
    if (inOrder) {
      earliest[slot] = found;
      earliest[slot + 1] = found;
    }
    return value[0];
  }

  /** Value, or time, of the last event of a window. */
  private double last(EntityPlan plan, EntityPlan.Output output, BlockStore store, boolean time) {
    double[] last = {Double.NaN};
    scan(
        plan,
        output,
        store,
        running[output.older()],
        running[output.newer()],
        (block, index) -> {
          last[0] =
              time
                  ? lastTime(plan, output.series(), block, index)
                  : lastValue(plan, output.series(), block, index);
          return true;
        });
    return last[0];
  }

  /** A window's state from its events in order: those that moved back came in another order. */
  private Accumulator anew(EntityPlan plan, EntityPlan.Output output, BlockStore store) {
    EntityPlan.AccumulatorPart part = plan.accumulators[output.part()];
    Accumulator accumulator = part.create();
    scan(
        plan,
        output,
        store,
        running[output.older()],
        running[output.newer()],
        (block, index) -> {
          String text = part.text() < 0 ? null : block.texts[part.text()][index];
          accumulator.add(value(plan, part.series(), block, index), text, block.time(index));
          return true;
        });
    return accumulator;
  }

  /** All values of a window. */
  private double[] values(EntityPlan plan, EntityPlan.Output output, BlockStore store) {
    DoubleStream.Builder values = DoubleStream.builder();
    scan(
        plan,
        output,
        store,
        running[output.older()],
        running[output.newer()],
        (block, index) -> {
          values.add(value(plan, output.series(), block, index));
          return true;
        });
    return values.build().toArray();
  }

  private interface Visitor {
    /** Whether to go on. */
    boolean visit(Block block, int index);
  }

  /**
   * Shows the events of a series at the addresses [from, to) in order.
   *
   * @return the address at which the visitor stopped, {@code to} when it did not
   */
  private long scan(
      EntityPlan plan,
      EntityPlan.Output output,
      BlockStore store,
      long from,
      long to,
      Visitor visitor) {
    long address = from;
    while (address < to) {
      long number = Addresses.block(address);
      Block block =
          Addresses.sameBlock(address, running[output.older()])
              ? at(output.older(), store)
              : block(number, store);
      for (int index = Addresses.index(address);
          index < block.size && Addresses.of(number, index) < to;
          index++) {
        if (present(plan, output.series(), block, index) && !visitor.visit(block, index)) {
          return Addresses.of(number, index);
        }
      }
      address = Addresses.of(number + 1, 0);
    }
    return to;
  }

  // ---- State ----

  /** A copy that shares nothing that changes with this one. */
  public EntityHistory copy() {
    EntityHistory copy = new EntityHistory(open.layout);
    copy.open = open.copy();
    copy.firstBlock = firstBlock;
    copy.openBlock = openBlock;
    copy.size = size;
    copy.lastId = lastId;
    copy.expiry = expiry;
    copy.plan = plan;
    copy.written = written;
    copy.writtenFor = writtenFor;
    copy.now = now;
    copy.running = running.clone();
    copy.edges = edges;
    copy.at = at.clone();
    for (int edge = 0; edge < at.length; edge++) {
      if (at[edge] == open) {
        copy.at[edge] = copy.open;
      }
    }
    copy.unfit = unfit == null ? null : unfit.clone();
    copy.extremes = Arrays.stream(extremes).map(Extremes::copy).toArray(Extremes[]::new);
    copy.seen = Arrays.stream(seen).map(LastSeen::copy).toArray(LastSeen[]::new);
    copy.latest = latest.clone();
    copy.earliest = earliest.clone();
    copy.accumulators =
        Arrays.stream(accumulators).map(Accumulator::copy).toArray(Accumulator[]::new);
    return copy;
  }

  /** Writes all but the sealed blocks. The layout is the reader's to know. */
  public void write(DataOutput out) throws IOException {
    out.writeByte(FORMAT);
    Varint.write(out, expiry);
    Texts.write(out, lastId);
    Varint.write(out, firstBlock);
    Varint.write(out, openBlock);
    Varint.write(out, size);
    open.write(out);
    EntityPlan running = plan;
    byte[] bytes = written;
    if (running != null) {
      ByteArrayOutputStream buffer = new ByteArrayOutputStream();
      writeRunning(new DataOutputStream(buffer));
      bytes = buffer.toByteArray();
      out.writeLong(running.fingerprint());
    } else {
      out.writeLong(writtenFor);
    }
    Varint.write(out, bytes == null ? 0 : bytes.length);
    if (bytes != null) {
      out.write(bytes);
    }
  }

  /** The layout of what this holds. */
  public Layout layout() {
    return open.layout;
  }

  /**
   * Reads what {@link #write} wrote with that layout.
   *
   * @throws IOException when the bytes are of an unknown format
   */
  public static EntityHistory read(Layout layout, DataInput in) throws IOException {
    byte format = in.readByte();
    if (format != FORMAT) {
      throw new IOException(
          "the history of an entity has format " + format + ", but this version reads " + FORMAT);
    }
    EntityHistory history = new EntityHistory(layout);
    history.expiry = Varint.read(in);
    history.lastId = Texts.read(in);
    history.firstBlock = Varint.read(in);
    history.openBlock = Varint.read(in);
    history.size = Varint.read(in);
    history.open = Block.read(layout, in);
    history.writtenFor = in.readLong();
    byte[] bytes = new byte[(int) Varint.read(in)];
    in.readFully(bytes);
    history.written = bytes.length == 0 ? null : bytes;
    return history;
  }

  private void writeRunning(DataOutput out) throws IOException {
    Varint.write(out, now);
    for (long value : running) {
      Varint.write(out, value);
    }
    out.writeBoolean(unfit != null);
    if (unfit != null) {
      for (Unfit values : unfit) {
        out.writeBoolean(values != null);
        if (values != null) {
          values.write(out);
        }
      }
    }
    for (Extremes values : extremes) {
      values.write(out);
    }
    for (LastSeen values : seen) {
      values.write(out);
    }
    for (long value : latest) {
      Varint.write(out, value);
    }
    for (long address : earliest) {
      Varint.write(out, address);
    }
    for (Accumulator accumulator : accumulators) {
      accumulator.write(out);
    }
  }

  private void readRunning(EntityPlan plan, DataInput in) throws IOException {
    now = Varint.read(in);
    for (int i = 0; i < running.length; i++) {
      running[i] = Varint.read(in);
    }
    if (in.readBoolean()) {
      @Nullable Unfit[] values = new @Nullable Unfit[plan.edges.length * plan.series.length];
      for (int i = 0; i < values.length; i++) {
        values[i] = in.readBoolean() ? Unfit.read(in) : null;
      }
      unfit = values;
    }
    for (int i = 0; i < extremes.length; i++) {
      extremes[i] = Extremes.read(plan.extremes[i].least(), in);
    }
    for (int i = 0; i < seen.length; i++) {
      seen[i] = LastSeen.read(plan.seen[i].older().length, in);
    }
    for (int i = 0; i < latest.length; i++) {
      latest[i] = Varint.read(in);
    }
    for (int i = 0; i < earliest.length; i++) {
      earliest[i] = Varint.read(in);
    }
    for (Accumulator accumulator : accumulators) {
      accumulator.read(in);
    }
  }
}
