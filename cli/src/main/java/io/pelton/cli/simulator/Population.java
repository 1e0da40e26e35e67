package io.pelton.cli.simulator;

import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Customers and the terminals that they can reach: both lie in a square of side 100; a customer
 * pays at terminals within 5.
 */
final class Population {
  private static final double SIDE = 100;
  private static final double REACH = 5;
  private static final double LOWEST_MEAN = 5;
  private static final double HIGHEST_MEAN = 100;
  private static final double MOST_A_DAY = 4;

  private final double[] meanAmount;
  private final double[] noPaymentChance;
  private final int[][] reachable;
  private final int terminals;

  private Population(
      double[] meanAmount, double[] noPaymentChance, int[][] reachable, int terminals) {
    this.meanAmount = meanAmount;
    this.noPaymentChance = noPaymentChance;
    this.reachable = reachable;
    this.terminals = terminals;
  }

  static Population of(SimulatorSettings settings) {
    SplittableRandom dice = Dice.PEOPLE.of(settings.seed(), 0);
    var terminalX = new double[settings.terminals()];
    var terminalY = new double[settings.terminals()];
    for (int terminal = 0; terminal < settings.terminals(); terminal++) {
      terminalX[terminal] = dice.nextDouble(SIDE);
      terminalY[terminal] = dice.nextDouble(SIDE);
    }
    var meanAmount = new double[settings.customers()];
    var noPaymentChance = new double[settings.customers()];
    var reachable = new int[settings.customers()][];
    for (int customer = 0; customer < settings.customers(); customer++) {
      double x = dice.nextDouble(SIDE);
      double y = dice.nextDouble(SIDE);
      meanAmount[customer] = dice.nextDouble(LOWEST_MEAN, HIGHEST_MEAN);
      // Of a Poisson law; strict, so that every machine counts the same payments.
      noPaymentChance[customer] = StrictMath.exp(-dice.nextDouble(MOST_A_DAY));
      var squaredDistance = new double[settings.terminals()];
      int nearest = 0;
      for (int terminal = 0; terminal < squaredDistance.length; terminal++) {
        double dx = terminalX[terminal] - x;
        double dy = terminalY[terminal] - y;
        squaredDistance[terminal] = dx * dx + dy * dy;
        nearest = squaredDistance[terminal] < squaredDistance[nearest] ? terminal : nearest;
      }
      int[] near =
          IntStream.range(0, squaredDistance.length)
              .filter(terminal -> squaredDistance[terminal] <= REACH * REACH)
              .toArray();
      reachable[customer] = near.length == 0 ? new int[] {nearest} : near;
    }
    return new Population(meanAmount, noPaymentChance, reachable, settings.terminals());
  }

  int customers() {
    return meanAmount.length;
  }

  int terminals() {
    return terminals;
  }

  double meanAmount(int customer) {
    return meanAmount[customer];
  }

  /** How often a customer pays on a day: Poisson, by Knuth's product of uniforms. */
  int payments(int customer, SplittableRandom dice) {
    int payments = 0;
    double product = dice.nextDouble();
    while (product > noPaymentChance[customer]) {
      payments++;
      product *= dice.nextDouble();
    }
    return payments;
  }

  int terminalInReach(int customer, SplittableRandom dice) {
    int[] near = reachable[customer];
    return near[dice.nextInt(near.length)];
  }
}
