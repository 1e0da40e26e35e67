package io.pelton.performance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

final class ScoreCountsTest {
  private static ScoreCounts random(long seed, int rows, double digits) {
    Random random = new Random(seed);
    ScoreTally tally = new ScoreTally();
    for (int i = 0; i < rows; i++) {
      long score = ScoreCounts.millionths(Math.rint(random.nextDouble() * digits) / digits);
      tally.predicted(score, random.nextInt(10) == 0, 1);
      if (random.nextBoolean()) {
        tally.happened(score, random.nextInt(20) == 0 ? 0.3 : random.nextInt(2), 1);
      }
    }
    return tally.counts();
  }

  @Test
  void countsAsASortedMapDoes() {
    Random random = new Random(1);
    ScoreTally tally = new ScoreTally();
    TreeMap<Long, long[]> expected = new TreeMap<>();
    for (int i = 0; i < 50_000; i++) {
      long score = random.nextInt(500) * 13L - 1_000;
      long[] counts = expected.computeIfAbsent(score, key -> new long[3]);
      int what = random.nextInt(3);
      counts[what]++;
      if (what == 0) {
        tally.predicted(score, false, 1);
      } else {
        tally.happened(score, what == 1 ? 1 : 0, 1);
      }
    }

    ScoreCounts counts = tally.counts();

    assertThat(counts.step()).isOne();
    assertThat(counts.scores()).isEqualTo(expected.keySet().stream().mapToLong(k -> k).toArray());
    int group = 0;
    for (long[] of : expected.values()) {
      assertThat(counts.rows()[group]).isEqualTo(of[0]);
      assertThat(counts.positives()[group]).isEqualTo(of[1]);
      assertThat(counts.negatives()[group++]).isEqualTo(of[2]);
    }
  }

  @Test
  void mergesToTheSameInAnyOrderAlsoWhereScoresAreTooManyToKeepApart() {
    List<ScoreCounts> parts = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      parts.add(random(i, i % 3 == 0 ? 30_000 : 2_000, i % 2 == 0 ? 1e6 : 1_000));
    }
    ScoreCounts inOrder = parts.stream().reduce(ScoreCounts.none(), ScoreCounts::plus);
    for (int shuffle = 0; shuffle < 5; shuffle++) {
      Collections.shuffle(parts, new Random(shuffle));
      ScoreCounts left = parts.subList(0, 5).stream().reduce(ScoreCounts.none(), ScoreCounts::plus);
      ScoreCounts right =
          parts.subList(5, 12).stream().reduce(ScoreCounts.none(), ScoreCounts::plus);
      assertThat(right.plus(left)).isEqualTo(inOrder);
    }
    assertThat(inOrder.step()).isEqualTo(100);
    assertThat(inOrder.scores()).hasSizeLessThanOrEqualTo(ScoreCounts.MOST);
    assertThat(inOrder.predictions()).isEqualTo(4 * 30_000 + 8 * 2_000);
  }

  @Test
  void whatIsTakenBackLeavesNothing() {
    ScoreTally tally = new ScoreTally();
    tally.predicted(5, true, 1);
    tally.happened(5, 1, 1);
    tally.happened(7, 0.25, 1);
    ScoreTally other = new ScoreTally();
    other.predicted(5, true, -1);
    other.happened(5, 1, -1);
    other.happened(7, 0.25, -1);

    assertThat(tally.counts().plus(other.counts())).isEqualTo(ScoreCounts.none());
    assertThat(other.counts().plus(tally.counts()).isEmpty()).isTrue();
  }

  @Test
  void restsInFewBytesAndComesBack() {
    ScoreCounts counts = random(3, 20_000, 5_000);
    byte[] bytes = counts.toBytes();

    assertThat(ScoreCounts.of(bytes)).isEqualTo(counts);
    assertThat(bytes.length).isLessThan(6 * counts.scores().length);
    ScoreCounts coarse = random(4, 60_000, 1e6);
    assertThat(coarse.step()).isEqualTo(100);
    assertThat(ScoreCounts.of(coarse.toBytes())).isEqualTo(coarse);
    bytes[0] = 9;
    assertThatThrownBy(() -> ScoreCounts.of(bytes))
        .hasMessage("counts of scores are of form 9; this version reads form 1");
  }

  @Test
  void scoresAreRoundedToSixDecimals() {
    assertThat(ScoreCounts.millionths(0.1234564)).isEqualTo(123_456);
    assertThat(ScoreCounts.millionths(0.1234566)).isEqualTo(123_457);
    assertThat(ScoreCounts.millionths(-1e300)).isEqualTo(-1_000_000_000_000_000_000L);
  }
}
