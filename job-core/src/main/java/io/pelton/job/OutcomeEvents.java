package io.pelton.job;

import io.pelton.pipeline.Events;
import io.pelton.pipeline.Outcomes;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineDefinition.RowFeature;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;

/**
 * Outcomes as events of a pipeline of their own, so that they are read, and refused, as events are:
 * id and time by the names that {@code outcomes:} gives, the label as the only feature.
 */
public final class OutcomeEvents {
  private OutcomeEvents() {}

  /**
   * @throws IllegalArgumentException when the pipeline declares no outcomes, or two of their fields
   *     have one name
   */
  public static PipelineDefinition of(PipelineDefinition pipeline) {
    Outcomes outcomes = pipeline.outcomes();
    if (outcomes == null) {
      throw new IllegalArgumentException(
          "--outcomes: the pipeline file has no section outcomes that names their id, time and"
              + " label; add it, or give --label FIELD to take the label from the events");
    }
    Schema declared = pipeline.events().schema();
    List<Schema.Field> fields = new ArrayList<>();
    // An id is written as the event's is.
    fields.add(field(outcomes.id(), value(declared.getField(pipeline.events().id()).schema())));
    fields.add(
        field(
            outcomes.time(),
            LogicalTypes.timestampMillis().addToSchema(Schema.create(Schema.Type.LONG))));
    Schema.Field label = declared.getField(outcomes.label());
    fields.add(
        field(
            outcomes.label(),
            label == null ? Schema.create(Schema.Type.DOUBLE) : value(label.schema())));
    Schema schema;
    try {
      schema = Schema.createRecord("Outcome", null, null, false, fields);
    } catch (org.apache.avro.AvroRuntimeException e) {
      throw new IllegalArgumentException(
          "outcomes: id, time and label must be three fields, but are %s, %s and %s"
              .formatted(outcomes.id(), outcomes.time(), outcomes.label()),
          e);
    }
    return new PipelineDefinition(
        pipeline.name() + "-outcomes",
        new Events(
            outcomes.topic(),
            pipeline.events().format(),
            schema,
            outcomes.id(),
            outcomes.time(),
            pipeline.events().outOfOrderness(),
            pipeline.events().maxAhead(),
            pipeline.events().idleAfter(),
            Map.of(),
            Map.of()),
        List.of(),
        List.of(new RowFeature(outcomes.label(), outcomes.label())),
        null,
        null,
        null,
        List.of(),
        null,
        null,
        new LinkedHashMap<>());
  }

  /** The one type beside null. */
  private static Schema value(Schema schema) {
    if (schema.getType() != Schema.Type.UNION) {
      return schema;
    }
    List<Schema> types =
        schema.getTypes().stream().filter(type -> type.getType() != Schema.Type.NULL).toList();
    return types.size() == 1 ? types.get(0) : schema;
  }

  private static Schema.Field field(String name, Schema type) {
    return new Schema.Field(
        name, Schema.createUnion(Schema.create(Schema.Type.NULL), type), null, (Object) null);
  }
}
