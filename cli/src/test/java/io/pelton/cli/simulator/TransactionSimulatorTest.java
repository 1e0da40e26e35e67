package io.pelton.cli.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

final class TransactionSimulatorTest {
  private static final Instant START = Instant.parse("2024-01-01T00:00:00Z");
  private static final SimulatorSettings SIXTY_DAYS = SimulatorSettings.withDefaults(11, START, 60);

  private static List<Transaction> run(SimulatorSettings settings) {
    return new TransactionSimulator(settings).stream().toList();
  }

  private static Predicate<Transaction> fromDay(int day) {
    long from = START.plus(Duration.ofDays(day)).toEpochMilli();
    return transaction -> transaction.eventTimeMillis() >= from;
  }

  private static double mean(
      List<Transaction> transactions,
      Predicate<Transaction> of,
      ToDoubleFunction<Transaction> what) {
    return transactions.stream().filter(of).mapToDouble(what).average().orElseThrow();
  }

  private static double fraudShare(List<Transaction> transactions, Predicate<Transaction> of) {
    return mean(transactions, of, transaction -> transaction.fraud() ? 1 : 0);
  }

  private static double nightShare(List<Transaction> transactions, Predicate<Transaction> of) {
    return mean(
        transactions,
        of,
        transaction -> transaction.eventTimeMillis() / 3_600_000 % 24 < 7 ? 1 : 0);
  }

  @Test
  void aSeedGivesTheSamePaymentsHoweverTheyAreTaken() {
    var simulator = new TransactionSimulator(SIXTY_DAYS);
    var taken = new ArrayList<Transaction>();
    var first = simulator.iterator();
    var second = simulator.iterator();
    while (first.hasNext()) {
      taken.add(first.next());
      if (taken.size() % 3 == 0) {
        second.next(); // Another reader at another place must not disturb the first.
      }
    }

    assertThat(taken).isEqualTo(run(SIXTY_DAYS));
    assertThat(taken).isNotEqualTo(run(SimulatorSettings.withDefaults(12, START, 60)));
    assertThatThrownBy(first::next).isInstanceOf(NoSuchElementException.class);
  }

  @Test
  void aLongerRunBeginsWithTheShorterOne() {
    var shorter = run(SimulatorSettings.withDefaults(11, START, 3));

    assertThat(run(SIXTY_DAYS).subList(0, shorter.size())).isEqualTo(shorter);
  }

  @Test
  void paymentsComeInOrderWithinTheirDays() {
    var transactions = run(SIXTY_DAYS);

    assertThat(transactions)
        .isSortedAccordingTo((a, b) -> Long.compare(a.eventTimeMillis(), b.eventTimeMillis()));
    for (int i = 0; i < transactions.size(); i++) {
      assertThat(transactions.get(i).transactionId()).isEqualTo(i);
    }
    assertThat(transactions.get(0).eventTimeMillis()).isGreaterThanOrEqualTo(START.toEpochMilli());
    assertThat(transactions.get(transactions.size() - 1).eventTimeMillis())
        .isLessThan(START.plus(Duration.ofDays(60)).toEpochMilli());
    assertThat(transactions.size()).isBetween(110_000, 130_000);
  }

  @Test
  void amountsAreWholeCentsAboveZero() {
    assertThat(run(SIXTY_DAYS))
        .allMatch(
            transaction ->
                transaction.amount() >= 0.01
                    && transaction.amount() == Math.rint(transaction.amount() * 100) / 100);
  }

  @Test
  void justUnderOneInAHundredIsAFraudFromTheFirstDayOn() {
    for (long seed = 1; seed <= 5; seed++) {
      var transactions = run(SimulatorSettings.withDefaults(seed, START, 60));

      assertThat(fraudShare(transactions, any -> true)).as("seed %d", seed).isBetween(0.006, 0.012);
      assertThat(fraudShare(transactions, fromDay(14).negate()))
          .as("seed %d, first fortnight", seed)
          .isBetween(0.004, 0.016);
    }
  }

  @Test
  void everyPaymentAtACompromisedTerminalIsAFraudForFourWeeks() {
    var byTerminal =
        run(SIXTY_DAYS).stream().collect(Collectors.groupingBy(Transaction::terminalId));
    var longest =
        byTerminal.values().stream()
            .map(TransactionSimulatorTest::longestRunOfFrauds)
            .max(Duration::compareTo)
            .orElseThrow();

    assertThat(longest).isBetween(Duration.ofDays(20), Duration.ofDays(28));
  }

