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
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TopKTest {
  @TempDir Path directory;

  private static List<Map.Entry<String, Double>> obvious(Iterable<String> window, int k) {
    Map<String, Long> counts =
        java.util.stream.StreamSupport.stream(window.spliterator(), false)
            .collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
    return counts.entrySet().stream()
        .sorted(
            Comparator.comparing((Map.Entry<String, Long> e) -> -e.getValue())
                .thenComparing(Map.Entry::getKey))
        .limit(k)
        .map(e -> Map.entry(e.getKey(), e.getValue().doubleValue()))
        .toList();
  }

  @Test
  void equalsTheObviousWayWhileValuesComeAndLeave() throws Exception {
    for (int seed = 0; seed < 20; seed++) {
      Random random = new Random(seed);
      int k = 1 + random.nextInt(4);
      Accumulator top = new TopK().create(List.of(Integer.toString(k)));
      ArrayDeque<String> window = new ArrayDeque<>();
      for (int i = 0; i < 300; i++) {
        if (random.nextInt(5) < 3 || window.isEmpty()) {
          String text = "t" + random.nextInt(6);
          window.add(text);
          top.add(Double.NaN, text, i);
        } else {
          top.remove(Double.NaN, window.remove(), i);
        }
        assertThat(top.map(i).entrySet()).containsExactlyElementsOf(obvious(window, k));
        if (random.nextInt(20) == 0) {
          ByteArrayOutputStream bytes = new ByteArrayOutputStream();
          top.write(new DataOutputStream(bytes));
          Accumulator read = new TopK().create(List.of(Integer.toString(k)));
          read.read(new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));
          top = random.nextBoolean() ? read : top.copy();
        }
      }
    }
  }

  @Test
  void saysWhatIsWrongWithItsParameters() {
    for (List<String> wrong :
        List.of(
            List.<String>of(), List.of("0"), List.of("1001"), List.of("few"), List.of("1", "2"))) {
      assertThatThrownBy(() -> new TopK().create(wrong))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("from 1 to 1000");
    }
  }

  @Test
  void aPipelineFileNamesItLikeABuiltInOne() throws Exception {
    Files.copy(
        Path.of("../examples/card-fraud/transaction.avsc"), directory.resolve("transaction.avsc"));
    Path file = directory.resolve("pipeline.yaml");
    Files.writeString(
        file,
        """
        pipeline: test
        events: {topic: transactions, format: json, schema: transaction.avsc, id: transaction_id, time: event_time}
        entities: {customer: customer_id}
        features:
          terminals: {entity: customer, aggregate: "top-k(terminal_id, 2)", windows: [1m]}
          most_at_one: {value: "terminals_1m.size() == 0 ? 0.0 : 1.0"}
        """);
    PipelineDefinition pipeline = PipelineFile.read(file);
    assertThat(pipeline.mapNames()).containsExactly("terminals_1m");
    FeaturePlan plan = new FeaturePlan(pipeline);
    EntityPlan customer = plan.entities().get(0);
    EntityHistory history = new EntityHistory(customer.layout());
    BlockStore.InMemory store = new BlockStore.InMemory();
    FeatureRow row = null;
    long[] terminals = {5, 5, 7, 9, 9, 9, 7};
    for (int i = 0; i < terminals.length; i++) {
      Object[] fields = {(long) i, 1_000_000L + 15_000 * i, 1L, terminals[i], 1.0, 0L};
      row = plan.admit(fields, Long.MAX_VALUE);
      history.update(customer, row, store, 0, row.time);
    }
    // The last minute: 9, 9, 9, 7.
    assertThat(row.maps[0].entrySet()).containsExactly(Map.entry("9", 3.0), Map.entry("7", 1.0));

    Files.writeString(file, Files.readString(file).replace("terminal_id, 2", "terminal_id, many"));
    assertThatThrownBy(() -> PipelineFile.read(file))
        .hasMessageContaining("features.terminals.aggregate: \"top-k(terminal_id, many)\": needs");
  }

  @Test
  void clashesOfNamesNameBoth() {
    assertThat(AggregateExtension.clash(AggregateExtension.all(), List.of("count"))).isNull();
    assertThat(AggregateExtension.clash(List.of(new TopK(), new TopK()), List.of()))
        .contains(
            "aggregate \"top-k\" of io.pelton.aggregate.TopK has the name of that of io.pelton");
    assertThat(AggregateExtension.clash(List.of(new TopK()), List.of("top-k")))
        .contains("has the name of Pelton's own top-k; give it another");
  }
}
