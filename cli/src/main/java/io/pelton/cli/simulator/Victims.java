package io.pelton.cli.simulator;

import java.util.BitSet;

/**
 * Who is compromised on a day. New victims come at a steady rate, also before the first day, so
 * that a simulation starts with as much fraud as it goes on with.
 *
 * @param dice which generator draws them
 * @param rate new victims a day for each of the candidates
 * @param days how long a victim stays one
 */
record Victims(Dice dice, double rate, int days) {

  BitSet on(int day, long seed, int candidates) {
    var victims = new BitSet(candidates);
    for (int first = day - days + 1; first <= day; first++) {
      var random = dice.of(seed, first);
      int count = count(first + 1, candidates) - count(first, candidates);
      for (int i = 0; i < count; i++) {
        victims.set(random.nextInt(candidates));
      }
    }
    return victims;
  }

  /** Whole victims before a day; its differences are as even as whole numbers can be. */
  private int count(int day, int candidates) {
    return (int) Math.floor(day * rate * candidates);
  }
}
