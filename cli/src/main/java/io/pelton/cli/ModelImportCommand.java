package io.pelton.cli;

import io.pelton.drift.BaselineProfile;
import io.pelton.job.FlinkStorage;
import io.pelton.model.Engines;
import io.pelton.model.ModelLoader;
import io.pelton.model.ScoringException;
import io.pelton.model.ScoringModel;
import io.pelton.pipeline.Drift;
import io.pelton.pipeline.InvalidPipelineException;
import io.pelton.pipeline.MemorySize;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.registry.GoldenRows;
import io.pelton.registry.LocalStorage;
import io.pelton.registry.ModelManifest;
import io.pelton.registry.NearestName;
import io.pelton.registry.NewVersion;
import io.pelton.registry.Provenance;
import io.pelton.registry.Registry;
import io.pelton.registry.Signature;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.apache.flink.util.FileUtils;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code pelton model import}: publishes a model that was trained elsewhere. It is loaded and has
 * to score its golden rows first: what cannot serve is not published.
 */
@Command(
    name = "import",
    description = "Publishes a model that was trained elsewhere.",
    mixinStandardHelpOptions = true)
final class ModelImportCommand implements Callable<Integer> {
  /** Rows of the baseline that become golden rows when none are given. */
  private static final int GOLDEN_ROWS = 20;

  /** Values of a segments' field that get a baseline of their own; all others share one. */
  private static final int MOST_SEGMENTS = 100;

  private static final int SEGMENT_EDGES = 256;
  private static final int BATCH = 1024;

  /** Most that a score may move with the other rows of its batch; relative where it is above 1. */
  private static final double BATCH_TOLERANCE = 1e-5;

  private static final GoldenRows NO_GOLDEN_ROWS = new GoldenRows(new double[0][], new double[0][]);

  /** Where a staged version lies, as a job would have it. */
  private static final String FETCHED = "fetched";

  private static final Pattern OUTPUT = Pattern.compile("([^=]+)=(.+?)(?::([0-9]{1,6}|\\*))?");
  private static final Pattern AVRO_NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");

  /** Columns of every table of predictions, beside the event's id and time. */
  private static final Set<String> FIXED_COLUMNS = Set.of("model", "version", "variant");

  @Spec private CommandSpec command;

  @Option(names = "--registry", required = true, paramLabel = "DIR")
  private String registry;

  @Option(names = "--name", required = true, paramLabel = "NAME")
  private String name;

  @Option(
      names = "--engine",
      required = true,
      paramLabel = "ENGINE",
      description = "OnnxRuntime, TensorFlow or PyTorch.")
  private String engine;

  @Option(
      names = "--artifact",
      required = true,
      paramLabel = "PATH",
      description = "An .onnx file, a SavedModel directory or a TorchScript file.")
  private Path artifact;

  @Option(
      names = "--input",
      required = true,
      paramLabel = "TENSOR[:TYPE[:rows]][=FEATURE,...]",
      description =
          "Input tensor, of shape [rows, features], or of [rows] with :rows. Repeatable, with the"
              + " features of each; a single one may take those of --features or --pipeline.")
  private List<String> inputs;

  @Option(
      names = "--input-type",
      defaultValue = "FLOAT32",
      paramLabel = "TYPE",
      description =
          "Type of inputs that name none: ${COMPLETION-CANDIDATES}; default: ${DEFAULT-VALUE}.")
  private Signature.DataType inputType;

  @ArgGroup(multiplicity = "0..1")
  private Features features = new Features();

  @Option(
      names = "--output",
      required = true,
      paramLabel = "NAME=TENSOR[:COLUMN|:*]",
      description =
          "A column of an output tensor, default 0, or with :* all of them, as NAME_0, NAME_1, ...;"
              + " repeatable. Tensors without names go by their position: 0, 1, ...")
  private List<String> outputs;

  @Option(
      names = "--engine-option",
      paramLabel = "NAME=VALUE",
      description = "E.g. Tags, SignatureDefKey; repeatable.")
  private Map<String, String> engineOptions = new LinkedHashMap<>();

  @Option(
      names = "--golden",
      paramLabel = "CSV",
      description =
          "Rows to reproduce at every load; with a column for each output, those are expected,"
              + " else what the model gives now. Default: the baseline's first rows.")
  private @Nullable Path golden;

  @Option(
      names = "--baseline",
      required = true,
      paramLabel = "CSV",
      description = "A sample of the training data's features: the reference of drift.")
  private Path baseline;

