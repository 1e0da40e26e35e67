package io.pelton.feature;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.pipeline.PipelineFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** From an event's fields to its features. */
class FeaturePlanTest {
  @TempDir Path directory;

  /**
   * The feature of each event, one a second.
   *
   * @param entity as the pipeline file gives it
   * @param events terminal and amount of each
   */
  private double[] values(String entity, String aggregate, List<Object[]> events) throws Exception {
    Path schema = Path.of("../examples/card-fraud/transaction.avsc");
    Files.writeString(directory.resolve("transaction.avsc"), Files.readString(schema));
    Path file =
        Files.writeString(
            directory.resolve("pipeline.yaml"),
            """
            pipeline: test
            events: {topic: transactions, schema: transaction.avsc, id: transaction_id, time: event_time}
            entities: {customer: %s}
            features:
              it: {entity: customer, aggregate: %s, windows: [1h]}
            """
                .formatted(entity, aggregate));
    FeaturePlan plan = new FeaturePlan(PipelineFile.read(file));
    EntityPlan customer = plan.entities().get(0);
    EntityHistory history = new EntityHistory(customer.layout());
    BlockStore.InMemory store = new BlockStore.InMemory();
    double[] values = new double[events.size()];
    for (int i = 0; i < values.length; i++) {
      Object[] event = events.get(i);
      Object[] fields = {(long) i, 1_000_000L + 1_000 * i, 1L, event[0], event[1], 0L};
      FeatureRow row = plan.admit(fields, Long.MAX_VALUE);
      history.update(customer, row, store, 0, row.time);
      values[i] = row.values[0];
    }
    return values;
  }

  @ParameterizedTest
  @ValueSource(strings = {"customer_id", "{key: customer_id, resolution: 1s}"})
  void wholeNumbersThatDoublesWouldRoundAreToldApart(String entity) throws Exception {
    long[] ids = {
      1L << 53,
      (1L << 53) + 1,
      (1L << 53) + 2,
      -(1L << 53) - 1,
      1234567890123456789L,
      1234567890123456790L,
      Long.MAX_VALUE,
      Long.MAX_VALUE - 1,
      Long.MIN_VALUE,
      0,
      1
    };
    List<Object[]> events = new ArrayList<>();
    for (long id : ids) {
      events.add(new Object[] {id, 1.0});
      events.add(new Object[] {id, 1.0});
    }
    double[] different = values(entity, "distinct(terminal_id)", events);
    for (int i = 0; i < different.length; i++) {
      assertThat(different[i]).isEqualTo(i / 2 + 1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"customer_id", "{key: customer_id, resolution: 1s}"})
  void zeroHasOneSignAsLeastAndGreatest(String entity) throws Exception {
    for (int before = 0; before < 140; before++) {
      List<Object[]> events = new ArrayList<>();
      for (int i = 0; i < before; i++) {
        events.add(new Object[] {1L, i % 2 == 0 ? 5.0 : -0.0});
      }
      events.add(new Object[] {1L, 0.0});
      events.add(new Object[] {1L, -0.0});
      double[] least = values(entity, "min(amount)", events);
      assertThat(Double.doubleToRawLongBits(least[before + 1])).isZero();
    }
  }
}
