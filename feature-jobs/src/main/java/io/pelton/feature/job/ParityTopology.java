package io.pelton.feature.job;

import io.pelton.feature.FeatureRow;
import io.pelton.parity.ParityRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineDefinition.Feature;
import io.pelton.pipeline.PipelineDefinition.WindowedFeature;
import java.util.List;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;

/**
 * Compares what was served with what history gives.
 *
 * <pre>
 * feature log ──► (key by event id) ──┐
 *                                     ├──► pair ──► (key by entity ──► mark touched) ──► compare
 * features of history ──► (by id) ────┘             for each entity with windows
 * </pre>
 *
 * <p>For a job in BATCH mode: rows are brought together by Flink's external sort. What comes of it
 * is the accumulator {@link #TALLY}.
 */
public final class ParityTopology {
  /** Accumulator, an {@link io.pelton.parity.ParityTally}. */
  public static final String TALLY = "parity";

  static final String RANGE = "parity-range-";
  static final String PAIR = "parity-pair";
  static final String ORDER = "parity-order";
  static final String TOUCHED = "parity-touched-";
  static final String COMPARE = "parity-compare";

  /**
   * What is compared.
   *
   * @param servedFrom events before this time were not expected in the log, epoch milliseconds
   * @param from rows before this event time are not compared; they are looked at as far as windows
   *     reach back, for late events among them
   * @param to rows at or after this event time are not compared
   */
  public record Range(long servedFrom, long from, long to) {
    /** The least event time that is looked at. */
    public long seenFrom(PipelineDefinition pipeline) {
      return Math.min(from, Math.max(servedFrom, from - pipeline.reach()));
    }
  }

  private ParityTopology() {}

  /**
   * @param logged rows of the feature log
   * @param replayed features of history
   */
  public static void build(
      DataStream<FeatureRow> logged,
      DataStream<FeatureRow> replayed,
      PipelineDefinition pipeline,
      Range range) {
    TypeInformation<ParityRow> type = Types.POJO(ParityRow.class);
    DataStream<ParityRow> rows =
        within(logged, pipeline, range, "log")
            .keyBy(row -> row.id, Types.STRING)
            .connect(within(replayed, pipeline, range, "replay").keyBy(row -> row.id, Types.STRING))
            .process(new PairRows(), type)
            .uid(PAIR)
            .name("pair rows")
            .assignTimestampsAndWatermarks(
                WatermarkStrategy.<ParityRow>noWatermarks()
                    .withTimestampAssigner((row, timestamp) -> row.time))
            .uid(ORDER)
            .name("order of pairs");
    List<String> entities = pipeline.entityNames();
    for (int entity = 0; entity < entities.size(); entity++) {
      int key = entity;
      if (hasWindows(pipeline, entities.get(entity))) {
        rows =
            rows.keyBy(row -> row.keys[key], Types.STRING)
                .transform(
                    "touched features of " + entities.get(entity),
                    type,
                    new MarkTouched(pipeline, entity, range.servedFrom()))
                .uid(TOUCHED + entities.get(entity));
      }
    }
    rows.transform(
            "compare rows",
            Types.VOID,
            new CompareRows(pipeline.featureNames(), pipeline.mapNames(), range.from(), range.to()))
        .uid(COMPARE);
  }

  private static DataStream<FeatureRow> within(
      DataStream<FeatureRow> rows, PipelineDefinition pipeline, Range range, String side) {
    long from = range.seenFrom(pipeline);
    long to = range.to();
    return rows.filter(row -> row.time >= from && row.time < to)
        .uid(RANGE + side)
        .name("range of the " + side);
  }

  private static boolean hasWindows(PipelineDefinition pipeline, String entity) {
    for (Feature feature : pipeline.features()) {
      if (feature instanceof WindowedFeature windowed && windowed.entity().equals(entity)) {
        return true;
      }
    }
    return false;
  }
}
