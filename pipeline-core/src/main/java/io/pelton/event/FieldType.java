package io.pelton.event;

/** Type of an event field as expressions see it, with the class that holds its values. */
public enum FieldType {
  /** {@link Boolean}. */
  BOOLEAN,
  /** {@link Long}. */
  INT,
  /** {@link Double}. */
  DOUBLE,
  /** {@link String}. */
  STRING,
  /** {@link Long}, epoch milliseconds. */
  TIMESTAMP,
  /** Anything else, as Avro's generic classes hold it. */
  OTHER
}