  @Option(
      names = "--fields",
      split = ",",
      paramLabel = "FIELD[:KIND]",
      description =
          "Columns of the baseline file with event fields that predictions carry: their drift is"
              + " measured, too. KIND is number, category or length (of texts); default number"
              + " where each value is one, else category.")
  private List<String> fields = new ArrayList<>();

  @Option(
      names = "--segments",
      paramLabel = "FIELD",
      description =
          "Column of the baseline file by which drift is measured apart, too: each of its values"
              + " gets a baseline of its own. Default: drift.segments of --pipeline.")
  private @Nullable String segments;

  @Option(
      names = "--edges",
      paramLabel = "N",
      defaultValue = "2048",
      description = "Most edges the baseline keeps of a feature; default: ${DEFAULT-VALUE}.")
  private int edges;

  @Option(
      names = "--memory",
      paramLabel = "SIZE",
      converter = MemorySizes.class,
      description =
          "What a loaded copy of it takes, e.g. 200MB; estimated from the artifact's size when not"
              + " given.")
  private @Nullable MemorySize memory;

  @Option(names = "--promote", description = "Makes it the champion.")
  private boolean promote;

  /** Reads amounts of memory. */
  static final class MemorySizes implements CommandLine.ITypeConverter<MemorySize> {
    @Override
    public MemorySize convert(String text) {
      try {
        return MemorySize.parse(text);
      } catch (IllegalArgumentException e) {
        throw new CommandLine.TypeConversionException(String.valueOf(e.getMessage()));
      }
    }
  }

  /** Where the names of the model's features come from. */
  static final class Features {
    @Option(
        names = "--features",
        required = true,
        split = ",",
        paramLabel = "NAME",
        description = "Of a single input, in the order of its columns.")
    private @Nullable List<String> names;

    @Option(
        names = "--pipeline",
        required = true,
        paramLabel = "FILE",
        description = "Of the pipeline's model: a single input takes all of them.")
    private @Nullable Path pipeline;
  }

  @SuppressWarnings("NullAway.Init") // picocli sets the fields
  ModelImportCommand() {}

  @Override
  public Integer call() throws IOException, InvalidPipelineException {
    if (engine.equals(Engines.ONNX) && Files.isDirectory(artifact)) {
      throw new InputException(
          "--artifact %s: is a directory; for %s it must be an .onnx file"
              .formatted(artifact, engine));
    }
    @Nullable PipelineDefinition pipeline =
        features.pipeline == null ? null : PipelineFile.read(features.pipeline);
    List<Signature.Input> signatureInputs =
        ModelInputs.parse(inputs, inputType, sharedFeatures(pipeline));
    Signature signature =
        new Signature(signatureInputs, outputs(signatureInputs, fixedColumns(pipeline)));
    List<String> known = pipeline == null ? signature.features() : pipeline.modelFeatures();
    List<String> outputNames = signature.outputNames();
    FeatureTable baselineTable = FeatureTable.read(baseline);
    double[][] sample = baselineTable.values(signature.features());
    BaselineFields fieldTable = BaselineFields.read(baselineTable, fields);
    @Nullable String segmentsBy = segmentsBy(pipeline);
    List<@Nullable String> segmentValues =
        segmentsBy == null ? List.of() : baselineTable.texts(segmentsBy);
    FeatureTable goldenTable = golden == null ? null : FeatureTable.read(golden);
    double[][] goldenFeatures =
        goldenTable == null
            ? Arrays.copyOf(sample, Math.min(sample.length, GOLDEN_ROWS))
            : goldenTable.values(signature.features());
    double @Nullable [][] expected = expectedOutputs(goldenTable, outputNames);

    Path staging = Files.createTempDirectory("pelton-import-");
    try {
      GoldenRows goldenRows;
      double[][] sampleOutputs;
      GoldenRows toReproduce =
          expected == null ? NO_GOLDEN_ROWS : new GoldenRows(goldenFeatures, expected);
      ModelManifest staged = stage(staging, signature, toReproduce);
      try (ScoringModel model =
          ModelLoader.load(
              staging.resolve(FETCHED), staged, PipelineDefinition.Device.CPU, null, known)) {
        Path goldenFile = golden == null ? baseline : golden;
        double[][] together = score(model, goldenFeatures, BATCH, goldenFile);
        warnWhereTheBatchMatters(
            together, score(model, goldenFeatures, 1, goldenFile), outputNames);
        goldenRows = expected == null ? new GoldenRows(goldenFeatures, together) : toReproduce;
        sampleOutputs = score(model, sample, BATCH, baseline);
      }
      BaselineProfile profile =
          BaselineProfile.of(signature.features(), sample, outputNames, sampleOutputs, edges);
      profile = fieldTable.in(profile, edges);
      if (segmentsBy != null) {
        profile =
            profile.withSegments(
                segmentsBy,
                segmentValues,
                sample,
                sampleOutputs,
                MOST_SEGMENTS,
                Math.min(edges, SEGMENT_EDGES));
      }
      Registry target = new Registry(FlinkStorage.open(registry));
      ModelManifest published = target.publish(version(signature, goldenRows, profile.toJson()));
      if (promote) {
        target.setAlias(name, Registry.CHAMPION, published.version());
      }
      PrintWriter out = command.commandLine().getOut();
      out.printf(
          "%s is published%s: %d golden rows, baseline of %d rows%n",
          published.reference(),
          promote ? " and champion" : "",
          goldenFeatures.length,
          sample.length);
      out.flush();
      return CommandLine.ExitCode.OK;
    } finally {
      FileUtils.deleteDirectory(staging.toFile());
    }
  }

