package io.pelton.cli;

import io.pelton.feature.FeatureRow;
import io.pelton.job.EventTrail;
import io.pelton.job.FlinkStorage;
import io.pelton.job.JobOptions;
import io.pelton.job.KafkaOptions;
import io.pelton.job.KafkaUnavailableException;
import io.pelton.model.FeatureDigest;
import io.pelton.model.ModelLoader;
import io.pelton.model.ScoredRow;
import io.pelton.model.ScoringException;
import io.pelton.model.ScoringModel;
import io.pelton.model.ServedVersion;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.registry.ModelManifest;
import io.pelton.registry.Registry;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;
import java.util.concurrent.Callable;
import org.apache.flink.util.FileUtils;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Finds where a prediction came from, makes it again, and says whether it is the same. */
@Command(
    name = "prediction",
    description =
        "Finds an event's prediction, its feature row and the version that scored it, scores it"
            + " again and says whether that is equal. Exit code 1 when something differs, 2 when it"
            + " cannot be scored again.",
    mixinStandardHelpOptions = true)
final class PredictionCommand implements Callable<Integer> {
  /** Engines differ in the last bits with the batch size; relative where an output is above 1. */
  private static final double TOLERANCE = 1e-6;

  @Mixin private KafkaOptions kafka = new KafkaOptions();

  @Option(
      names = "--registry",
      paramLabel = "DIR",
      description = "The model registry; replaces the pipeline file's.")
  private @Nullable String registry;

  @Parameters(paramLabel = "ID", description = "The event's id.")
  private String id = "";

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  /** What is said of a prediction, line by line. */
  private static final class Findings {
    final List<String[]> lines = new ArrayList<>();
    boolean differs;
    boolean unknown;

    void say(String what, String text) {
      lines.add(new String[] {what, text});
    }

    void differ(String what, String text) {
      say(what, text);
      differs = true;
    }
  }

  @Override
  public Integer call() throws Exception {
    PipelineDefinition pipeline = kafka.pipeline();
    Registry versions;
    try {
      versions =
          new Registry(
              FlinkStorage.open(JobOptions.registry(registry, pipeline, kafka.pipelineFile())));
    } catch (IllegalArgumentException | IOException e) {
      throw new InputException(e);
    }
    EventTrail trail = new EventTrail(kafka.settings(), pipeline);
    EventTrail.Search<ScoredRow> predictions = trail.predictions(id);
    if (predictions.found().isEmpty()) {
      throw new InputException(
          "topic %s holds no prediction of event \"%s\"; it is not scored yet, or late, or a dead letter, or no longer kept%s"
              .formatted(pipeline.topic(Topic.PREDICTIONS), id, unreadable(predictions)));
    }
    FeatureRows rows = features(trail, pipeline);
    PrintWriter out = spec.commandLine().getOut();
    boolean differs = false;
    boolean unknown = false;
    for (EventTrail.Found<ScoredRow> prediction : predictions.found()) {
      Findings findings = new Findings();
      describe(prediction, pipeline, findings);
      compareRow(prediction.value(), rows, pipeline, findings);
      recompute(prediction.value(), versions, findings);
      TextTable.print(out, findings.lines);
      differs |= findings.differs;
      unknown |= findings.unknown;
    }
    String equal = rows.found.isEmpty() ? "equal; there was no feature row to compare" : "equal";
    out.println(differs ? "NOT EQUAL: see above" : unknown ? "NOT SCORED AGAIN: see above" : equal);
    out.flush();
    return differs ? Pelton.FAILED : unknown ? Pelton.USAGE : 0;
  }

  /**
   * The event's rows in the features topic.
   *
   * @param none why there are none
   */
  private record FeatureRows(List<EventTrail.Found<FeatureRow>> found, String none) {}

  /** A pipeline that runs as one job may have no features topic. */
  private FeatureRows features(EventTrail trail, PipelineDefinition pipeline) {
    try {
      EventTrail.Search<FeatureRow> search = trail.features(id);
      return new FeatureRows(
          search.found(), "not in topic " + pipeline.topic(Topic.FEATURES) + unreadable(search));
    } catch (KafkaUnavailableException e) {
      return new FeatureRows(List.of(), String.valueOf(e.getMessage()));
    }
  }

  private static String unreadable(EventTrail.Search<?> search) {
    return search.unreadable() == 0
        ? ""
        : " (%d of its records cannot be read, the first: %s)"
            .formatted(search.unreadable(), search.problem());
  }

