package io.pelton.cli;

import io.pelton.feature.FeatureRow;
import io.pelton.feature.LabelRule;
import io.pelton.feature.job.FeatureOutputs;
import io.pelton.feature.job.TrainingSetTopology;
import io.pelton.job.BatchOutput;
import io.pelton.job.JobMetric;
import io.pelton.pipeline.Names;
import io.pelton.pipeline.Outcomes;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineDefinition.RowFeature;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "training-set",
    description =
        "Builds a training set from history, in batch: features as of each event, its label as it"
            + " became known.",
    mixinStandardHelpOptions = true)
final class TrainingSetCommand implements Callable<Integer> {
  @Mixin private BatchRun run = new BatchRun();

  @Option(
      names = "--label",
      paramLabel = "FIELD",
      description =
          "The event field that is the label, known with the event; default: labels are those of"
              + " --outcomes.")
  private @Nullable String field;

  @Option(
      names = "--as-of",
      paramLabel = "TIME",
      description =
          "See nothing that was not there yet at this time, events or outcomes: a UTC date or an"
              + " instant; default: see all.")
  private @Nullable String asOf;

  @Option(
      names = "--unlabelled",
      paramLabel = "VALUE",
      description =
          "Label of events whose time for outcomes has passed without one; default: none, an empty"
              + " field.")
  private double unlabelled = Double.NaN;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    PipelineDefinition pipeline = run.pipeline();
    Long from = run.from();
    Long to = run.to();
    Long asOfTime = BatchRun.time("--as-of", asOf);
    TrainingSetTopology.Range range =
        new TrainingSetTopology.Range(
            from == null ? Long.MIN_VALUE : from,
            to == null ? Long.MAX_VALUE : to,
            asOfTime == null ? Long.MAX_VALUE : asOfTime);
    PrintWriter out = spec.commandLine().getOut();
    if (field != null) {
      return ofEvents(pipeline, field, range, out);
    }
    if (!run.history().hasOutcomes()) {
      throw new InputException(
          "a training set needs labels: give --outcomes FILES, or --label FIELD to take an event"
              + " field");
    }
    List<Path> files = run.history().outcomes(pipeline);
    Outcomes outcomes = pipeline.outcomes();
    if (outcomes == null) {
      throw new IllegalStateException("outcome files were resolved without a section outcomes");
    }
    checkName(pipeline, outcomes.label());
    LabelRule rule = new LabelRule(outcomes.within(), range.asOf(), unlabelled);
    return run.execute(
        pipeline,
        new Labelled(range) {
          @Override
          public void add(FeatureOutputs features, BatchOutput output) {
            if (features.outcomes() != null) {
              DataStream<FeatureRow> rows =
                  TrainingSetTopology.join(features.features(), features.outcomes(), range, rule);
              output.trainingSet(rows, outcomes.label(), about("outcomes"));
              output.deadLetters(features.deadLetters());
              return;
            }
            TrainingSetTopology.Labelled labelled =
                TrainingSetTopology.join(features.features(), pipeline, files, range, rule);
            output.trainingSet(labelled.rows(), outcomes.label(), about("outcomes"));
            output.deadLetters(features.deadLetters().union(labelled.deadLetters()));
          }

          @Override
          public boolean readsOutcomes() {
            return true;
          }
        },
        out);
  }

  /** Takes the label along as a feature more, so it is read and checked as features are. */
  private int ofEvents(
      PipelineDefinition pipeline, String field, TrainingSetTopology.Range range, PrintWriter out)
      throws Exception {
    if (pipeline.events().schema().getField(field) == null) {
      List<String> fields =
          pipeline.events().schema().getFields().stream().map(f -> f.name()).toList();
      throw new InputException(
          "--label: the event schema has no field \"%s\"%s"
              .formatted(field, Names.suggest(field, fields)));
    }
    checkName(pipeline, field);
    return run.execute(
        pipeline,
        pipeline.with(new RowFeature(field, field)),
        new Labelled(range) {
          @Override
          public void add(FeatureOutputs features, BatchOutput output) {
            DataStream<FeatureRow> rows =
                TrainingSetTopology.own(features.features(), range, unlabelled);
            output.trainingSet(rows, field, about("events"));
            output.deadLetters(features.deadLetters());
          }
        },
        out);
  }

  private static void checkName(PipelineDefinition pipeline, String label) throws InputException {
    if (label.equals(pipeline.events().id()) || pipeline.featureNames().contains(label)) {
      throw new InputException(
          "the label \"%s\" is also the name of a feature or of the event id; rename the feature"
              .formatted(label));
    }
  }

  /** What both ways have in common. */
  private abstract class Labelled implements BatchRun.Sinks {
    private final TrainingSetTopology.Range range;

    Labelled(TrainingSetTopology.Range range) {
      this.range = range;
    }

    /** The manifest says how the labels came to be. */
    Map<String, Object> about(String source) {
      Map<String, Object> about = new LinkedHashMap<>();
      about.put("source", source);
      if (range.asOf() != Long.MAX_VALUE) {
        about.put("asOf", Instant.ofEpochMilli(range.asOf()).toString());
      }
      if (!Double.isNaN(unlabelled)) {
        about.put("unlabelled", unlabelled);
      }
      return about;
    }

    @Override
    public void report(Map<String, Object> counts, PrintWriter out) {
      long labelled = Account.count(counts, JobMetric.TRAINING_LABELLED);
      long without = Account.count(counts, JobMetric.TRAINING_UNLABELLED);
      long open = Account.count(counts, JobMetric.TRAINING_OPEN);
      if (labelled + without + open == 0) {
        warnOfRange(counts, out);
      }
      out.printf(
          "  labels: %,d known, %,d without an outcome%s, %,d still open at --as-of and left empty%n",
          labelled,
          without,
          Double.isNaN(unlabelled) ? " and left empty" : " and taken as " + unlabelled,
          open);
      if (field == null) {
        out.printf(
            "  outcomes for labels: %,d read, %,d of events that are not in the set, %,d dead letters%n",
            Account.count(counts, JobMetric.OUTCOMES_IN)
                + Account.count(counts, JobMetric.FEATURE_OUTCOMES_IN),
            Account.count(counts, JobMetric.OUTCOMES_UNMATCHED),
            Account.count(counts, JobMetric.OUTCOMES_DEAD)
                + Account.count(counts, JobMetric.FEATURE_OUTCOMES_DEAD));
        if (!Double.isNaN(unlabelled) && range.asOf() == Long.MAX_VALUE) {
          out.println(
              "  without --as-of every event counts as closed: give the time at which the outcomes"
                  + " were collected, so that young events are not taken as "
                  + unlabelled);
        }
      }
    }

    /** Nothing when there are no events at all, or dead letters only. */
    private void warnOfRange(Map<String, Object> counts, PrintWriter out) {
      long first = Account.count(counts, TrainingSetTopology.FIRST);
      long last = Account.count(counts, TrainingSetTopology.LAST);
      if (first <= last) {
        out.printf(
            "  warning: no event is in the range%s%s%s; those of the input are of %s to %s%n",
            option("--from", range.from(), Long.MIN_VALUE),
            option("--to", range.to(), Long.MAX_VALUE),
            option("--as-of", range.asOf(), Long.MAX_VALUE),
            Instant.ofEpochMilli(first),
            Instant.ofEpochMilli(last));
      }
    }

    private static String option(String name, long time, long none) {
      return time == none ? "" : " " + name + " " + Instant.ofEpochMilli(time);
    }
  }
}
