package io.pelton.feature.job;

import io.pelton.job.Incoming;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.wire.StaticSchemaStore;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A pipeline with tables of topics, and records of them. */
final class TopicTables {
  static final String FEATURES =
      """
        risk_class: {value: terminals.risk_class, default: -1}
        abroad: {entity: customer, aggregate: sum(amount), where: "terminals.country == 'DE' || terminals.country == 'IT'", windows: [2m]}
        risk: {entity: customer, aggregate: max(terminals.risk_class), windows: [2m], default: -1}
        share: {value: "abroad_2m / double(terminals.risk_class)", default: -1}
      """;

  private TopicTables() {}

  /**
   * @param events more lines of the section events
   * @param tables the section tables
   */
  static PipelineDefinition pipeline(Path directory, String events, String tables, String features)
      throws Exception {
    Path schema = directory.resolve("transaction.avsc");
    if (!Files.exists(schema)) {
      Files.copy(Path.of("../examples/card-fraud/transaction.avsc"), schema);
    }
    Files.writeString(
        directory.resolve("terminal.avsc"),
        """
        {"type": "record", "name": "Terminal", "fields": [
          {"name": "terminal_id", "type": "long"},
          {"name": "valid_from", "type": {"type": "long", "logicalType": "timestamp-millis"}},
          {"name": "country", "type": "string"}, {"name": "risk_class", "type": "int"}]}
        """);
    Files.writeString(
        directory.resolve("customer.avsc"),
        """
        {"type": "record", "name": "Customer", "fields": [
          {"name": "customer_id", "type": "long"}, {"name": "limit", "type": "double"}]}
        """);
    String yaml =
        """
        pipeline: test
        events:
          topic: transactions
          format: json
          schema: transaction.avsc
          id: transaction_id
          time: event_time
        """
            + events.indent(2)
            + "tables:\n"
            + tables.indent(2)
            + "entities: {customer: customer_id}\nfeatures:\n"
            + features.indent(2);
    return PipelineFile.read(Files.writeString(directory.resolve("pipeline.yaml"), yaml));
  }

  /** One with the table of terminals, of a topic. */
  static PipelineDefinition pipeline(Path directory, String events) throws Exception {
    return pipeline(
        directory,
        events,
        "terminals: {topic: terminals, schema: terminal.avsc, key: terminal_id, time: valid_from}",
        FEATURES);
  }

  static Incoming event(
      PipelineDefinition pipeline, int id, long time, int customer, @Nullable Integer terminal) {
    String json =
        "{\"transaction_id\":%d,\"event_time\":%d,\"customer_id\":%d,\"terminal_id\":%s,\"amount\":%d,\"fraud\":0}"
            .formatted(id, time, customer, terminal, id % 100);
    return new EventDecoder(pipeline, StaticSchemaStore.of())
        .decode(
            "transactions",
            0,
            id,
            time,
            null,
            json.getBytes(StandardCharsets.UTF_8),
            Long.MAX_VALUE);
  }

  /** A record of the first table's topic; without a value when that is null. */
  static Incoming row(
      PipelineDefinition pipeline,
      int partition,
      long offset,
      long timestamp,
      @Nullable String key,
      @Nullable String value) {
    return new TableDecoder(pipeline, pipeline.tables().get(0), StaticSchemaStore.of())
        .decode("terminals", partition, offset, timestamp, bytes(key), bytes(value));
  }

  static Incoming terminal(
      PipelineDefinition pipeline, long offset, int terminal, long time, String country, int risk) {
    return row(
        pipeline,
        0,
        offset,
        time,
        Integer.toString(terminal),
        "{\"terminal_id\":%d,\"valid_from\":%d,\"country\":\"%s\",\"risk_class\":%d}"
            .formatted(terminal, time, country, risk));
  }

  private static byte @Nullable [] bytes(@Nullable String text) {
    return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
  }
}
