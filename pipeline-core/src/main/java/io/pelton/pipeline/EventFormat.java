package io.pelton.pipeline;

/** Encoding of events on the topic. */
public enum EventFormat {
  /** Avro single-object encoding; the writer's schema is found by fingerprint. */
  AVRO,
  /** One JSON object an event. */
  JSON
}
