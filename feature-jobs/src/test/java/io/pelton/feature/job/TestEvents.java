package io.pelton.feature.job;

import io.pelton.job.Incoming;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.wire.StaticSchemaStore;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;

/** Generated transactions and a pipeline over them. */
final class TestEvents {
  static final long BOUND = 10_000;

  private TestEvents() {}

  static PipelineDefinition pipeline(Path directory, boolean ordered) throws Exception {
    return pipeline(directory, ordered ? "out-of-orderness: 10s" : "");
  }

  /**
   * @param events a key of {@code events:} more, or several, one a line
   */
  static PipelineDefinition pipeline(Path directory, String events) throws Exception {
    Files.copy(
        Path.of("../examples/card-fraud/transaction.avsc"),
        directory.resolve("transaction.avsc"),
        StandardCopyOption.REPLACE_EXISTING);
    Path file = directory.resolve("pipeline.yaml");
    Files.writeString(
        file,
        """
        pipeline: test
        events:
          topic: transactions
          format: json
          schema: transaction.avsc
          id: transaction_id
          time: event_time
          %s
          rules: {amount_not_negative: "amount >= 0.0"}
        entities:
          customer: customer_id
          terminal: terminal_id
          shop: {key: terminal_id, resolution: 1s}
        features:
          amount: {value: amount}
          night: {value: "time.getHours('UTC') <= 6"}
          count: {entity: customer, aggregate: count, windows: [1m, 10m]}
          mean: {entity: customer, aggregate: mean(amount), windows: [1m, 10m]}
          most: {entity: terminal, aggregate: max(amount), windows: [5m], default: -1}
          risk: {entity: terminal, aggregate: mean(fraud), windows: [5m], delay: 30s, default: 0}
          spread: {entity: customer, aggregate: stddev(amount), windows: [10m, last-5]}
          terminals: {entity: customer, aggregate: distinct(terminal_id), windows: [10m]}
          typical: {entity: customer, aggregate: "quantile(amount, 0.5)", windows: [10m], exclude-current: true}
          fading: {entity: customer, aggregate: "decayed-sum(amount, 2m)", windows: [10m]}
          gap: {entity: customer, aggregate: time-since-last, where: "amount > 100.0", windows: [10m]}
          by_terminal: {entity: customer, aggregate: mean(amount), by: terminal_id, cap: 3, windows: [10m]}
          unusual: {value: "amount / mean_10m", default: 1}
          here: {value: "by_terminal_10m['1'] / mean_10m"}
          shop_sum: {entity: shop, aggregate: sum(amount), windows: [1m, 10m, 30m]}
          shop_most: {entity: shop, aggregate: max(amount), windows: [10m], delay: 30s}
          shop_customers: {entity: shop, aggregate: distinct(customer_id), windows: [10m]}
          shop_typical: {entity: shop, aggregate: "quantile(amount, 0.9)", windows: [10m, 30m], exclude-current: true}
          shop_fading: {entity: shop, aggregate: "decayed-mean(amount, 2m)", where: "amount > 10.0", windows: [10m]}
          shop_by: {entity: shop, aggregate: mean(amount), by: customer_id, cap: 3, windows: [10m]}
        carry: [terminal_id]
        """
            .formatted(events.replace("\n", "\n  ")));
    return PipelineFile.read(file);
  }

  static Incoming event(PipelineDefinition pipeline, long offset, String json) {
    byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
    return new EventDecoder(pipeline, StaticSchemaStore.of())
        .decode("transactions", 0, offset, 0, null, bytes, Long.MAX_VALUE);
  }

  /** Events in order of (time, id), with ties. */
  static List<Incoming> events(PipelineDefinition pipeline, int count, long seed) {
    Random random = new Random(seed);
    EventDecoder decoder = new EventDecoder(pipeline, StaticSchemaStore.of());
    List<Incoming> events = new ArrayList<>();
    long time = 1_600_000_000_000L;
    for (int i = 0; i < count; i++) {
      time += random.nextInt(4) == 0 ? 0 : random.nextInt(2_000);
      String json =
          "{\"transaction_id\":%d,\"event_time\":%d,\"customer_id\":%d,\"terminal_id\":%d,\"amount\":%s,\"fraud\":%d}"
              .formatted(
                  i,
                  time,
                  random.nextInt(20),
                  random.nextInt(10),
                  random.nextInt(100_000) / 100.0,
                  random.nextInt(10) == 0 ? 1 : 0);
      events.add(
          decoder.decode(
              "transactions",
              0,
              i,
              time,
              null,
              json.getBytes(StandardCharsets.UTF_8),
              Long.MAX_VALUE));
    }
    return events;
  }

  /** The events as they may come when each is delayed by less than the bound. */
  static List<Incoming> shuffled(List<Incoming> events, long seed) {
    Random random = new Random(seed);
    record Arrival(Incoming event, long at) {}
    return events.stream()
        .map(event -> new Arrival(event, event.row.time + random.nextLong(BOUND)))
        .sorted(Comparator.comparingLong(Arrival::at))
        .map(Arrival::event)
        .toList();
  }
}
