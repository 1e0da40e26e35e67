package io.pelton.feature;

/**
 * The windows of one plan over a key's history. Takes events in, wherever their times place them,
 * and computes features as of them.
 */
abstract class Sliding {
  final EntityPlan plan;
  final Chain chain;
  final Parts parts;
  final Edges edges;
  final Windows windows;

  private Sliding(EntityPlan plan, Chain chain) {
    this.plan = plan;
    this.chain = chain;
    long[] running = new long[2 * plan.edges.length + plan.totals];
    parts = new Parts(plan, chain, running);
    edges = new Edges(plan, chain, running, parts);
    windows = new Windows(plan, chain, edges, parts);
  }

  static Sliding over(Chain chain, EntityPlan plan) {
    return plan.tile > 0 ? new OverTiles(plan, chain) : new OverEvents(plan, chain);
  }

  /**
   * Takes an event and fills in its features.
   *
   * @return how many events held should have come after this one: 0 when it came in order
   */
  abstract int update(FeatureRow row);

  /** Takes an event or an outcome, without computing its features. */
  abstract void add(FeatureRow row);

  /** The same windows over a copy of the history. */
  Sliding over(Chain copied) {
    Sliding copy = over(copied, plan);
    copy.edges.become(edges);
    copy.parts.become(parts);
    return copy;
  }

  void forget(long cutoff) {
    long before = chain.first();
    chain.forget(cutoff, edges.oldest());
    if (chain.first() > before) {
      parts.forget(chain.first());
    }
  }

  /** Whether a newest event's id comes before that of the event before it, of the same time. */
  boolean tiesOutOfOrder(FeatureRow row) {
    return EventIds.ORDER.compare(row.id, chain.lastId) < 0;
  }

  /** Remembers the id of the newest event; an event of an outcome's time comes after that. */
  void newest(FeatureRow row, boolean later) {
    chain.lastId = !row.outcome ? row.id : later ? "" : chain.lastId;
  }

  /** Over a history that holds every event. */
  private static final class OverEvents extends Sliding {
    private final boolean[] passed;

    OverEvents(EntityPlan plan, Chain chain) {
      super(plan, chain);
      passed = new boolean[plan.edges.length];
    }

    @Override
    int update(FeatureRow row) {
      int overtaken = 0;
      if (chain.size() > 0) {
        long newest = chain.newest();
        if (row.time < newest) {
          overtaken = chain.after(row.time);
        } else if (row.time == newest && tiesOutOfOrder(row)) {
          overtaken = 1;
        }
      }
      if (overtaken == 0 || row.time == edges.now) {
        long address = append(row);
        if (overtaken == 0) {
          chain.lastId = row.id;
        }
        edges.advance(row.time, address, true);
        compute(row, address, true);
        edges.now = row.time;
      } else {
        long until = edges.now;
        long address = insert(row);
        edges.settle(until, true);
        edges.retreat(row.time, address);
        compute(row, address, false);
        edges.advance(until, Long.MAX_VALUE, false);
      }
      return overtaken;
    }

    @Override
    void add(FeatureRow row) {
      long newest = chain.newest();
      if (row.time >= newest) {
        append(row);
        newest(row, row.time > newest);
        edges.advance(row.time, Long.MAX_VALUE, true);
        edges.now = row.time;
      } else {
        insert(row);
        edges.settle(edges.now, true);
      }
    }

    /** Fills in the features of an event that the newest edge stands before. */
    private void compute(FeatureRow row, long address, boolean inOrder) {
      windows.compute(plan.outputsBefore, row, inOrder);
      if (plan.edges.length > 0 && edges.running[0] == address && plan.edges[0].offset() == 0) {
        edges.pass(0, inOrder);
        edges.settle(row.time, inOrder);
      }
      windows.compute(plan.outputs, row, inOrder);
    }

    private void fill(Block block, int index, FeatureRow row) {
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
    private long append(FeatureRow row) {
      long address = chain.append(row.time);
      edges.appended(address, row.time);
      fill(chain.open, chain.open.size - 1, row);
      return address;
    }

    /** Puts an event that came late at its place, behind those of its time. */
    private long insert(FeatureRow row) {
      long number = chain.blockFor(row.time);
      Block block = chain.toChange(number);
      if (block.size == Addresses.MOST) {
        throw new IllegalStateException(
            "%d late events came into one stretch of %d; give the pipeline an out-of-orderness"
                .formatted(Addresses.MOST - Block.FULL, Block.FULL));
      }
      int index = block.after(row.time);
      block.open(index);
      fill(block, index, row);
      chain.grew();
      chain.changed(number, block);
      long address = Addresses.of(number, index);
      parts.shift(address);
      windows.disturbed();
      for (int edge = 0; edge < passed.length; edge++) {
        passed[edge] =
            plan.edges[edge].events() == 0
                ? edges.passed(edge, row.time)
                : address < edges.running[edge] && !borders(address, block, edges.running[edge]);
        if (passed[edge]) {
          edges.total(edge, block, index, 1);
        }
        edges.inserted(edge, passed[edge], address, row.time, block);
      }
      parts.enterLate(block, address, passed);
      return address;
    }

    /** Whether an event at the end of its block lies right before an address. */
    private static boolean borders(long address, Block block, long other) {
      return Addresses.index(address) == block.size - 1
          && other == Addresses.of(Addresses.block(address) + 1, 0);
    }
  }

