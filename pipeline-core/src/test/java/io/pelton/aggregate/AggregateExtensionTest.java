package io.pelton.aggregate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.feature.BlockStore;
import io.pelton.feature.EntityHistory;
import io.pelton.feature.EntityPlan;
import io.pelton.feature.FeaturePlan;
import io.pelton.feature.FeatureRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Aggregates that can only take away, and only merge. */
class AggregateExtensionTest {
  @TempDir Path directory;

  private PipelineDefinition pipeline(String entity, String aggregate) throws Exception {
    Path schema = Path.of("../examples/card-fraud/transaction.avsc");
    Files.writeString(directory.resolve("transaction.avsc"), Files.readString(schema));
    return PipelineFile.read(
        Files.writeString(
            directory.resolve("pipeline.yaml"),
            """
            pipeline: test
            events: {topic: transactions, schema: transaction.avsc, id: transaction_id, time: event_time}
            entities:
              customer: customer_id
              shop: {key: customer_id, resolution: 10s}
            features:
              it: {entity: %s, aggregate: %s(amount), windows: [1m]}
            """
                .formatted(entity, aggregate)));
  }

  /** The aggregate of each event of amounts 0, 1, 4, 9, ..., one in ten seconds. */
  private static double[] values(PipelineDefinition pipeline) throws Exception {
    FeaturePlan plan = new FeaturePlan(pipeline);
    EntityPlan entity = plan.entities().get(0);
    EntityHistory history = new EntityHistory(entity.layout());
    BlockStore.InMemory store = new BlockStore.InMemory();
    double[] values = new double[400];
    for (int i = 0; i < values.length; i++) {
      Object[] fields = {(long) i, 1_000_000L + 10_000 * i, 1L, 1L, 1.0 * i * i, 0L};
      FeatureRow row = plan.admit(fields, Long.MAX_VALUE);
      history.update(entity, row, store, 0, row.time);
      values[i] = row.values[0];
    }
    return values;
  }

  @Test
  void whatOnlyMergesIsOfTiles() throws Exception {
    double[] ranges = values(pipeline("shop", "range"));
    for (int i = 0; i < ranges.length; i++) {
      // The tile of the event and the five before it, and the one that the window's start is in.
      int first = Math.max(0, i - 6);
      assertThat(ranges[i])
          .isIn(1.0 * i * i - first * first, 1.0 * i * i - (first + 1) * (first + 1));
    }
    assertThatThrownBy(() -> pipeline("customer", "range"))
        .hasMessageContaining(
            "features.it.aggregate: range(amount) cannot take values away as they leave a window,"
                + " but entity customer keeps every event; take it of an entity with a resolution");
  }

  @Test
  void whatCannotMergeIsOfEvents() throws Exception {
    double[] ups = values(pipeline("customer", "ups"));
    for (int i = 0; i < ups.length; i++) {
      assertThat(ups[i]).isEqualTo(Math.min(6, i));
    }
    assertThatThrownBy(() -> pipeline("shop", "ups"))
        .hasMessageContaining(
            "features.it.aggregate: ups(amount) cannot be merged, but entity shop keeps tiles"
                + " (resolution); take it of an entity without a resolution");
  }
}
