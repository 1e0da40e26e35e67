package io.pelton.benchmarks.calibration;

import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Independent repetitions on all cores; what comes out depends on the seed alone. */
final class Trials {
  private Trials() {}

  static <T> List<T> of(int many, long seed, Function<SplittableRandom, T> trial) {
    return randoms(many, seed).parallelStream().map(trial).toList();
  }

  static Rate rate(int many, long seed, Predicate<SplittableRandom> trial) {
    return new Rate(randoms(many, seed).parallelStream().filter(trial).count(), many);
  }

  /** Split off one root: generators of neighbouring seeds would run along the same sequence. */
  private static List<SplittableRandom> randoms(int many, long seed) {
    SplittableRandom root = new SplittableRandom(seed);
    return Stream.generate(root::split).limit(many).toList();
  }
}
