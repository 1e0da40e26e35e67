package io.pelton.pipeline;

import java.io.Serializable;
import java.util.Map;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/**
 * The events of a pipeline, and what holds for them.
 *
 * @param schema an Avro record schema; it gives the fields' types for every format
 * @param id field with the event's id
 * @param time field with the event's time
 * @param outOfOrderness wait this long for earlier events; null: take events on arrival
 * @param maxAhead an event further than this after its Kafka timestamp is a dead letter
 * @param idleAfter a partition without events for this long no longer holds the watermark
 * @param rules by name
 * @param fields constraints by the field that they hold for; checked before the rules
 * @param late what becomes of events later than the bound, beside their going to the late topic
 * @param duplicatesWithin an event with the id of another is a dead letter when their times are no
 *     further apart; null: it is one event more
 */
public record Events(
    String topic,
    EventFormat format,
    Schema schema,
    String id,
    String time,
    @Nullable Long outOfOrderness,
    long maxAhead,
    long idleAfter,
    Map<String, Rule> rules,
    Map<String, FieldConstraint> fields,
    Late late,
    @Nullable Long duplicatesWithin)
    implements Serializable {
  /** Events of which late ones change nothing, and repeated ones are events more. */
  public Events(
      String topic,
      EventFormat format,
      Schema schema,
      String id,
      String time,
      @Nullable Long outOfOrderness,
      long maxAhead,
      long idleAfter,
      Map<String, Rule> rules,
      Map<String, FieldConstraint> fields) {
    this(
        topic,
        format,
        schema,
        id,
        time,
        outOfOrderness,
        maxAhead,
        idleAfter,
        rules,
        fields,
        Late.SIDE_OUTPUT,
        null);
  }
}
