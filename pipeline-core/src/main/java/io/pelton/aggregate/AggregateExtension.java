package io.pelton.aggregate;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;

/**
 * An aggregate of the user's own, found by {@link ServiceLoader}: a class on the class path that is
 * named in {@code META-INF/services/io.pelton.aggregate.AggregateExtension}. The pipeline file
 * names it like a built-in one: {@code aggregate: top-k(terminal_id, 3)}.
 */
public interface AggregateExtension {
  /** As the pipeline file writes it: lower-case letters, digits and dashes. */
  String name();

  /** Whether it takes texts; else numbers and truths. */
  boolean ofTexts();

  /** Whether it gives a map of texts to numbers; else a number. */
  boolean givesMap();

  /**
   * Whether values can be taken away from its accumulators, as entities need that keep every event.
   */
  default boolean removes() {
    return true;
  }

  /** Whether its accumulators can be merged, as entities with a {@code resolution} need. */
  default boolean merges() {
    return false;
  }

  /**
   * The state of an empty window.
   *
   * @param parameters what follows the input in the pipeline file, as written
   * @throws IllegalArgumentException that names what is wrong with the parameters
   */
  Accumulator create(List<String> parameters);

  /** The extension of that name, null when there is none. */
  static @Nullable AggregateExtension find(String name) {
    return all().stream().filter(e -> e.name().equals(name)).findFirst().orElse(null);
  }

  /** All that the class path holds. */
  static List<AggregateExtension> all() {
    return ServiceLoader.load(AggregateExtension.class, AggregateExtension.class.getClassLoader())
        .stream()
        .map(ServiceLoader.Provider::get)
        .toList();
  }

  /**
   * What is wrong with names, null when nothing is.
   *
   * @param builtIn names that are taken
   */
  static @Nullable String clash(List<AggregateExtension> extensions, Collection<String> builtIn) {
    Map<String, AggregateExtension> byName = new HashMap<>();
    for (AggregateExtension extension : extensions) {
      String what = "aggregate \"" + extension.name() + "\" of " + extension.getClass().getName();
      if (builtIn.contains(extension.name())) {
        return what + " has the name of Pelton's own " + extension.name() + "; give it another";
      }
      AggregateExtension other = byName.putIfAbsent(extension.name(), extension);
      if (other != null) {
        return what
            + " has the name of that of "
            + other.getClass().getName()
            + "; rename one, or take one off the class path";
      }
    }
    return null;
  }
}
