package io.pelton.pipeline;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * What holds when a model cannot score, or not in time.
 *
 * @param timeout milliseconds that a batch's inference may take, null for as long as it takes
 * @param breaker null when a failing model is tried with every batch
 * @param fallback null when rows that it cannot score are dead letters
 */
public record Safeguards(
    @Nullable Long timeout, @Nullable Breaker breaker, @Nullable Fallback fallback)
    implements Serializable {
  public static final Safeguards NONE = new Safeguards(null, null, null);
}
