package io.pelton.inference.job;

import java.io.IOException;

/** A version does not fit in the memory that a subtask's versions may take together. */
final class OverBudgetException extends IOException {
  private static final long serialVersionUID = 1L;

  OverBudgetException(String message) {
    super(message);
  }
}
