package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.NamedCsvRecord;
import io.pelton.cli.simulator.BehaviourShift;
import io.pelton.cli.simulator.SimulatorSettings;
import io.pelton.cli.simulator.TransactionCsv;
import io.pelton.cli.simulator.TransactionSimulator;
import io.pelton.model.Engines;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The demo as a user starts it, small. */
class DemoTest {
  private static final Duration PATIENCE = Duration.ofMinutes(4);

  @TempDir Path directory;

  @Test
  void theStoryAddsUpAndItsPredictionsCanBeRecomputed() throws Exception {
    Path output = directory.resolve("kept");
    try (PeltonProcess demo =
        PeltonProcess.start(
            directory.resolve("log"),
            "demo",
            "--customers=300",
            "--rate=3000",
            "--output=" + output)) {
      Await.until("the demo ends", PATIENCE, () -> !demo.isAlive());
      assertThat(demo.output())
          .contains("champion serves on ONNX Runtime", "challenger serves on TensorFlow")
          .contains("p95")
          .contains("opened   amount")
          .containsPattern("in ([\\d,]+) = out \\1 \\+ late 0 \\+ dead 0")
          .contains("everything adds up")
          .contains("for a browser: " + output.resolve("drift-report.html"))
          .doesNotContain("\033");
      assertThat(demo.stop(PATIENCE)).as(demo.output()).isZero();
    }
    assertThat(Files.readString(output.resolve("drift-report.html")))
        .contains("<h1>Drift of card-fraud</h1>", ">amount</a>", "id=alerts", "id=scores");
    recompute(output);
  }

  /** Scores the written features with the written model, without Flink or Pelton's own loader. */
  private static void recompute(Path output) throws Exception {
    PipelineDefinition pipeline = PipelineFile.read(output.resolve("pipeline.yaml"));
    List<String> names = pipeline.modelFeatures();
    Map<String, float[]> features = new HashMap<>();
    try (CsvReader<NamedCsvRecord> rows =
        CsvReader.builder().ofNamedCsvRecord(output.resolve("live/features.csv"))) {
      for (NamedCsvRecord row : rows) {
        float[] values = new float[names.size()];
        for (int i = 0; i < values.length; i++) {
          String text = row.getField(names.get(i));
          values[i] = text.isEmpty() ? Float.NaN : (float) Double.parseDouble(text);
        }
        features.put(row.getField("transaction_id"), values);
      }
    }
    Path model;
    try (Stream<Path> files = Files.walk(output.resolve("registry"))) {
      model = files.filter(file -> file.toString().endsWith(".onnx")).findFirst().orElseThrow();
    }
    int compared = 0;
    Engines.engine("this test", Engines.ONNX); // else no later test of this process can start it
    OrtEnvironment runtime = OrtEnvironment.getEnvironment();
    try (OrtSession session = runtime.createSession(model.toString());
        CsvReader<NamedCsvRecord> rows =
            CsvReader.builder().ofNamedCsvRecord(output.resolve("live/predictions.csv"))) {
      for (NamedCsvRecord row : rows) {
        float[] values = features.remove(row.getField("transaction_id"));
        try (OnnxTensor tensor = OnnxTensor.createTensor(runtime, new float[][] {values});
            OrtSession.Result result = session.run(Map.of("features", tensor))) {
          OnnxValue probabilities = result.get("probabilities").orElseThrow();
          double expected = ((float[][]) probabilities.getValue())[0][1];
          assertThat(Math.abs(Double.parseDouble(row.getField("score")) - expected))
              .as("score of %s", row.getField("transaction_id"))
              .isLessThanOrEqualTo(1e-6);
        }
        compared++;
      }
    }
    assertThat(compared).isGreaterThan(10_000);
    assertThat(features).as("feature rows without a prediction").isEmpty();
  }

  @Test
  void replaysFilesAndStopsCleanlyWhenAsked() throws Exception {
    Path payments = directory.resolve("payments.csv.gz");
    TransactionCsv.write(
        new TransactionSimulator(
            new SimulatorSettings(7, 300, 600, Instant.parse("2025-03-01T00:00:00Z"), 90, List.of())
                .with(new BehaviourShift.NightActivity(80, 0.5))),
        payments);
    try (PeltonProcess demo =
        PeltonProcess.start(
            directory.resolve("log"), "demo", "--events=" + payments, "--rate=200")) {
      Await.until(
          "predictions are shown",
          PATIENCE,
          () -> demo.output().contains("predictions/s  latency") || !demo.isAlive());
      assertThat(demo.stop(Duration.ofMinutes(1))).as(demo.output()).isEqualTo(130);
      assertThat(demo.output()).endsWith("stopped\n").doesNotContain("failed:");
    }
  }

  @Test
  void filesThatEndWithinTheHistoryAreRefused() throws Exception {
    Path payments = directory.resolve("payments.csv");
    TransactionCsv.write(
        new TransactionSimulator(
            SimulatorSettings.withDefaults(7, Instant.parse("2025-03-01T00:00:00Z"), 5)),
        payments);
    try (PeltonProcess demo =
        PeltonProcess.start(directory.resolve("log"), "demo", "--events=" + payments)) {
      Await.until("the demo ends", PATIENCE, () -> !demo.isAlive());
      assertThat(demo.stop(PATIENCE)).isEqualTo(2);
      assertThat(demo.output())
          .contains("the files end within the first 60 days, which are history");
    }
  }
}
