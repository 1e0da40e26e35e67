package io.pelton.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.model.ModelLoader;
import io.pelton.model.ScoringException;
import io.pelton.model.ScoringModel;
import io.pelton.pipeline.PipelineDefinition.Device;
import io.pelton.registry.GoldenRows;
import io.pelton.registry.LocalStorage;
import io.pelton.registry.ModelManifest;
import io.pelton.registry.Registry;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class DeviceComparisonTest {
  private static final double SECONDS = 0.01;

  @TempDir private Path directory;

  @Test
  void aModelAgreesWithItselfAtEveryBatchSize() throws Exception {
    ScoredModel.NETWORK.prepare(directory);
    Path files = directory.resolve("version");
    ModelManifest manifest =
        new Registry(new LocalStorage(directory.resolve(ScoredModel.REGISTRY)))
            .fetch("network", 1, files);
    List<String> features = manifest.signature().features();
    try (ScoringModel one = ModelLoader.load(files, manifest, Device.CPU, null, features);
        ScoringModel two = ModelLoader.load(files, manifest, Device.CPU, null, features)) {
      List<DeviceComparison.Line> lines =
          new DeviceComparison(one, two, GoldenRows.read(files).features(), SECONDS).run();

      assertThat(lines)
          .extracting(DeviceComparison.Line::batch)
          .containsExactly(1, 8, 32, 128, 512, 2048);
      assertThat(lines)
          .allSatisfy(
              line -> {
                assertThat(line.difference()).isLessThan(1e-7);
                assertThat(line.referenceRate()).isPositive();
                assertThat(line.otherRate()).isPositive();
              });
    }
  }

  @Test
  void findsTheLargestDifferenceOfAllRows() throws Exception {
    double[][] rows = {{1}, {1000}, {3}};

    assertThat(differences(new Scaled(1), new Scaled(1), rows)).containsOnly(0.0);
    // Of the second row, and so from batches of 8 on.
    assertThat(differences(new Scaled(1), new Scaled(1.001), rows))
        .allSatisfy(difference -> assertThat(difference).isBetween(0.0009, 0.0011));
    assertThat(differences(new Scaled(1), new Scaled(Double.NaN), rows))
        .containsOnly(Double.POSITIVE_INFINITY);
    assertThat(differences(new Scaled(Double.NaN), new Scaled(Double.NaN), rows)).containsOnly(0.0);
  }

  @Test
  void theTableNamesTheDevices() {
    DeviceComparison comparison =
        new DeviceComparison(new Scaled(1), new Scaled(2), new double[][] {{1}}, SECONDS);

    assertThat(
            comparison.table(
                List.of(new DeviceComparison.Line(2048, 1_000_000, 2_500_000, 0.0000012))))
        .isEqualToNormalizingNewlines(
            """
            | batch | times 1.0 rows/s | times 2.0 rows/s | times 2.0 / times 1.0 | largest difference |
            |---|---|---|---|---|
            | 2,048 | 1,000,000 | 2,500,000 | 2.50 | 1.2e-06 |
            """);
  }

  @Test
  void withoutAGpuItSaysSo() {
    assertThat(refused("device"))
        .isEqualTo(
            "network@1: device require-gpu, but gpu(0) cannot be used: engine OnnxRuntime sees no"
                + " CUDA device, or is built without CUDA; give a GPU and the engine's GPU build,"
                + " or ask for prefer-gpu or cpu\n");
    assertThat(refused("device --model fraud"))
        .isEqualTo("--registry and --model go together: give both, or none\n");
  }

  private static String refused(String commandLine) {
    StringWriter err = new StringWriter();
    CommandLine line = Benchmarks.commandLine().setErr(new PrintWriter(err));
    assertThat(line.execute(commandLine.split(" "))).isEqualTo(2);
    return err.toString();
  }

  private static List<Double> differences(ScoringModel one, ScoringModel two, double[][] rows)
      throws ScoringException {
    return new DeviceComparison(one, two, rows, SECONDS)
        .run().stream().map(DeviceComparison.Line::difference).toList();
  }

  /** A model of one feature and one output. */
  private record Scaled(double factor) implements ScoringModel {
    @Override
    public int features() {
      return 1;
    }

    @Override
    public int outputs() {
      return 1;
    }

    @Override
    public String device() {
      return "times " + factor;
    }

    @Override
    public void score(double[][] rows, int from, int to, double[] outputs) {
      for (int row = from; row < to; row++) {
        outputs[row - from] = factor * rows[row][0];
      }
    }

    @Override
    public int liveTensors() {
      return 0;
    }

    @Override
    public void close() {}
  }
}
