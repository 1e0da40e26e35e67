package io.pelton.inference.job;

/** Why a batch was scored when it was. */
enum FlushReason {
  SIZE,
  DELAY,
  WATERMARK,
  ROLLOUT,
  CHECKPOINT,
  END
}
