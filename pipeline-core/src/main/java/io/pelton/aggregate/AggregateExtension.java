package io.pelton.aggregate;

import java.util.List;
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
}