  /** The field of the baseline's segments, null for none. */
  private @Nullable String segmentsBy(@Nullable PipelineDefinition pipeline) {
    if (segments != null || pipeline == null) {
      return segments;
    }
    Drift drift = pipeline.drift();
    return drift == null || drift.segments() == null || drift.previous() != null
        ? null
        : drift.segments().by();
  }

  /** Features of a single input that names none; null when the inputs name their own. */
  private @Nullable List<String> sharedFeatures(@Nullable PipelineDefinition pipeline)
      throws InputException {
    if (pipeline != null && pipeline.model() == null) {
      throw new InputException(
          "%s: no model section; add one, or name the features by --features"
              .formatted(features.pipeline));
    }
    if (ModelInputs.nameFeatures(inputs)) {
      if (features.names != null) {
        throw new InputException(
            "--features: the inputs name features of their own; leave out one of both");
      }
      return null;
    }
    if (features.names != null) {
      return features.names;
    }
    if (pipeline == null) {
      throw new CommandLine.ParameterException(
          command.commandLine(),
          "Missing the model's features: give --features=NAME[,NAME...], --pipeline=FILE or"
              + " --input=TENSOR=FEATURE[,FEATURE...]");
    }
    return pipeline.modelFeatures();
  }

  private static Set<String> fixedColumns(@Nullable PipelineDefinition pipeline) {
    Set<String> columns = new HashSet<>(FIXED_COLUMNS);
    if (pipeline != null) {
      columns.add(pipeline.events().id());
      columns.add(pipeline.events().time());
    }
    return columns;
  }

  /** The outputs; each is to be a column of its own beside the features and the fixed columns. */
  private List<Signature.Output> outputs(
      List<Signature.Input> signatureInputs, Set<String> fixedColumns) throws IOException {
    List<Signature.Output> parsed = new ArrayList<>();
    Set<String> names = new HashSet<>();
    Signature inputsOnly = new Signature(signatureInputs, List.of());
    for (String text : outputs) {
      for (Signature.Output output : outputs(text, inputsOnly)) {
        String name = output.name();
        @Nullable String rule = null;
        if (!AVRO_NAME.matcher(name).matches()) {
          rule = "must be A-Z, a-z, 0-9 and '_', no digit first";
        } else if (!names.add(name)) {
          rule = "is given twice; every output needs a name of its own";
        } else if (inputsOnly.features().contains(name)) {
          rule = "is a feature of the model; name the output otherwise";
        } else if (fixedColumns.contains(name)) {
          rule = "is a column that all predictions have; name the output otherwise";
        }
        if (rule != null) {
          throw new InputException("--output %s: \"%s\" %s".formatted(text, name, rule));
        }
        parsed.add(output);
      }
    }
    return parsed;
  }

