package io.pelton.benchmarks;

import io.pelton.feature.FeatureRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.registry.GoldenRows;
import io.pelton.registry.LocalStorage;
import io.pelton.registry.NewVersion;
import io.pelton.registry.Provenance;
import io.pelton.registry.Registry;
import io.pelton.registry.Signature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A model to measure inference with: its ONNX file, its pipeline, and rows for it. */
enum ScoredModel {
  /** Boosted trees on the example's features. */
  TREES("boosted trees, 15 features", 15, 2, "features", "probabilities") {
    private static final int EVENTS = 200_000;
    private static final int ROWS = 8_192;

    @Override
    void prepare(Path directory) throws Exception {
      Files.copy(EXAMPLE.resolve("transaction.avsc"), directory.resolve("transaction.avsc"));
      PipelineDefinition pipeline =
          PipelineFile.read(
              Files.writeString(
                  directory.resolve(PIPELINE), Files.readString(EXAMPLE.resolve(PIPELINE))));
      Preparation preparation = Preparation.simulated(pipeline, EVENTS, directory);
      Path onnx = preparation.train(directory.resolve(REGISTRY), directory.resolve("model"));
      Files.copy(onnx, directory.resolve(ONNX));
      List<FeatureRow> rows = preparation.rows();
      HeldRows.save(
          rows.subList(rows.size() - ROWS, rows.size()).stream()
              .map(row -> Arrays.copyOf(row.values, inputs()))
              .toArray(double[][]::new),
          directory.resolve(ROWS_FILE));
    }
  },

  /** A network on pixels. */
  NETWORK(
      "network, 784 inputs, 28k parameters",
      DenseNetwork.inputs(),
      DenseNetwork.outputs(),
      DenseNetwork.INPUT,
      DenseNetwork.OUTPUT) {
    private static final int ROWS = 1_024;
    private static final int GOLDEN = 16;

    @Override
    void prepare(Path directory) throws Exception {
      List<String> names = IntStream.range(0, inputs()).mapToObj(i -> "p" + i).toList();
      Files.writeString(directory.resolve("pixels.avsc"), schema(names));
      Files.writeString(
          directory.resolve(PIPELINE),
          """
          pipeline: network
          events: {topic: pixels, schema: pixels.avsc, id: id, time: time}
          features:
          %s
          model:
            name: network
            batch: {max-size: 256, max-delay: 5ms}
            device: cpu
          registry: registry
          """
              .formatted(
                  names.stream()
                      .map(name -> "  %s: {value: \"%s\"}".formatted(name, name))
                      .collect(Collectors.joining("\n"))));
      DenseNetwork network = new DenseNetwork(1);
      Random random = new Random(2);
      double[][] rows = new double[ROWS][inputs()];
      for (double[] row : rows) {
        Arrays.setAll(row, i -> random.nextFloat());
      }
      HeldRows.save(rows, directory.resolve(ROWS_FILE));
      double[][] golden = Arrays.copyOf(rows, GOLDEN);
      Registry registry = new Registry(new LocalStorage(directory.resolve(REGISTRY)));
      registry.publish(
          new NewVersion(
              "network",
              "OnnxRuntime",
              network.write(directory.resolve(ONNX)),
              new Signature(
                  List.of(new Signature.Input(input(), Signature.DataType.FLOAT32, names)),
                  IntStream.range(0, columns())
                      .mapToObj(i -> new Signature.Output("class_" + i, output(), i))
                      .toList()),
              Map.of(),
              new GoldenRows(
                  golden, Arrays.stream(golden).map(network::score).toArray(double[][]::new)),
              null,
              Map.of(),
              new Provenance("benchmark", Map.of(), null, null, null, null, "random")));
      registry.setAlias("network", Registry.CHAMPION, 1);
    }

    private static String schema(List<String> names) {
      return """
          {"type": "record", "name": "Pixels", "namespace": "com.example.images", "fields": [
            {"name": "id", "type": "string"},
            {"name": "time", "type": {"type": "long", "logicalType": "timestamp-millis"}},
          %s]}
          """
          .formatted(
              names.stream()
                  .map(name -> "  {\"name\": \"%s\", \"type\": \"float\"}".formatted(name))
                  .collect(Collectors.joining(",\n")));
    }
  };

  static final String PIPELINE = "pipeline.yaml";
  static final String REGISTRY = "registry";
  static final String ONNX = "model.onnx";
  static final String ROWS_FILE = "rows";
  private static final Path EXAMPLE = Path.of("examples/card-fraud");

  final String title;
  private final int inputs;
  private final int columns;
  private final String input;
  private final String output;

  ScoredModel(String title, int inputs, int columns, String input, String output) {
    this.title = title;
    this.inputs = inputs;
    this.columns = columns;
    this.input = input;
    this.output = output;
  }

  /** Writes the model, its pipeline file, its registry and its rows. */
  abstract void prepare(Path directory) throws Exception;

  /** The pipeline file of {@link #prepare} with another batch. */
  static Path pipeline(Path directory, int maxSize, int maxDelay, boolean overlap)
      throws IOException {
    String text =
        Files.readString(directory.resolve(PIPELINE))
            .replaceFirst(
                "batch: .*",
                "batch: {max-size: %d, max-delay: %dms, overlap: %b}"
                    .formatted(maxSize, maxDelay, overlap))
            .replaceFirst("device: .*", "device: cpu");
    return Files.writeString(
        directory.resolve("pipeline-%d-%d-%b.yaml".formatted(maxSize, maxDelay, overlap)), text);
  }

  int inputs() {
    return inputs;
  }

  /** Columns of the tensor that is scored to. */
  int columns() {
    return columns;
  }

  String input() {
    return input;
  }

  String output() {
    return output;
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
