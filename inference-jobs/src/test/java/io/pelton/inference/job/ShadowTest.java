package io.pelton.inference.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.feature.FeatureRow;
import io.pelton.model.ScoringModel;
import io.pelton.pipeline.ShadowBudget;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A version that scores beside what serves, alone. */
@Timeout(60)
final class ShadowTest {
  private static final int MAX_BATCH_SIZE = 16;

  private final BlockingQueue<Shadow.Done> done = new LinkedBlockingQueue<>();

  /** Takes so many milliseconds a row. */
  private record Slow(int millis) implements ScoringModel {
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
    public int liveTensors() {
      return 0;
    }

    @Override
    public void score(double[][] rows, int from, int to, double[] outputs) {
      try {
        Thread.sleep((long) millis * (to - from));
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public void close() {}
  }

  private Shadow shadow(int millis, int rows) {
    Models.Loaded loaded = new Models.Loaded(FakeModels.SERVED, new Slow(millis), "cpu", () -> {});
    Shadow shadow =
        new Shadow(
            "next",
            loaded,
            0,
            List.of("a", "b"),
            new ShadowBudget(rows, 1),
            MAX_BATCH_SIZE,
            done::add);
    for (int i = 0; i < rows; i++) {
      assertThat(
              shadow.offer(
                  new FeatureRow(
                      "" + i, i, new String[] {"key"}, new double[] {i, 1}, new Object[0])))
          .isTrue();
    }
    return shadow;
  }

  /** Of its batches, in order, until all rows are scored. */
  private List<Integer> sizes(Shadow shadow, int rows) throws InterruptedException {
    shadow.start("shadow");
    Stream.Builder<Integer> sizes = Stream.builder();
    for (int seen = 0; seen < rows; ) {
      int size = done.take().rows().size();
      sizes.add(size);
      seen += size;
    }
    shadow.end();
    return sizes.build().toList();
  }

  @Test
  void aSlowModelGetsSmallBatches() throws InterruptedException {
    // Four rows take 4 ms or more: not less than half of what a batch may take.
    assertThat(sizes(shadow(1, 200), 200)).allMatch(size -> size <= 4);
  }

  @Test
  void aFastModelGetsFullBatches() throws InterruptedException {
    assertThat(sizes(shadow(0, 10_000), 10_000)).startsWith(1).contains(MAX_BATCH_SIZE);
  }

  @Test
  void aHurriedShadowTakesFullBatches() throws InterruptedException {
    Shadow shadow = shadow(1, 3 * MAX_BATCH_SIZE);
    shadow.hurry();
    assertThat(sizes(shadow, 3 * MAX_BATCH_SIZE))
        .containsExactlyElementsOf(IntStream.range(0, 3).mapToObj(i -> MAX_BATCH_SIZE).toList());
  }
}