  /** One output, or every column of its tensor. */
  private List<Signature.Output> outputs(String text, Signature inputsOnly) throws IOException {
    Matcher matcher = OUTPUT.matcher(text);
    if (!matcher.matches()) {
      throw new CommandLine.ParameterException(
          command.commandLine(),
          "Invalid value for option '--output': '" + text + "' must be NAME=TENSOR[:COLUMN|:*]");
    }
    String name = matcher.group(1);
    String tensor = matcher.group(2);
    @Nullable String column = matcher.group(3);
    if (!"*".equals(column)) {
      return List.of(
          new Signature.Output(name, tensor, column == null ? 0 : Integer.parseInt(column)));
    }
    SortedMap<String, Integer> widths = outputWidths(inputsOnly);
    @Nullable Integer width = widths.get(tensor);
    if (width == null) {
      throw new InputException(
          "--output %s: the model has no output tensor \"%s\" of shape [rows, columns]%s"
              .formatted(text, tensor, NearestName.hint(tensor, widths.keySet())));
    }
    return IntStream.range(0, width)
        .mapToObj(i -> new Signature.Output(name + "_" + i, tensor, i))
        .toList();
  }

  private SortedMap<String, Integer> outputWidths(Signature inputsOnly) throws IOException {
    Path staging = Files.createTempDirectory("pelton-import-");
    try {
      ModelManifest manifest = stage(staging, inputsOnly, NO_GOLDEN_ROWS);
      return ModelLoader.outputWidths(staging.resolve(FETCHED), manifest);
    } finally {
      FileUtils.deleteDirectory(staging.toFile());
    }
  }

  /** Publishes to a registry that no one sees, so that loading is the same as it will be. */
  private ModelManifest stage(Path staging, Signature signature, GoldenRows expected)
      throws IOException {
    Registry staged = new Registry(new LocalStorage(staging.resolve("registry")));
    ModelManifest manifest = staged.publish(version(signature, expected, null));
    Path fetched = Files.createDirectory(staging.resolve(FETCHED));
    return staged.fetch(manifest.name(), manifest.version(), fetched);
  }

  private NewVersion version(Signature signature, GoldenRows goldenRows, @Nullable String profile) {
    String version = ModelImportCommand.class.getPackage().getImplementationVersion();
    return new NewVersion(
        name,
        engine,
        artifact,
        signature,
        engineOptions,
        goldenRows,
        profile,
        Map.of(),
        new Provenance(
            "import", Map.of(), null, null, null, null, version == null ? "unknown" : version),
        memory == null ? null : memory.bytes());
  }

  /** The golden file's outputs; null when it has none, and an error when it has some of them. */
  private static double @Nullable [][] expectedOutputs(
      @Nullable FeatureTable table, List<String> outputNames) throws InputException {
    if (table == null) {
      return null;
    }
    List<String> missing = new ArrayList<>(outputNames);
    missing.removeAll(table.columns());
    if (missing.isEmpty()) {
      return table.values(outputNames);
    }
    if (missing.size() < outputNames.size()) {
      throw new InputException(
          "%s:1: has columns for some outputs but not for %s; give all outputs or none"
              .formatted(table.file(), String.join(", ", missing)));
    }
    return null;
  }

  /** Scores that depend on a row's neighbours are not the same in stream, batch and replay. */
  private void warnWhereTheBatchMatters(
      double[][] together, double[][] alone, List<String> outputNames) {
    for (int row = 0; row < together.length; row++) {
      for (int output = 0; output < outputNames.size(); output++) {
        double difference = Math.abs(together[row][output] - alone[row][output]);
        if (difference > BATCH_TOLERANCE * Math.max(1, Math.abs(alone[row][output]))) {
          PrintWriter err = command.commandLine().getErr();
          err.printf(
              "warning: scores depend on the other rows of a batch: golden row %d, output %s is %s alone, %s among %d;"
                  + " a model with int8 scales of the batch (dynamic quantization) does so, one with fixed scales does not%n",
              row,
              outputNames.get(output),
              alone[row][output],
              together[row][output],
              together.length);
          err.flush();
          return;
        }
      }
    }
  }

  private double[][] score(ScoringModel model, double[][] rows, int size, Path file)
      throws IOException {
    double[][] scores = new double[rows.length][];
    double[] batchScores = new double[size * model.outputs()];
    for (int from = 0; from < rows.length; from += size) {
      int count = Math.min(size, rows.length - from);
      try {
        model.score(rows, from, from + count, batchScores);
      } catch (ScoringException e) {
        throw new InputException(
            "--artifact %s cannot score rows %d to %d of %s: %s"
                .formatted(artifact, from + 1, from + count, file, e.getMessage()));
      }
      for (int row = 0; row < count; row++) {
        scores[from + row] =
            Arrays.copyOfRange(batchScores, row * model.outputs(), (row + 1) * model.outputs());
      }
    }
    return scores;
  }
}
