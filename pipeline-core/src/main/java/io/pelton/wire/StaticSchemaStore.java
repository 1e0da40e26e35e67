package io.pelton.wire;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/** Schemas known beforehand. */
public final class StaticSchemaStore implements SchemaStore {
  private static final long serialVersionUID = 1;

  private final HashMap<Long, Schema> schemas = new HashMap<>();

  public StaticSchemaStore(Collection<Schema> schemas) {
    for (Schema schema : schemas) {
      this.schemas.put(SingleObject.fingerprint(schema), schema);
    }
  }

  public static StaticSchemaStore of(Schema... schemas) {
    return new StaticSchemaStore(List.of(schemas));
  }

  @Override
  public @Nullable Schema find(long fingerprint) {
    return schemas.get(fingerprint);
  }

  @Override
  public String toString() {
    return "schemas "
        + schemas.entrySet().stream()
            .sorted(Map.Entry.comparingByKey())
            .map(entry -> entry.getValue().getFullName() + "@" + SingleObject.hex(entry.getKey()))
            .toList();
  }
}
