package io.pelton.feature.job;

import io.pelton.feature.FeatureRow;
import io.pelton.feature.LabelRule;
import io.pelton.job.FeatureRowTypeInfo;
import io.pelton.job.Incoming;
import io.pelton.job.JobMetric;
import io.pelton.job.OutcomeEvents;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.DeadLetter;
import java.io.Serializable;
import java.util.List;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;

/**
 * Feature rows to rows of a training set: their label is the last value, NaN when it is not known.
 *
 * <pre>
 * features ──► rows of the range ──► (key by event id) ──┐
 *                                                        ├──► join labels ──► training set
 * outcomes ──► admit outcomes ─────► (key by event id) ──┘
 *                   └──► dead letters
 * </pre>
 *
 * <p>For a job in BATCH mode: ids are brought together by Flink's external sort.
 */
public final class TrainingSetTopology {
  /** Accumulators, event times: those of the first and the last row, in the range or not. */
  public static final String FIRST = "training.first";

  public static final String LAST = "training.last";

  static final String RANGE = "training-range";
  static final String ADMIT = "outcome-admit";
  static final String JOIN = "training-labels";

  /**
   * Which rows become part of the training set.
   *
   * @param from least event time, epoch milliseconds
   * @param to the first event time that does not
   * @param asOf what was not there yet at this time is not seen
   */
  public record Range(long from, long to, long asOf) implements Serializable {
    boolean holds(long time) {
      return time >= from && time < to && time <= asOf;
    }
  }

  /**
   * @param rows a value more than the pipeline has features
   * @param deadLetters outcomes that could not be used
   */
  public record Labelled(DataStream<FeatureRow> rows, DataStream<DeadLetter> deadLetters) {}

  private TrainingSetTopology() {}

  /**
   * Labels rows by their outcomes.
   *
   * @param outcomes files as {@link EventSources#resolveOutcomes} gives them
   */
  public static Labelled join(
      DataStream<FeatureRow> features,
      PipelineDefinition pipeline,
      List<Path> outcomes,
      Range range,
      LabelRule rule) {
    PipelineDefinition described = OutcomeEvents.of(pipeline);
    DataStream<Incoming> incoming =
        EventSources.outcomes(features.getExecutionEnvironment(), described, outcomes);
    SingleOutputStreamOperator<FeatureRow> admitted =
        incoming
            .process(
                new AdmitRecords(
                    described.featureNames().get(0),
                    JobMetric.OUTCOMES_IN,
                    JobMetric.OUTCOMES_DEAD),
                new FeatureRowTypeInfo())
            .uid(ADMIT)
            .name("admit outcomes");
    return new Labelled(
        join(features, admitted, range, rule), admitted.getSideOutput(AdmitEvents.DEAD));
  }

  /**
   * Labels rows by outcomes that are read already, for features that aggregate them.
   *
   * @param outcomes as {@link FeatureOutputs#outcomes} gives them
   */
  public static DataStream<FeatureRow> join(
      DataStream<FeatureRow> features,
      DataStream<FeatureRow> outcomes,
      Range range,
      LabelRule rule) {
    return of(features, range)
        .keyBy(row -> row.id, Types.STRING)
        .connect(outcomes.keyBy(row -> row.id, Types.STRING))
        .process(new JoinLabels(rule), new FeatureRowTypeInfo())
        .uid(JOIN)
        .name("join labels");
  }

  /**
   * Takes rows whose last value is their label already.
   *
   * @param unlabelled label of rows without one; NaN for none
   */
  public static DataStream<FeatureRow> own(
      DataStream<FeatureRow> features, Range range, double unlabelled) {
    return of(features, range)
        .process(new FillLabels(unlabelled), new FeatureRowTypeInfo())
        .uid(JOIN)
        .name("fill labels");
  }

  private static DataStream<FeatureRow> of(DataStream<FeatureRow> features, Range range) {
    return features.filter(new RowsOfRange(range)).uid(RANGE).name("range of the training set");
  }
}
