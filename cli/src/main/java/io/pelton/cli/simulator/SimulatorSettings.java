package io.pelton.cli.simulator;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;

/**
 * What a simulation is made from; equal settings give the same payments.
 *
 * @param customers number of cards; each pays twice a day on average
 * @param terminals number of terminals in the same square; at least one
 * @param start first day, midnight UTC
 * @param days how many days
 * @param shifts what changes on the way
 */
public record SimulatorSettings(
    long seed, int customers, int terminals, Instant start, int days, List<BehaviourShift> shifts) {
  private static final int CUSTOMERS = 1_000;
  private static final int TERMINALS = 2_000;

  /**
   * @throws IllegalArgumentException if a number is out of range or the start is not a midnight
   */
  public SimulatorSettings {
    shifts = List.copyOf(shifts);
    require(customers >= 1, "customers", customers, "1 or more");
    require(terminals >= 1, "terminals", terminals, "1 or more");
    require(days >= 1, "days", days, "1 or more");
    require(start.equals(start.truncatedTo(ChronoUnit.DAYS)), "start", start, "midnight UTC");
  }

  /** A thousand customers at two thousand terminals. */
  public static SimulatorSettings withDefaults(long seed, Instant start, int days) {
    return new SimulatorSettings(seed, CUSTOMERS, TERMINALS, start, days, List.of());
  }

  /** The same with these shifts. */
  public SimulatorSettings with(BehaviourShift... changes) {
    return new SimulatorSettings(seed, customers, terminals, start, days, List.of(changes));
  }

  private static void require(boolean holds, String name, Object value, String rule) {
    if (!holds) {
      throw new IllegalArgumentException(
          "simulator: %s = %s: must be %s".formatted(name, value, rule));
    }
  }
}
