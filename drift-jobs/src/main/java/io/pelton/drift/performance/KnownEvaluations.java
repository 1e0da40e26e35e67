package io.pelton.drift.performance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;

/** The evaluations that a subtask has asked for. */
final class KnownEvaluations {
  private record Version(String model, int version) {}

  private final Evaluations source;
  private final Map<Version, VersionEvaluation> known = new HashMap<>();

  KnownEvaluations(Evaluations source) {
    this.source = source;
  }

  VersionEvaluation of(String model, int version) {
    return known.computeIfAbsent(new Version(model, version), this::load);
  }

  private VersionEvaluation load(Version version) {
    try {
      return source.load(version.model(), version.version());
    } catch (IOException e) {
      // A registry that cannot be read is no fault of the rows: the task is tried again.
      throw new UncheckedIOException(e);
    }
  }
}