  private static Duration longestRunOfFrauds(List<Transaction> payments) {
    Duration longest = Duration.ZERO;
    long since = -1;
    for (Transaction payment : payments) {
      if (!payment.fraud()) {
        since = -1;
      } else {
        since = since < 0 ? payment.eventTimeMillis() : since;
        var run = Duration.ofMillis(payment.eventTimeMillis() - since);
        longest = run.compareTo(longest) > 0 ? run : longest;
      }
    }
    return longest;
  }

  @Test
  void aStolenCardSpendsFiveTimesAsMuch() {
    var settings = new SimulatorSettings(11, 2_000, 40_000, START, 60, List.of());
    var transactions = run(settings);
    double genuine = mean(transactions, transaction -> !transaction.fraud(), Transaction::amount);

    // Frauds at terminals cost as usual, those with leaked cards 5 times that.
    double fraud = mean(transactions, Transaction::fraud, Transaction::amount);
    assertThat(fraud / genuine).isBetween(1.8, 3.5);
  }

  @Test
  void inflationRaisesAmountsFromItsDayOnAndNothingBefore() {
    var plain = run(SIXTY_DAYS);
    var shifted = run(SIXTY_DAYS.with(new BehaviourShift.Inflation(30, 1.6)));

    assertThat(shifted.stream().filter(fromDay(30).negate()).toList())
        .isEqualTo(plain.stream().filter(fromDay(30).negate()).toList());
    double before = mean(shifted, fromDay(30).negate(), Transaction::amount);
    double after = mean(shifted, fromDay(30), Transaction::amount);
    assertThat(after / before).isCloseTo(1.6, within(0.05));
    assertThat(fraudShare(shifted, fromDay(30))).isEqualTo(fraudShare(plain, fromDay(30)));
  }

  @Test
  void nightActivityMovesPaymentsIntoTheNight() {
    var shifted = run(SIXTY_DAYS.with(new BehaviourShift.NightActivity(30, 0.5)));

    assertThat(nightShare(shifted, fromDay(30).negate())).isBetween(0.14, 0.20);
    assertThat(nightShare(shifted, fromDay(30))).isBetween(0.54, 0.62);
  }

  @Test
  void cardTestingAddsSmallFrauds() {
    var plain = run(SIXTY_DAYS);
    var shifted = run(SIXTY_DAYS.with(new BehaviourShift.CardTesting(30, 10)));

    assertThat(shifted).hasSize(plain.size() + 30 * 10 * 6);
    assertThat(fraudShare(shifted, fromDay(30)))
        .isGreaterThan(fraudShare(plain, fromDay(30)) + 0.02);
    assertThat(
            shifted.stream()
                .filter(fromDay(30).and(Transaction::fraud))
                .filter(transaction -> transaction.amount() <= 3)
                .count())
        .isGreaterThanOrEqualTo(30 * 10 * 6);
  }

  @Test
  void theLatestShiftOfAKindHolds() {
    var shifted =
        run(
            SIXTY_DAYS.with(
                new BehaviourShift.Inflation(40, 1), new BehaviourShift.Inflation(20, 3)));

    double first = mean(shifted, fromDay(20).negate(), Transaction::amount);
    double second = mean(shifted, fromDay(20).and(fromDay(40).negate()), Transaction::amount);
    double third = mean(shifted, fromDay(40), Transaction::amount);
    assertThat(second / first).isCloseTo(3, within(0.15));
    assertThat(third / first).isCloseTo(1, within(0.05));
  }

  @Test
  void aLonelyCustomerGoesToTheNearestTerminal() {
    var transactions = run(new SimulatorSettings(1, 20, 1, START, 10, List.of()));

    assertThat(transactions).isNotEmpty().allMatch(transaction -> transaction.terminalId() == 0);
  }

  @Test
  void refusesSettingsThatMakeNoSense() {
    assertThatThrownBy(() -> SimulatorSettings.withDefaults(1, START.plusSeconds(1), 3))
        .hasMessage("simulator: start = 2024-01-01T00:00:01Z: must be midnight UTC");
    assertThatThrownBy(() -> SimulatorSettings.withDefaults(1, START, 0))
        .hasMessage("simulator: days = 0: must be 1 or more");
    assertThatThrownBy(() -> new BehaviourShift.NightActivity(3, 1.5))
        .hasMessage("night activity: share = 1.5: must be in [0, 1]");
    assertThatThrownBy(() -> new BehaviourShift.Inflation(-1, 2))
        .hasMessage("inflation: from day = -1: must be 0 or more");
  }
}
