package io.pelton.pipeline;

import java.io.Serializable;

/**
 * What a shadow may take of a subtask. Rows beyond it are dropped.
 *
 * @param maxWaitingRows rows that it has not scored and written yet
 * @param maxShare of a core that its scoring may take, above 0, at most 1
 */
public record ShadowBudget(int maxWaitingRows, double maxShare) implements Serializable {
  /** Where the pipeline file says nothing. */
  public static final ShadowBudget USUAL = new ShadowBudget(10_000, 0.25);
}
