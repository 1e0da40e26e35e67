package io.pelton.drift.job;

import io.pelton.drift.BaselineProfile;
import io.pelton.drift.CategoryProfile;
import io.pelton.drift.Persistence;
import io.pelton.drift.Thresholds;
import io.pelton.model.ScoredRow;
import io.pelton.model.ServedVersion;
import io.pelton.pipeline.Drift;
import io.pelton.pipeline.EventFormat;
import io.pelton.pipeline.Events;
import io.pelton.pipeline.PipelineDefinition;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.avro.SchemaBuilder;

/** Generated predictions: {@code amount} shifts by one deviation from the third hour on. */
final class Predictions {
  static final long HOUR = 3_600_000;
  static final int HOURS = 6;
  static final int ROWS = 9_000;
  static final int SHIFTED_FROM = 3;
  static final List<String> FEATURES = List.of("amount", "steady", "sparse");

  static final ServedVersion V1 = version(1);
  static final ServedVersion V2 = version(2);

  /** Has no baseline. */
  static final ServedVersion V9 = version(9);

  static final Drift DRIFT =
      Drift.tumbling(HOUR, 60_000, Thresholds.USUAL, 100, new Persistence(2, 3), 256);

  static final PipelineDefinition PIPELINE = pipeline(DRIFT);

  /** The same by country, by customer, and over windows that slide. */
  static final PipelineDefinition RICH =
      pipeline(
          new Drift(
              List.of(new Drift.Window(HOUR, HOUR), new Drift.Window(2 * HOUR, HOUR / 2)),
              60_000,
              Thresholds.USUAL,
              100,
              new Persistence(2, 3),
              0,
              null,
              new Drift.Segments("country", List.of(), 20),
              "customer",
              256));

  static final BaselineProvider BASELINES =
      version -> {
        if (version.version() == V9.version()) {
          throw new NoSuchFileException("card-fraud/9/baseline.json");
        }
        Random random = new Random(version.version());
        double[][] features = new double[2_000][];
        double[][] outputs = new double[features.length][];
        for (int i = 0; i < features.length; i++) {
          features[i] = features(random, 0);
          outputs[i] = new double[] {random.nextDouble()};
        }
        List<String> countries =
            IntStream.range(0, features.length).mapToObj(Predictions::country).toList();
        return BaselineProfile.of(version.features(), features, version.outputs(), outputs, 256)
            .withSegments("country", countries, features, outputs, 1, 64);
      };

  /** The same with the country as a category. */
  static final BaselineProvider WITH_FIELDS =
      version -> {
        List<String> countries = IntStream.range(0, 2_000).mapToObj(Predictions::country).toList();
        return BASELINES
            .load(version)
            .withFields(List.of(), List.of(CategoryProfile.of("country", countries, 1)));
      };

  private Predictions() {}

  static PipelineDefinition pipeline(Drift drift) {
    return new PipelineDefinition(
        "fraud",
        new Events(
            "transactions",
            EventFormat.JSON,
            SchemaBuilder.record("Transaction").fields().requiredString("id").endRecord(),
            "id",
            "time",
            null,
            HOUR,
            30_000,
            Map.of(),
            Map.of()),
        List.of(new PipelineDefinition.Entity("customer", "customer_id")),
        List.of(),
        null,
        null,
        null,
        List.of("country"),
        null,
        drift,
        Map.of());
  }

  private static ServedVersion version(int version) {
    return new ServedVersion("card-fraud", version, "00", "champion", FEATURES, List.of("score"));
  }

  private static double[] features(Random random, double shift) {
    return new double[] {
      random.nextGaussian() + shift,
      Math.rint(4 * random.nextGaussian()) / 4,
      random.nextInt(5) == 0 ? random.nextGaussian() : Double.NaN
    };
  }

  /** One in two is from the first, some are from nowhere. */
  private static String country(int seed) {
    return seed % 2 == 0 ? "FR" : seed % 5 == 0 ? null : "DE";
  }

  /** The same row for the same index, wherever it is made. */
  static ScoredRow row(long index) {
    long time = index * HOURS * HOUR / ROWS;
    ServedVersion served = index % 100 == 99 ? V9 : index % 3 == 0 ? V2 : V1;
    return row("e" + index, time, served, time >= SHIFTED_FROM * HOUR ? 1 : 0, index);
  }

  static ScoredRow row(String id, long time, ServedVersion served, double shift, long seed) {
    Random random = new Random(seed * 7_919 + 13);
    double[] features = features(random, shift);
    return new ScoredRow(
        id,
        time,
        new String[] {"c" + seed % 10},
        new Object[] {country((int) seed)},
        served,
        features,
        seed,
        new double[] {random.nextDouble()});
  }
}
