package io.pelton.cli.simulator;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * Card payments ordered by time, in the spirit of the Fraud Detection Handbook (Le Borgne et al.,
 * 2022). Genuine amounts are normal around a customer's mean, times of day normal around noon.
 * Frauds are of three kinds: amounts far above what anybody spends; terminals compromised for 28
 * days, where every payment is one; leaked cards, of whose payments a third is one for 14 days, at
 * five times the amount. Together just under one in a hundred. Every iteration gives the same
 * payments; one day is in memory at a time.
 */
public final class TransactionSimulator implements Iterable<Transaction> {
  private static final long DAY_MILLIS = 86_400_000;
  private static final int DAY_SECONDS = 86_400;
  private static final int NIGHT_SECONDS = 7 * 3_600;
  private static final double TIME_DEVIATION = 20_000;
  private static final double SUSPICIOUS_AMOUNT = 220;
  private static final double LEAKED_FACTOR = 5;
  private static final int LEAKED_ONE_IN = 3;
  private static final int TESTS_A_CARD = 6;
  private static final int TEST_BURST_SECONDS = 1_800;
  private static final double LOWEST_TEST = 0.5;
  private static final double HIGHEST_TEST = 3;
  private static final Victims TERMINALS = new Victims(Dice.COMPROMISED_TERMINALS, 2e-4, 28);
  private static final Victims CARDS = new Victims(Dice.LEAKED_CARDS, 6e-4, 14);

  private final SimulatorSettings settings;
  private final Population population;

  public TransactionSimulator(SimulatorSettings settings) {
    this.settings = settings;
    this.population = Population.of(settings);
  }

  public Stream<Transaction> stream() {
    return StreamSupport.stream(spliterator(), false);
  }

  @Override
  public Iterator<Transaction> iterator() {
    return new Days();
  }

  /** Payments of one day after another. Ids count from 0. */
  private final class Days implements Iterator<Transaction> {
    private int nextDay;
    private Day today = new Day(0);
    private int next;
    private long id;

    @Override
    public boolean hasNext() {
      while (next == today.size && nextDay < settings.days()) {
        today = day(nextDay++);
        next = 0;
      }
      return next < today.size;
    }

    @Override
    public Transaction next() {
      if (!hasNext()) {
        throw new NoSuchElementException("the simulation ends after day " + settings.days());
      }
      return today.transaction(next++, id++);
    }
  }

  /**
   * Columns of a day's payments, in the order that they were drawn, and the order of their times.
   */
  private final class Day {
    private final long start;
    private int size;
    private int[] customers = new int[4_096];
    private int[] terminals = new int[4_096];
    private double[] amounts = new double[4_096];
    private boolean[] frauds = new boolean[4_096];
    private long[] order = new long[4_096];

    Day(int day) {
      this.start = settings.start().toEpochMilli() + day * DAY_MILLIS;
    }

    void add(int second, int customer, int terminal, double amount, boolean fraud) {
      if (size == order.length) {
        customers = Arrays.copyOf(customers, 2 * size);
        terminals = Arrays.copyOf(terminals, 2 * size);
        amounts = Arrays.copyOf(amounts, 2 * size);
        frauds = Arrays.copyOf(frauds, 2 * size);
        order = Arrays.copyOf(order, 2 * size);
      }
      customers[size] = customer;
      terminals[size] = terminal;
      amounts[size] = Math.max(Math.round(amount * 100), 1) / 100.0;
      frauds[size] = fraud;
      order[size] = (long) second << Integer.SIZE | size;
      size++;
    }

    void sort() {
      Arrays.sort(order, 0, size);
    }

    Transaction transaction(int rank, long id) {
      int row = (int) order[rank];
      long second = order[rank] >> Integer.SIZE;
      return new Transaction(
          id, start + second * 1_000, customers[row], terminals[row], amounts[row], frauds[row]);
    }
  }

  private Day day(int number) {
    SplittableRandom dice = Dice.PAYMENTS.of(settings.seed(), number);
    BitSet compromised = TERMINALS.on(number, settings.seed(), population.terminals());
    BitSet leaked = CARDS.on(number, settings.seed(), population.customers());
    double prices = inForce(number, BehaviourShift.Inflation.class, s -> s.factor(), 1);
    double night = inForce(number, BehaviourShift.NightActivity.class, s -> s.share(), 0);
    int tested = (int) inForce(number, BehaviourShift.CardTesting.class, s -> s.cardsADay(), 0);
    var day = new Day(number);
    for (int customer = 0; customer < population.customers(); customer++) {
      int payments = population.payments(customer, dice);
      for (int payment = 0; payment < payments; payment++) {
        double amount = prices * amount(population.meanAmount(customer), dice);
        int terminal = population.terminalInReach(customer, dice);
        boolean stolen = leaked.get(customer) && dice.nextInt(LEAKED_ONE_IN) == 0;
        boolean fraud = stolen || compromised.get(terminal) || amount > SUSPICIOUS_AMOUNT * prices;
        day.add(
            second(night, dice),
            customer,
            terminal,
            stolen ? LEAKED_FACTOR * amount : amount,
            fraud);
      }
    }
    for (int card = 0; card < tested; card++) {
      test(day, dice);
    }
    day.sort();
    return day;
  }

  private void test(Day day, SplittableRandom dice) {
    int customer = dice.nextInt(population.customers());
    int from = dice.nextInt(DAY_SECONDS - TEST_BURST_SECONDS);
    for (int payment = 0; payment < TESTS_A_CARD; payment++) {
      day.add(
          from + dice.nextInt(TEST_BURST_SECONDS),
          customer,
          dice.nextInt(population.terminals()),
          dice.nextDouble(LOWEST_TEST, HIGHEST_TEST),
          true);
    }
  }

  /** Normal with half the mean as deviation; what would be negative is drawn evenly instead. */
  private static double amount(double mean, SplittableRandom dice) {
    double amount = mean + mean / 2 * dice.nextGaussian();
    return amount < 0 ? dice.nextDouble(2 * mean) : amount;
  }

  private static int second(double nightShare, SplittableRandom dice) {
    if (nightShare > 0 && dice.nextDouble() < nightShare) {
      return dice.nextInt(NIGHT_SECONDS);
    }
    int second;
    do {
      second = (int) Math.floor(DAY_SECONDS / 2.0 + TIME_DEVIATION * dice.nextGaussian());
    } while (second < 0 || second >= DAY_SECONDS);
    return second;
  }

  private <S extends BehaviourShift> double inForce(
      int day, Class<S> kind, ToDoubleFunction<S> value, double otherwise) {
    double found = otherwise;
    int latest = -1;
    for (BehaviourShift shift : settings.shifts()) {
      if (kind.isInstance(shift) && shift.fromDay() <= day && shift.fromDay() >= latest) {
        found = value.applyAsDouble(kind.cast(shift));
        latest = shift.fromDay();
      }
    }
    return found;
  }
}
