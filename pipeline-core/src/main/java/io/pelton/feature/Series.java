package io.pelton.feature;

import java.io.Serializable;

/**
 * Values that edges total.
 *
 * @param number which number of the layout; -1 counts events
 * @param truth which truth must hold; -1 for none
 * @param extremes whether tiles know their least and greatest value
 * @param ends whether tiles know their first and last value
 * @param column of a tile's totals the first, which is how many values there are; -1 for events
 */
record Series(
    int number, int truth, boolean sum, boolean squares, boolean extremes, boolean ends, int column)
    implements Serializable {
  Series(int number, int truth, boolean sum, boolean squares, boolean extremes, boolean ends) {
    this(number, truth, sum, squares, extremes, ends, -1);
  }

  // Places of a tile's other totals.
  int leastAt() {
    return column + length();
  }

  int greatestAt() {
    return leastAt() + 1;
  }

  int firstAt() {
    return leastAt() + (extremes ? 2 : 0);
  }

  int firstTimeAt() {
    return firstAt() + 1;
  }

  int lastAt() {
    return firstAt() + 2;
  }

  int lastTimeAt() {
    return firstAt() + 3;
  }

  private boolean ofTiles() {
    return column >= 0;
  }

  /** Whether an event or tile has a value. */
  boolean present(Block block, int index) {
    if (ofTiles()) {
      return block.totals[column][index] > 0;
    }
    return (truth < 0 || block.truth(truth, index))
        && (number < 0 || !Double.isNaN(block.number(number, index)));
  }

  /** The value of an event that has one. */
  double value(Block block, int index) {
    return number < 0 ? 1 : block.number(number, index);
  }

  /** The least or greatest value of an event or tile that has one. */
  double extreme(Block block, int index, boolean least) {
    return ofTiles()
        ? Double.longBitsToDouble(block.totals[least ? leastAt() : greatestAt()][index])
        : value(block, index);
  }

  double first(Block block, int index) {
    return ofTiles()
        ? Double.longBitsToDouble(block.totals[firstAt()][index])
        : value(block, index);
  }

  double last(Block block, int index) {
    return ofTiles() ? Double.longBitsToDouble(block.totals[lastAt()][index]) : value(block, index);
  }

  long lastTime(Block block, int index) {
    return ofTiles() ? block.totals[lastTimeAt()][index] : block.time(index);
  }

  int kind() {
    return squares ? EntityPlan.SQUARES : sum ? EntityPlan.SUMS : EntityPlan.COUNTS;
  }

  /** Longs of an edge's total. */
  int length() {
    return 1 + (sum ? ExactSum.SUM : 0) + (squares ? ExactSum.SQUARES : 0);
  }

  /** Longs of a tile's. */
  int tileLength() {
    return length() + (extremes ? 2 : 0) + (ends ? 4 : 0);
  }

  Series with(Series other) {
    return new Series(
        number,
        truth,
        sum || other.sum,
        squares || other.squares,
        extremes || other.extremes,
        ends || other.ends);
  }

  Series at(int place) {
    return new Series(number, truth, sum, squares, extremes, ends, place);
  }
}
