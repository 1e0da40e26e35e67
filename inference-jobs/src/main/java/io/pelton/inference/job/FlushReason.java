package io.pelton.inference.job;

/** Why a batch was scored when it was. */
enum FlushReason {
  SIZE,
  DELAY,
  WATERMARK,
  ROLLOUT,
  CHECKPOINT,
  END;

  /** Whether what comes next must not overtake the batch. */
  boolean waits() {
    return this != SIZE && this != DELAY;
  }
}
