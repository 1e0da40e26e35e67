package io.pelton.wire;

import java.io.Serializable;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/**
 * Where the schema that a record was written with is found. A store is a handle that travels inside
 * jobs: it is serializable and opens what it needs on first use.
 */
@FunctionalInterface
public interface SchemaStore extends Serializable {
  /**
   * @param fingerprint CRC-64-AVRO of the schema's parsing canonical form
   * @return null when the store has no such schema
   */
  @Nullable Schema find(long fingerprint);

  /** This store, and {@code next} for what it does not have. */
  default SchemaStore or(SchemaStore next) {
    return new EitherStore(this, next);
  }
}
