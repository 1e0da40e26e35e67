package io.pelton.pipeline;

import io.pelton.event.EventSchema;
import io.pelton.expression.ExpressionCompiler;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.avro.Schema;

/** Event fields that data must have. */
final class NeededFields {
  private NeededFields() {}

  /**
   * Id, time, keys, carried fields, and those that constraints, rules and features read and for
   * which the event schema has no default.
   */
  static Set<String> of(PipelineDefinition pipeline) {
    Set<String> fields = new LinkedHashSet<>();
    fields.add(pipeline.events().id());
    fields.add(pipeline.events().time());
    pipeline.entities().forEach(entity -> fields.add(entity.field()));
    fields.addAll(pipeline.carry());
    List<String> others =
        pipeline.events().schema().getFields().stream()
            .filter(field -> !field.hasDefaultValue())
            .map(Schema.Field::name)
            .filter(field -> !fields.contains(field))
            .toList();
    if (!others.isEmpty()) {
      Set<String> read = read(pipeline);
      others.stream().filter(read::contains).forEach(fields::add);
    }
    return fields;
  }

  private static boolean reads(Set<String> fields, Table table) {
    return table.schema().getFields().stream()
        .anyMatch(field -> fields.contains(table.column(field.name())));
  }

  /** Event and table fields that constraints, rules and features read, and the tables' keys. */
  private static Set<String> read(PipelineDefinition pipeline) {
    EventSchema schema = pipeline.joinedSchema();
    ExpressionCompiler compiler = new ExpressionCompiler(schema);
    Set<String> fields = new LinkedHashSet<>(pipeline.events().fields().keySet());
    pipeline
        .events()
        .rules()
        .values()
        .forEach(rule -> fields.addAll(compiler.truth(rule.check()).fields()));
    FeatureGraph graph = new FeatureGraph(schema, pipeline.features());
    pipeline.features().forEach(feature -> fields.addAll(graph.eventFields(feature)));
    pipeline.tables().stream()
        .filter(table -> reads(fields, table))
        .forEach(table -> fields.add(table.on()));
    return fields;
  }
}
