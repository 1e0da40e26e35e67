package io.pelton.inference.job;

import io.pelton.model.ScoringException;
import io.pelton.model.ScoringModel;
import io.pelton.model.ServedVersion;
import io.pelton.pipeline.EventFormat;
import io.pelton.pipeline.Events;
import io.pelton.pipeline.PipelineDefinition;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.avro.SchemaBuilder;
import org.jspecify.annotations.Nullable;

/**
 * Versions of a model of two features whose outputs are their difference and sum; it cannot score
 * {@link #BAD}.
 */
final class FakeModels implements Models {
  static final double BAD = -666;

  /** A version that does not load. */
  static final int BROKEN = 666;

  /** A version that gives the difference alone. */
  static final int NARROW = 9;

  static final ServedVersion SERVED = version(3);

  /** Sizes of the batches that were scored, failed ones too. */
  static final List<Integer> BATCHES = new CopyOnWriteArrayList<>();

  /** The versions that scored them. */
  static final List<Integer> CALLED = new CopyOnWriteArrayList<>();

  /** Of each load of a subtask that has one. */
  static final List<Integer> GPUS = new CopyOnWriteArrayList<>();

  /** Versions that were loaded, in order. */
  static final List<Integer> LOADS = new CopyOnWriteArrayList<>();

  /** Bytes that versions state. */
  static final Map<Integer, Long> MEMORY = new ConcurrentHashMap<>();

  /** What versions do before they score, but for nothing. */
  static final Map<Integer, Trouble> TROUBLE = new ConcurrentHashMap<>();

  /** Something that a version does. */
  interface Trouble {
    void make() throws ScoringException, InterruptedException;
  }

  static final AtomicInteger OPEN = new AtomicInteger();
  static final AtomicInteger LEASED = new AtomicInteger();

  /** Versions that score nothing. */
  static final Set<Integer> SICK = ConcurrentHashMap.newKeySet();

  /** What calls of a version wait for before they score. */
  static final Map<Integer, CountDownLatch> HELD = new ConcurrentHashMap<>();

  /** First row of each call that was held, as it is when the call goes on. */
  static final List<Double> SEEN = new CopyOnWriteArrayList<>();

  private final @Nullable Integer fallback;

  FakeModels() {
    this(null);
  }

  FakeModels(@Nullable Integer fallback) {
    this.fallback = fallback;
  }

  private static ServedVersion version(int version) {
    return new ServedVersion(
        "fake",
        version,
        "digest",
        "champion",
        List.of("b", "a"),
        version == NARROW ? List.of("difference") : List.of("difference", "sum"));
  }

  /** A pipeline with the features that they take. */
  static PipelineDefinition pipeline(PipelineDefinition.Model model) {
    return new PipelineDefinition(
        "fakes",
        new Events(
            "events",
            EventFormat.AVRO,
            SchemaBuilder.record("Event").fields().requiredString("id").endRecord(),
            "id",
            "time",
            null,
            86_400_000,
            30_000,
            Map.of(),
            Map.of()),
        List.of(),
        List.of(
            new PipelineDefinition.RowFeature("a", "a"),
            new PipelineDefinition.RowFeature("b", "b")),
        model,
        null,
        null,
        List.of(),
        null,
        null,
        Map.of());
  }

  static void reset() {
    BATCHES.clear();
    CALLED.clear();
    GPUS.clear();
    LOADS.clear();
    MEMORY.clear();
    TROUBLE.clear();
    OPEN.set(0);
    LEASED.set(0);
    SICK.clear();
    HELD.clear();
    SEEN.clear();
  }

  @Override
  public @Nullable Integer fallback() {
    return fallback;
  }

  @Override
  public Loaded load(int version, Path temporary, @Nullable Integer gpu, int maxBatchSize)
      throws IOException {
    if (version == BROKEN) {
      throw new IOException("fake@" + version + " is broken");
    }
    LOADS.add(version);
    if (gpu != null) {
      GPUS.add(gpu);
    }
    OPEN.incrementAndGet();
    LEASED.incrementAndGet();
    return new Loaded(
        version == SERVED.version() ? SERVED : version(version),
        new Model(version),
        "prefer-gpu",
        LEASED::decrementAndGet);
  }

  @Override
  public long memory(int version) {
    return MEMORY.getOrDefault(version, 0L);
  }

  private record Model(int version) implements ScoringModel {
    @Override
    public int features() {
      return 2;
    }

    @Override
    public int outputs() {
      return version == NARROW ? 1 : 2;
    }

    @Override
    public String device() {
      return "cpu";
    }

    @Override
    public int liveTensors() {
      return 0;
    }

    @Override
    public void score(double[][] rows, int from, int to, double[] outputs) throws ScoringException {
      int count = to - from;
      BATCHES.add(count);
      try {
        TROUBLE.getOrDefault(version, () -> {}).make();
      } catch (InterruptedException e) {
        throw new ScoringException("interrupted", e);
      }
      CALLED.add(version);
      CountDownLatch held = HELD.get(version);
      if (held != null) {
        try {
          held.await();
        } catch (InterruptedException e) {
          throw new IllegalStateException(e); // an engine does not hear of it
        }
        SEEN.add(rows[from][1]);
      }
      if (SICK.contains(version)) {
        throw new ScoringException("fake@" + version + " is sick");
      }
      for (int row = 0; row < count; row++) {
        double b = rows[from + row][0];
        double a = rows[from + row][1];
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
