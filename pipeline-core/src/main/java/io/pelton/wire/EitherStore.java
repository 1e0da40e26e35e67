package io.pelton.wire;

import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/** A store, and another for what the first does not have. */
record EitherStore(SchemaStore first, SchemaStore second) implements SchemaStore {
  @Override
  public @Nullable Schema find(long fingerprint) {
    Schema found = first.find(fingerprint);
    return found != null ? found : second.find(fingerprint);
  }

  @Override
  public String toString() {
    return first + " or " + second;
  }
}
