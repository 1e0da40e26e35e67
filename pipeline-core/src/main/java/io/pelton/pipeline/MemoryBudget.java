package io.pelton.pipeline;

import java.io.Serializable;

/**
 * What the versions that a subtask has loaded may take together.
 *
 * @param bytes 0 for no bound
 */
public record MemoryBudget(long bytes, Switching switching) implements Serializable {
  /** No bound. */
  public static final MemoryBudget NONE = new MemoryBudget(0, Switching.LOAD_THEN_SWITCH);

  /** What becomes of a version that does not fit beside the one that serves. */
  public enum Switching {
    /** It is refused. */
    LOAD_THEN_SWITCH,
    /** The one that serves is closed first, and rows wait. */
    DRAIN_THEN_LOAD
  }
}
