package io.pelton.inference.job;

import io.pelton.rollout.RolloutPlan;
import io.pelton.schemas.RolloutStatus;
import java.io.Serializable;
import java.util.Optional;
import java.util.function.Consumer;

/** Where a job hears of plans, and tells what became of them. */
public interface Control extends Serializable {
  /**
   * The newest plan of a model now; empty when there was no command yet.
   *
   * @throws Exception when that cannot be known
   */
  Optional<RolloutPlan> newest(String model) throws Exception;

  /**
   * Hears of each plan from the newest on, until it is closed. Not by way of Flink's own channels:
   * a rollback must not wait behind the rows that a bad version holds up.
   *
   * @param plans called by a thread of its own; what it throws ends the following
   * @param statuses hears, by the same thread, of all that is and was told of the model, in the
   *     order that all hear it
   */
  Following follow(String model, Consumer<RolloutPlan> plans, Consumer<RolloutStatus> statuses)
      throws Exception;

  /** An open ear. */
  interface Following extends AutoCloseable {
    /** Writes a status, at some time soon. */
    void tell(RolloutStatus status);

    /** How long commands have not been heard, milliseconds; 0 when they are. */
    default long unheardMillis() {
      return 0;
    }
  }
}
