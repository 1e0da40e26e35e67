package io.pelton.cli;

import io.pelton.cli.embedded.EmbeddedFlink;
import io.pelton.feature.job.EventSources;
import io.pelton.feature.job.FeatureOutputs;
import io.pelton.feature.job.FeatureTopology;
import io.pelton.job.BatchOutput;
import io.pelton.job.JobEnvironment;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.registry.ModelManifest;
import io.pelton.registry.Registry;
import io.pelton.training.BoostedTreesTrainer;
import io.pelton.training.DelayedSplit;
import io.pelton.training.Evaluation;
import io.pelton.training.FeatureFiles;
import io.pelton.training.LabelFiles;
import io.pelton.training.Metric;
import io.pelton.training.NetworkTrainer;
import io.pelton.training.Publication;
import io.pelton.training.TrainedModel;
import io.pelton.training.Trainer;
import io.pelton.training.TrainingSet;
import io.pelton.training.TrainingSetReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The demo's lessons: the history's features in batch, and two models that learn from them.
 *
 * @param scratch for what goes when the demo ends
 * @param output for what may stay
 */
record DemoTraining(
    DemoScreen screen,
    PipelineDefinition pipeline,
    Registry registry,
    Path scratch,
    Path output,
    long seed) {
  // Windows of terminals reach back 37 days: training starts when they are full.
  private static final int TRAIN_FROM_DAY = 39;
  private static final int TRAIN_DAYS = 7;
  private static final int DELAY_DAYS = 7;
  private static final int TEST_DAYS = 7;

  /** Computes the history's features in batch, trains both models on them and publishes them. */
  void learn(EmbeddedFlink flink, Path history, Instant liveFrom) throws Exception {
    DemoScreen.Step computing = screen.step("computing their features in batch");
    Path features = output.resolve("training");
    StreamExecutionEnvironment batch =
        flink.environment(JobEnvironment.batchSettings(new Configuration()));
    batch.setParallelism(2);
    BatchOutput result =
        BatchOutput.into(pipeline, features.toString(), BatchOutput.Format.CSV, null, null, false);
    FeatureOutputs outputs =
        FeatureTopology.build(
            EventSources.files(
                batch, pipeline, EventSources.resolve(List.of(history.toString()), pipeline)),
            pipeline);
    result.features(outputs.features());
    result.deadLetters(outputs.deadLetters());
    JobExecutionResult job = batch.execute("features of history");
    Account.check(job.getAllAccumulatorResults());
    long rows = result.commit().get(0).rows();
    computing.done("%,d rows of %d features".formatted(rows, pipeline.featureNames().size()));

    TrainingSet all =
        TrainingSetReader.read(
                new FeatureFiles(
                    List.of(features.resolve("features.csv")),
                    pipeline.events().id(),
                    pipeline.modelFeatures()),
                new LabelFiles(
                    List.of(history),
                    pipeline.events().id(),
                    pipeline.events().time(),
                    "fraud",
                    "customer_id"))
            .set();
    DelayedSplit.Sets sets =
        new DelayedSplit(
                liveFrom.minus(Duration.ofDays(DemoStory.HISTORY_DAYS - TRAIN_FROM_DAY)),
                TRAIN_DAYS,
                DELAY_DAYS,
                TEST_DAYS)
            .of(all);
    train(
        "training trees (XGBoost → ONNX)",
        BoostedTreesTrainer.withDefaults(seed),
        sets,
        Registry.CHAMPION);
    train(
        "training a network (TensorFlow)",
        NetworkTrainer.withDefaults(seed),
        sets,
        Registry.CHALLENGER);
  }

  private void train(String title, Trainer trainer, DelayedSplit.Sets sets, String alias)
      throws IOException {
    DemoScreen.Step step = screen.step(title);
    TrainedModel model =
        trainer.train(sets.train(), Files.createDirectories(scratch.resolve(alias)));
    PipelineDefinition.Model section = Objects.requireNonNull(pipeline.model());
    ModelManifest published =
        Publication.publish(
            registry,
            section.name(),
            model,
            sets.train(),
            sets.test(),
            Objects.requireNonNull(pipeline.drift()).edges());
    registry.setAlias(section.name(), alias, published.version());
    Evaluation evaluation = model.evaluate(sets.test());
    step.done(
        "%s@%d, %s: AUC %.3f, average precision %.3f on %,d held-out rows"
            .formatted(
                published.name(),
                published.version(),
                alias,
                evaluation.get(Metric.AUC_ROC),
                evaluation.get(Metric.AVERAGE_PRECISION),
                sets.test().size()));
  }
}
