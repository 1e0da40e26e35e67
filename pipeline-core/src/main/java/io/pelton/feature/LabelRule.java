package io.pelton.feature;

import java.io.Serializable;

/**
 * Which label an event has: that of its newest outcome among those known {@code within} after it,
 * or when the training set is made, whichever is earlier.
 *
 * @param within how long after the event an outcome counts, milliseconds
 * @param asOf what became known after this time is not seen, epoch milliseconds; {@code
 *     Long.MAX_VALUE} to see all
 * @param unlabelled label of an event whose time for outcomes has passed without one; NaN for none
 */
public record LabelRule(long within, long asOf, double unlabelled) implements Serializable {
  /**
   * Collects the outcomes of one event, in any order, and keeps the one that counts. Of two of one
   * time the greater label counts, so that the order does not matter.
   */
  public final class Outcomes {
    private final long eventTime;
    private long newest = Long.MIN_VALUE;
    private double label = Double.NaN;
    private boolean found;

    private Outcomes(long eventTime) {
      this.eventTime = eventTime;
    }

    public void add(long time, double outcome) {
      if (time > Math.min(eventTime + within, asOf)) {
        return;
      }
      if (!found || time > newest || (time == newest && outcome > label)) {
        found = true;
        newest = time;
        label = outcome;
      }
    }

    /** Whether an outcome counts. */
    public boolean found() {
      return found;
    }

    /**
     * Whether the event may still get an outcome: none is known, but its time for one goes on after
     * the time as of which the training set is made. Such an event is not taken as unlabelled.
     */
    public boolean open() {
      return !found && eventTime + within > asOf;
    }

    /** NaN when it is not known. */
    public double label() {
      return found ? label : open() ? Double.NaN : unlabelled;
    }
  }

  /** None yet, of an event of this time. */
  public Outcomes of(long eventTime) {
    return new Outcomes(eventTime);
  }
}
