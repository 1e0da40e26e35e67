package io.pelton.cli.simulator;

/**
 * Something that is different from a day on. Of several shifts of one kind, the latest that has
 * begun holds.
 */
public sealed interface BehaviourShift {
  /** First day of the shift, counted from the start of the simulation. */
  int fromDay();

  /**
   * Everything costs more: genuine and fraudulent amounts are multiplied, what counts as
   * suspiciously much with them.
   */
  record Inflation(int fromDay, double factor) implements BehaviourShift {
    public Inflation {
      requireDay("inflation", fromDay);
      require(factor > 0 && Double.isFinite(factor), "inflation", "factor", factor, "more than 0");
    }
  }

  /**
   * People pay at night.
   *
   * @param share of payments that move to the hours before 07:00 UTC
   */
  record NightActivity(int fromDay, double share) implements BehaviourShift {
    public NightActivity {
      requireDay("night activity", fromDay);
      require(share >= 0 && share <= 1, "night activity", "share", share, "in [0, 1]");
    }
  }

  /**
   * A kind of fraud that nobody saw before: each day some cards are tried out by a burst of small
   * payments at terminals anywhere.
   */
  record CardTesting(int fromDay, int cardsADay) implements BehaviourShift {
    public CardTesting {
      requireDay("card testing", fromDay);
      require(cardsADay >= 0, "card testing", "cards a day", cardsADay, "0 or more");
    }
  }

  private static void requireDay(String shift, int fromDay) {
    require(fromDay >= 0, shift, "from day", fromDay, "0 or more");
  }

  private static void require(boolean holds, String shift, String what, Object value, String rule) {
    if (!holds) {
      throw new IllegalArgumentException(
          "%s: %s = %s: must be %s".formatted(shift, what, value, rule));
    }
  }
}
