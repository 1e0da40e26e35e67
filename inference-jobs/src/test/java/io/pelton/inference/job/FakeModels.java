package io.pelton.inference.job;

import io.pelton.model.ScoringException;
import io.pelton.model.ScoringModel;
import io.pelton.model.ServedVersion;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A model of two features whose outputs are their difference and sum; it cannot score {@link #BAD}.
 */
final class FakeModels implements Models {
  static final double BAD = -666;

  /** A version that does not load. */
  static final int BROKEN = 666;

  static final ServedVersion SERVED = version(3);

  /** Sizes of the batches that were scored, failed ones too. */
  static final List<Integer> BATCHES = new CopyOnWriteArrayList<>();

  static final List<Integer> GPUS = new CopyOnWriteArrayList<>();

  static final AtomicInteger OPEN = new AtomicInteger();
  static final AtomicInteger LEASED = new AtomicInteger();

  private static ServedVersion version(int version) {
    return new ServedVersion(
        "fake", version, "digest", "champion", List.of("b", "a"), List.of("difference", "sum"));
  }

  static void reset() {
    BATCHES.clear();
    GPUS.clear();
    OPEN.set(0);
    LEASED.set(0);
  }

  @Override
  public Loaded load(int version, Path temporary, List<Integer> gpus) throws IOException {
    if (version == BROKEN) {
      throw new IOException("fake@" + version + " is broken");
    }
    GPUS.addAll(gpus);
    OPEN.incrementAndGet();
    LEASED.incrementAndGet();
    return new Loaded(
        version == SERVED.version() ? SERVED : version(version),
        new Model(),
        "prefer-gpu",
        4_096,
        LEASED::decrementAndGet);
  }

  private static final class Model implements ScoringModel {
    @Override
    public int features() {
      return 2;
    }

    @Override
    public int outputs() {
      return 2;
    }

    @Override
    public String device() {
      return "cpu";
    }

    @Override
    public void score(double[] rows, int count, double[] outputs) throws ScoringException {
      BATCHES.add(count);
      for (int row = 0; row < count; row++) {
        double b = rows[2 * row];
        double a = rows[2 * row + 1];
        if (a == BAD) {
          throw new ScoringException("a is " + a);
        }
        outputs[2 * row] = a - b;
        outputs[2 * row + 1] = a + b;
      }
    }

    @Override
    public void close() {
      OPEN.decrementAndGet();
    }
  }
}
