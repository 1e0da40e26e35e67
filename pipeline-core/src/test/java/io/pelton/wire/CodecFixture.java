package io.pelton.wire;

import io.pelton.pipeline.EventFormat;
import io.pelton.pipeline.Events;
import io.pelton.pipeline.PipelineDefinition;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;

/** A small pipeline with two entities, two carried fields and row features of the given names. */
final class CodecFixture {
  private CodecFixture() {}

  static PipelineDefinition pipeline(String... features) {
    Schema event =
        SchemaBuilder.record("Event").fields().requiredString("id").requiredLong("t").endRecord();
    List<PipelineDefinition.Feature> declared = new ArrayList<>();
    for (String feature : features) {
      declared.add(new PipelineDefinition.RowFeature(feature, "1.0"));
    }
    return new PipelineDefinition(
        "card-fraud",
        new Events(
            "events",
            EventFormat.AVRO,
            event,
            "id",
            "t",
            10_000L,
            86_400_000L,
            30_000L,
            Map.of(),
            Map.of()),
        List.of(
            new PipelineDefinition.Entity("customer", "customer_id"),
            new PipelineDefinition.Entity("terminal", "terminal_id")),
        declared,
        null,
        null,
        null,
        List.of("terminal_id", "country"),
        null,
        null,
        Map.of());
  }
}
