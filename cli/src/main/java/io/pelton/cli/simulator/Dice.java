package io.pelton.cli.simulator;

import java.util.SplittableRandom;

/**
 * Seeds one random generator for each purpose and day, so that days do not depend on each other.
 */
enum Dice {
  PEOPLE(0),
  PAYMENTS(1),
  COMPROMISED_TERMINALS(2),
  LEAKED_CARDS(3);

  private final int number;

  Dice(int number) {
    this.number = number;
  }

  SplittableRandom of(long seed, int day) {
    return new SplittableRandom(mix(mix(mix(seed) + day) + number));
  }

  /** The finaliser of MurmurHash3. */
  private static long mix(long bits) {
    long mixed = bits + 0x9e3779b97f4a7c15L;
    mixed = (mixed ^ (mixed >>> 33)) * 0xff51afd7ed558ccdL;
    mixed = (mixed ^ (mixed >>> 33)) * 0xc4ceb9fe1a85ec53L;
    return mixed ^ (mixed >>> 33);
  }
}
