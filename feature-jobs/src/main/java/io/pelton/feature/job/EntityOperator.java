package io.pelton.feature.job;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The operator that keeps an entity's histories, as jobs and checkpoints call it.
 *
 * @param tile width of the tiles that it keeps, milliseconds; 0 when it keeps every event
 */
public record EntityOperator(String entity, long tile) {
  private static final Pattern NAME = Pattern.compile("features of (.+?)(?: tiles of (\\d+)ms)?");

  /** The one of a name; empty when that is another operator's. */
  public static Optional<EntityOperator> named(String name) {
    Matcher matcher = NAME.matcher(name);
    return matcher.matches()
        ? Optional.of(
            new EntityOperator(
                matcher.group(1), matcher.group(2) == null ? 0 : Long.parseLong(matcher.group(2))))
        : Optional.empty();
  }

  String name() {
    return "features of " + entity + (tile == 0 ? "" : " tiles of " + tile + "ms");
  }

  String uid() {
    return FeatureTopology.ENTITY + entity + (tile == 0 ? "" : "-tiles-of-" + tile + "ms");
  }
}