  private void describe(
      EventTrail.Found<ScoredRow> found, PipelineDefinition pipeline, Findings findings) {
    ScoredRow row = found.value();
    findings.say("event", "%s at %s".formatted(row.id, Instant.ofEpochMilli(row.time)));
    for (int i = 0; i < row.keys.length; i++) {
      findings.say(pipeline.entityNames().get(i), row.keys[i]);
    }
    findings.say(
        "prediction", "topic %s %s".formatted(pipeline.topic(Topic.PREDICTIONS), found.place()));
    findings.say(
        "scored by",
        (row.served.version() == ServedVersion.DECLARED
                ? "no version of %s as %s".formatted(row.served.model(), row.served.variant())
                : "%s@%d as %s"
                    .formatted(row.served.model(), row.served.version(), row.served.variant()))
            + (row.fallback == null ? "" : ", the fallback: " + row.fallback.label()));
    findings.say("outputs", outputs(row.served.outputs(), row.outputs));
    long digest = FeatureDigest.of(row.features);
    if (digest == row.featureDigest) {
      findings.say("features", "%d, digest %016x as stated".formatted(row.features.length, digest));
    } else {
      findings.differ(
          "features",
          "%d, digest %016x, but %016x is stated: the record was changed"
              .formatted(row.features.length, digest, row.featureDigest));
    }
  }

  private static void compareRow(
      ScoredRow scored, FeatureRows rows, PipelineDefinition pipeline, Findings findings) {
    if (rows.found.isEmpty()) {
      findings.say("feature row", rows.none + "; the features on the prediction are taken");
      return;
    }
    List<String> names = pipeline.featureNames();
    for (EventTrail.Found<FeatureRow> row : rows.found) {
      StringJoiner differences = new StringJoiner("; ");
      for (int i = 0; i < scored.features.length; i++) {
        String name = scored.served.features().get(i);
        int at = names.indexOf(name);
        if (at < 0) {
          differences.add(name + " is no feature of this pipeline file");
        } else if (Double.compare(row.value().values[at], scored.features[i]) != 0) {
          differences.add(
              "%s is %s, scored was %s"
                  .formatted(name, row.value().values[at], scored.features[i]));
        }
      }
      String where = "topic %s %s: ".formatted(pipeline.topic(Topic.FEATURES), row.place());
      if (differences.length() == 0) {
        findings.say("feature row", where + "equal");
      } else {
        findings.differ("feature row", where + differences);
      }
    }
  }

  private static void recompute(ScoredRow row, Registry versions, Findings findings) {
    try {
      scoreAgain(row, versions, findings);
    } catch (IOException | UnsupportedOperationException | ScoringException e) {
      findings.say("again", "not possible: " + e.getMessage());
      findings.unknown = true;
    }
  }

  private static void scoreAgain(ScoredRow row, Registry versions, Findings findings)
      throws IOException, ScoringException {
    if (row.served.version() == ServedVersion.DECLARED) {
      findings.say("artifact", "none: the outputs are those of model.fallback.outputs");
      return;
    }
    ModelManifest manifest = versions.manifest(row.served.model(), row.served.version());
    if (!manifest.artifactDigest().equals(row.served.artifactDigest())) {
      findings.differ(
          "artifact",
          "%s in registry %s, but %s scored: it is another model"
              .formatted(
                  manifest.artifactDigest(), versions.location(), row.served.artifactDigest()));
      return;
    }
    findings.say("artifact", manifest.artifactDigest() + " as in the registry");
    findings.say("created", manifest.createdAt());
    findings.lines.addAll(ModelCommand.describe(manifest.provenance()));
    Path directory = Files.createTempDirectory("pelton-prediction");
    try {
      versions.fetch(manifest.name(), manifest.version(), directory);
      try (ScoringModel model =
          ModelLoader.load(
              directory, manifest, PipelineDefinition.Device.CPU, null, row.served.features())) {
        double[] outputs = new double[model.outputs()];
        model.score(new double[][] {inModelOrder(row, manifest)}, 0, 1, outputs);
        compareOutputs(row, manifest.signature().outputNames(), outputs, findings);
      }
    } finally {
      FileUtils.deleteDirectory(directory.toFile());
    }
  }

  private static double[] inModelOrder(ScoredRow row, ModelManifest manifest) {
    return manifest.signature().features().stream()
        .mapToDouble(name -> row.features[row.served.features().indexOf(name)])
        .toArray();
  }

  private static void compareOutputs(
      ScoredRow row, List<String> names, double[] again, Findings findings) {
    double largest = 0;
    for (int i = 0; i < names.size(); i++) {
      int at = row.served.outputs().indexOf(names.get(i));
      double served = at < 0 ? Double.NaN : row.outputs[at];
      double difference =
          Double.compare(served, again[i]) == 0
              ? 0
              : Math.abs(served - again[i]) / Math.max(1, Math.abs(again[i]));
      largest = difference > largest || Double.isNaN(difference) ? difference : largest;
    }
    String text = outputs(names, again);
    if (largest <= TOLERANCE) {
      findings.say(
          "again", text + (largest == 0 ? ", equal" : ", equal to %.1e".formatted(largest)));
    } else {
      findings.differ("again", text + ", not equal");
    }
  }

  private static String outputs(List<String> names, double[] values) {
    StringJoiner text = new StringJoiner(", ");
    for (int i = 0; i < values.length; i++) {
      text.add(names.get(i) + " " + values[i]);
    }
    return text.toString();
  }
}
