package io.pelton.pipeline;

import io.pelton.event.EventSchema;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/**
 * A reference table: what is known of a key, and since when. An event at time t sees the newest
 * version of its key whose time is t or earlier.
 *
 * @param topic the Kafka topic whose records are its rows; null for a table of files
 * @param inputs paths, URIs and globs of the files with its rows; of a table of a topic those with
 *     rows that the topic no longer holds, mostly none
 * @param schema an Avro record schema of its rows
 * @param key the rows' field with the key
 * @param time the rows' field with the time from which a version holds; null: rows always hold.
 *     Never null for a table of a topic
 * @param on the event's field with the key
 * @param idleAfter a partition of the topic without records for this long does not hold events
 * @param streamed whether rows come from the topic while the job runs
 * @param files what the files were when the job was defined; empty when that is still to be found
 */
public record Table(
    String name,
    @Nullable String topic,
    List<String> inputs,
    Schema schema,
    String key,
    @Nullable String time,
    String on,
    long idleAfter,
    boolean streamed,
    List<TableFile> files)
    implements Serializable {
  /**
   * The time of rows of a topic whose records name none in a field: their Kafka timestamp. Files
   * that stand for such a topic have it as a column.
   */
  public static final String RECORD_TIME = "record_timestamp";

  public Table {
    inputs = List.copyOf(inputs);
    files = List.copyOf(files);
  }

  /** One of files. */
  public Table(
      String name,
      String file,
      Schema schema,
      String key,
      @Nullable String time,
      String on,
      List<TableFile> files) {
    this(name, null, List.of(file), schema, key, time, on, 0, false, files);
  }

  /** Name by which expressions read one of its fields. */
  public String column(String field) {
    return name + "." + field;
  }

  /** The files with its rows, in words. */
  public String file() {
    return String.join(", ", inputs);
  }

  /** Whether the time of its rows is that of their records. */
  public boolean ofRecordTime() {
    return topic != null && RECORD_TIME.equals(time);
  }

  /** The schema that records are written with: without the time that is not in them. */
  public Schema written() {
    return ofRecordTime() ? without(schema, RECORD_TIME) : schema;
  }

  private static Schema without(Schema schema, String name) {
    List<Schema.Field> fields =
        schema.getFields().stream()
            .filter(field -> !field.name().equals(name))
            .map(field -> new Schema.Field(field, field.schema()))
            .toList();
    return Schema.createRecord(
        schema.getName(), schema.getDoc(), schema.getNamespace(), schema.isError(), fields);
  }

  /**
   * The same with rows of other files.
   *
   * @param andTopic whether rows still come from the topic
   */
  public Table of(List<String> others, boolean andTopic) {
    return new Table(name, topic, others, schema, key, time, on, idleAfter, andTopic, List.of());
  }

  /** The same, held to its files as they were read. */
  public Table of(List<TableFile> read) {
    return new Table(name, topic, inputs, schema, key, time, on, idleAfter, streamed, read);
  }

  /**
   * The fields of events, then those of all tables by their qualified names; no row may match, so
   * the latter may be null.
   */
  static EventSchema joined(EventSchema events, List<Table> tables) {
    List<EventSchema.Field> fields = new ArrayList<>();
    for (Table table : tables) {
      for (EventSchema.Field field : new EventSchema(table.schema()).fields()) {
        fields.add(
            new EventSchema.Field(table.column(field.name()), field.type(), true, field.schema()));
      }
    }
    return events.plus(fields);
  }

  /**
   * A file of a reference table as it was read.
   *
   * @param sha256 of its bytes, hex
   */
  public record TableFile(String path, long rows, String sha256) implements Serializable {}
}
