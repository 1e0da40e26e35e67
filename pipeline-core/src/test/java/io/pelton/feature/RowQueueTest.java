package io.pelton.feature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.PriorityQueue;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RowQueueTest {
  private static final Comparator<FeatureRow> BY_TIME_AND_ID =
      Comparator.<FeatureRow>comparingLong(row -> row.time)
          .thenComparing(row -> row.id, EventIds.ORDER);

  private static FeatureRow row(long time, String id) {
    return new FeatureRow(id, time, new String[0], new double[0], new Object[0]);
  }

  @Test
  void givesRowsInTheOrderOfJavasQueue() {
    Random random = new Random(3);
    for (int round = 0; round < 200; round++) {
      RowQueue queue = new RowQueue();
      PriorityQueue<FeatureRow> oracle = new PriorityQueue<>(BY_TIME_AND_ID);
      int id = 0;
      int times = 1 + random.nextInt(300);
      for (int step = 0; step < 2_000; step++) {
        // Now more come than go, now fewer.
        if (oracle.isEmpty() || random.nextInt(10) < (step / 500 % 2 == 0 ? 7 : 3)) {
          FeatureRow row = row(random.nextInt(times), Integer.toString(id++));
          queue.add(row);
          oracle.add(row);
        } else {
          assertThat(queue.firstTime()).isEqualTo(oracle.element().time);
          assertThat(queue.remove()).isSameAs(oracle.remove());
        }
        assertThat(queue.size()).isEqualTo(oracle.size());
      }
      List<FeatureRow> left = new ArrayList<>();
      queue.forEach(left::add);
      assertThat(left).containsExactlyInAnyOrderElementsOf(oracle);
    }
  }

  @Test
  void saysThatNoRowWaits() {
    RowQueue queue = new RowQueue();
    assertThat(queue.isEmpty()).isTrue();
    assertThatThrownBy(queue::remove).isInstanceOf(NoSuchElementException.class);
    assertThatThrownBy(queue::firstTime).isInstanceOf(NoSuchElementException.class);
  }

  @Test
  void givesAnEventThatCameTwiceInOneOrder() {
    FeatureRow more = new FeatureRow("7", 1, new String[] {"c"}, new double[] {2}, new Object[0]);
    FeatureRow less = new FeatureRow("7", 1, new String[] {"c"}, new double[] {1}, new Object[0]);
    for (List<FeatureRow> rows : List.of(List.of(more, less), List.of(less, more))) {
      RowQueue queue = new RowQueue();
      rows.forEach(queue::add);
      assertThat(queue.remove()).isSameAs(less);
    }
  }
}
