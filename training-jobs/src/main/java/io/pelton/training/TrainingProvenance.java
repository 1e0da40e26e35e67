package io.pelton.training;

import io.pelton.registry.Provenance;
import java.time.Instant;
import java.util.Arrays;

/** Where a model that is trained here comes from. */
final class TrainingProvenance {
  private TrainingProvenance() {}

  static Provenance of(Trainer trainer, long seed, TrainingSet set) {
    long first = Arrays.stream(set.times()).min().orElseThrow();
    long last = Arrays.stream(set.times()).max().orElseThrow();
    String version = TrainingProvenance.class.getPackage().getImplementationVersion();
    return new Provenance(
        trainer.name(),
        trainer.hyperParameters(),
        seed,
        Instant.ofEpochMilli(first).toString(),
        Instant.ofEpochMilli(last + 1).toString(),
        set.digest(),
        version == null ? "development" : version);
  }
}
