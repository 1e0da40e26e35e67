package io.pelton.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Trains on four days of the Fraud Detection Handbook's own features, tests on the next three. Runs
 * where the shared data set is: {@code -Dpelton.shared=DIR}, or {@code shared} in or beside the
 * repository.
 */
final class HandbookTest {
  private static final Instant TRAIN_FROM = Instant.parse("2018-05-08T00:00:00Z");
  private static final Instant TEST_FROM = Instant.parse("2018-05-12T00:00:00Z");
  private static final Instant TEST_TO = Instant.parse("2018-05-15T00:00:00Z");

  /** Counts of rows and frauds in the Handbook's training week and, after its delay, test week. */
  private static final DelayedSplit PUBLISHED =
      new DelayedSplit(Instant.parse("2018-07-25T00:00:00Z"), 7, 7, 7);

  private static Path data;
  private static TrainingSet train;
  private static TrainingSet test;

  @TempDir private Path directory;

  @BeforeAll
  static void read() throws IOException {
    data = shared().resolve("data/card-transactions");
    Path features = data.resolve("reference-features-2018-05-08_2018-05-14.csv.gz");
    assumeTrue(
        Files.exists(features), () -> "no " + features + ": set -Dpelton.shared to run this test");
    var read =
        TrainingSetReader.read(
            new FeatureFiles(List.of(features), "transaction_id", featureNames(features)),
            new LabelFiles(
                List.of(data.resolve("transactions-2018-05.csv.gz")),
                "transaction_id",
                "event_time",
                "fraud",
                "customer_id"));
    assertThat(read.unlabelled()).isZero();
    assertThat(read.set().size()).isEqualTo(67_069);
    train = read.set().between(TRAIN_FROM, TEST_FROM);
    test = read.set().between(TEST_FROM, TEST_TO);
  }

  private static Path shared() {
    String given = System.getProperty("pelton.shared");
    if (given != null) {
      return Path.of(given);
    }
    Path inside = Path.of("..", "shared");
    return Files.isDirectory(inside) ? inside : Path.of("..", "..", "shared");
  }

  private static List<String> featureNames(Path features) throws IOException {
    try (var reader =
        new BufferedReader(
            new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(features)), StandardCharsets.UTF_8))) {
      List<String> header = List.of(reader.readLine().split(","));
      return header.subList(1, header.size());
    }
  }

  @Test
  void boostedTreesFindFrauds() throws Exception {
    assertLearns(BoostedTreesTrainer.withDefaults(1));
  }

  @Test
  void theNetworkFindsFrauds() throws Exception {
    assertLearns(NetworkTrainer.withDefaults(1));
  }

  @Test
  void theDelayedSplitHasTheHandbooksRows() throws Exception {
    List<Path> months =
        List.of(
            data.resolve("transactions-2018-07.csv.gz"),
            data.resolve("transactions-2018-08.csv.gz"));
    var read =
        TrainingSetReader.read(
            new FeatureFiles(months, "transaction_id", List.of("amount")),
            new LabelFiles(months, "transaction_id", "event_time", "fraud", "customer_id"));

    var sets = PUBLISHED.of(read.set());

    assertThat(sets.train().size()).isEqualTo(67_240);
    assertThat(sets.train().positives()).isEqualTo(598);
    assertThat(sets.test().size()).isEqualTo(58_264);
    assertThat(sets.test().positives()).isEqualTo(385);
  }

  private void assertLearns(Trainer trainer) throws Exception {
    long start = System.nanoTime();
    var model = trainer.train(train, directory);
    Duration took = Duration.ofNanos(System.nanoTime() - start);
    var evaluation = model.evaluate(test);

    System.out.printf(
        "%s on %d rows (%d positives): %d ms%n%s%n",
        trainer.name(), train.size(), train.positives(), took.toMillis(), evaluation.report());
    assertThat(evaluation.get(Metric.AUC_ROC)).isGreaterThan(0.75);
    try (var served = ServedModel.load(model)) {
      double[] scores = served.score(test.rows());
      ServedModel.assertSameScores(scores, model.scorer().score(test.rows()));
    }
  }
}