  /**
   * Over a history of tiles. A tile is dated by its last millisecond; older edges, and newer ones
   * of windows with a delay, take it whole when that has passed. What has come up to now is
   * totalled event by event.
   */
  private static final class OverTiles extends Sliding {
    private final boolean[] passed;

    OverTiles(EntityPlan plan, Chain chain) {
      super(plan, chain);
      passed = new boolean[plan.edges.length];
    }

    @Override
    int update(FeatureRow row) {
      long until = edges.now;
      if (chain.size() > 0 && row.time < until) {
        int overtaken = addLate(row);
        edges.retreat(row.time, Long.MAX_VALUE);
        // What the event itself adds is in its tile by now, so it cannot be left out of it.
        windows.compute(plan.outputsBefore, row, false);
        windows.compute(plan.outputs, row, false);
        edges.advance(until, Long.MAX_VALUE, false);
        return overtaken;
      }
      int overtaken = 0;
      if (chain.size() > 0 && row.time == until && tiesOutOfOrder(row)) {
        overtaken = 1;
      } else {
        chain.lastId = row.id;
      }
      long address = tile(row.time);
      edges.advance(row.time, Long.MAX_VALUE, true);
      windows.compute(plan.outputsBefore, row, true);
      enter(row, address, row.time);
      windows.compute(plan.outputs, row, true);
      edges.now = row.time;
      return overtaken;
    }

    @Override
    void add(FeatureRow row) {
      if (chain.size() == 0 || row.time >= edges.now) {
        long address = tile(row.time);
        edges.advance(row.time, Long.MAX_VALUE, true);
        enter(row, address, row.time);
        newest(row, row.time > edges.now);
        edges.now = row.time;
      } else {
        addLate(row);
      }
    }

    /**
     * Takes an event in that came late; returns how many it should have preceded at most: all of
     * its tile, and those of later ones.
     */
    private int addLate(FeatureRow row) {
      long address = tile(row.time);
      long after = 0;
      for (long number = Addresses.block(address); number <= chain.last(); number++) {
        Block block = chain.block(number);
        int first = number == Addresses.block(address) ? Addresses.index(address) : 0;
        for (int index = first; index < block.size; index++) {
          after += block.totals[plan.series[plan.events].column()][index];
        }
      }
      enter(row, address, edges.now);
      parts.disturbed();
      windows.disturbed();
      return (int) Math.max(1, Math.min(after, Integer.MAX_VALUE));
    }

    /** Address of the tile that holds a time; a new one, still empty, when there is none. */
    private long tile(long time) {
      long end = plan.tileEnd(time);
      if (chain.size() == 0 || chain.newest() < end) {
        long address = chain.append(end);
        edges.appended(address, end);
        return address;
      }
      long number = chain.blockFor(end);
      Block block = chain.block(number);
      int index = block.after(end);
      if (index > 0 && block.time(index - 1) == end) {
        return Addresses.of(number, index - 1);
      }
      Block changed = chain.toChange(number);
      changed.open(index);
      changed.time(index, end);
      chain.grew();
      chain.changed(number, changed);
      long address = Addresses.of(number, index);
      parts.shift(address);
      windows.disturbed();
      for (int edge = 0; edge < passed.length; edge++) {
        boolean behind = plan.edges[edge].offset() == 0 || edges.passed(edge, end);
        edges.inserted(edge, behind, address, end, changed);
      }
      return address;
    }

    /**
     * Adds an event to its tile and to what the edges know that have passed it.
     *
     * @param reached the time up to which the edges have moved
     */
    private void enter(FeatureRow row, long address, long reached) {
      long number = Addresses.block(address);
      int index = Addresses.index(address);
      Block block = chain.toChange(number);
      long end = block.time(index);
      for (int edge = 0; edge < passed.length; edge++) {
        long offset = plan.edges[edge].offset();
        passed[edge] = offset == 0 || end <= reached - offset;
      }
      for (int s = 0; s < plan.series.length; s++) {
        Series series = plan.series[s];
        double value = value(series, row);
        if (Double.isNaN(value)) {
          continue;
        }
        block.add(series, s, index, value, row.time);
        for (int edge = 0; edge < passed.length; edge++) {
          if (passed[edge]) {
            edges.total(edge, s, value);
          }
        }
        parts.enterTile(s, value, row.time, address, passed);
      }
      for (int bag = 0; bag < plan.bags.length; bag++) {
        EntityPlan.AccumulatorPart part = plan.bags[bag];
        double value = value(plan.series[part.series()], row);
        Object text = part.text() < 0 ? null : row.carried[plan.textPositions[part.text()]];
        if (!Double.isNaN(value) && (part.text() < 0 || text != null)) {
          String known = text == null ? null : text.toString();
          block.bagToChange(bag, index, part).add(value, known, row.time);
          parts.enterBag(bag, value, known, row.time, address, passed);
        }
      }
      chain.changed(number, block);
      if (number != chain.last()) {
        edges.replaced(number, block);
      }
    }

    /** A series' value of an event, NaN when it has none. */
    private double value(Series series, FeatureRow row) {
      if (series.truth() >= 0 && row.values[plan.truthPositions[series.truth()]] != 1) {
        return Double.NaN;
      }
      return series.number() < 0 ? 1 : row.values[plan.numberPositions[series.number()]];
    }
  }
}
