package io.pelton.benchmarks;

import io.pelton.job.FlinkStorage;
import io.pelton.model.ModelLoadException;
import io.pelton.model.ModelLoader;
import io.pelton.model.ScoringModel;
import io.pelton.pipeline.PipelineDefinition.Device;
import io.pelton.registry.GoldenRows;
import io.pelton.registry.ModelManifest;
import io.pelton.registry.ModelVersion;
import io.pelton.registry.Registry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.flink.util.FileUtils;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** One model on the CPU and on a GPU, loaded and scored as a job does. */
@Command(
    name = "device",
    description =
        "One model on the CPU and on a GPU: whether they agree, and rows a second by batch size."
            + " Exit code 1 when they do not agree, 2 when there is no GPU that the model can use."
            + " deploy/gpu/check.sh runs it with ONNX Runtime's build for CUDA.",
    mixinStandardHelpOptions = true)
final class DeviceBenchmark implements Callable<Integer> {
  @Option(
      names = "--registry",
      paramLabel = "DIR",
      description = "Where the model is. Default: a network of 28,000 parameters is made up.")
  private @Nullable String registry;

  @Option(
      names = "--model",
      paramLabel = "MODEL",
      description = "The model in the registry: name, name@3 or name@alias.")
  private @Nullable String model;

  @Option(
      names = "--gpu",
      paramLabel = "INDEX",
      description = "Which GPU; default ${DEFAULT-VALUE}.")
  private int gpu = 0;

  @Option(
      names = "--seconds",
      paramLabel = "N",
      description = "For each device and batch size; default ${DEFAULT-VALUE}.")
  private double seconds = 5;

  @Override
  public Integer call() throws Exception {
    if ((registry == null) != (model == null)) {
      throw new InputException("--registry and --model go together: give both, or none");
    }
    Path directory = Files.createTempDirectory("pelton-device");
    try {
      if (registry == null) {
        ScoredModel.NETWORK.prepare(directory);
        return compare(directory.resolve(ScoredModel.REGISTRY).toString(), "network", directory);
      }
      return compare(registry, model, directory);
    } catch (ModelLoadException e) {
      throw new InputException(e);
    } finally {
      FileUtils.deleteDirectory(directory.toFile());
    }
  }

  private int compare(String from, String reference, Path directory) throws Exception {
    Registry versions = new Registry(FlinkStorage.open(from));
    ModelVersion version = versions.resolve(reference);
    Path files = directory.resolve("version");
    ModelManifest manifest = versions.fetch(version.model(), version.version(), files);
    List<String> features = manifest.signature().features();
    // The GPU first: where there is none, that is all there is to say.
    try (ScoringModel onGpu = ModelLoader.load(files, manifest, Device.REQUIRE_GPU, gpu, features);
        ScoringModel onCpu = ModelLoader.load(files, manifest, Device.CPU, null, features)) {
      GoldenRows golden = GoldenRows.read(files);
      double[][] rows =
          golden.features().length > 0 ? golden.features() : new double[1][onCpu.features()];
      DeviceComparison comparison = new DeviceComparison(onCpu, onGpu, rows, seconds);
      System.out.printf(
          "%s in %s, %d features, %d outputs, one thread, batches of %d golden rows%n%n",
          manifest.reference(), manifest.engine(), onCpu.features(), onCpu.outputs(), rows.length);
      List<DeviceComparison.Line> lines = comparison.run();
      System.out.println(comparison.table(lines));
      return verdict(lines);
    }
  }

  private static int verdict(List<DeviceComparison.Line> lines) {
    double difference =
        lines.stream().mapToDouble(DeviceComparison.Line::difference).max().orElse(0);
    boolean agree = difference <= DeviceComparison.TOLERANCE;
    System.out.printf(
        "The outputs %s: they differ by %.1e at most, and may by %.0e.%n",
        agree ? "agree" : "do not agree", difference, DeviceComparison.TOLERANCE);
    return agree ? 0 : 1;
  }
}
