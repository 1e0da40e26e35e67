package io.pelton.wire;

import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Conversion;
import org.apache.avro.Schema;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificRecordBase;

/**
 * Avro's model of Pelton's own records, for datum readers and deep copies. Avro makes only classes
 * that were declared as trusted to the whole JVM; this model trusts the package of its record,
 * where nested types live, and asks for no global setting, which another library in the cluster may
 * own.
 */
public final class RecordModel extends SpecificData {
  private final String trusted;

  private RecordModel(Class<? extends SpecificRecordBase> type) {
    super(type.getClassLoader());
    trusted = type.getPackageName();
    for (Conversion<?> conversion : SpecificData.getForClass(type).getConversions()) {
      addLogicalTypeConversion(conversion);
    }
  }

  /** The model for a record type and the types nested in it. */
  public static RecordModel of(Class<? extends SpecificRecordBase> type) {
    return new RecordModel(type);
  }

  @Override
  @SuppressWarnings("rawtypes")
  public Class getClass(Schema schema) {
    switch (schema.getType()) {
      case RECORD:
      case ENUM:
      case FIXED:
        if (trusted.equals(schema.getNamespace())) {
          try {
            return Class.forName(schema.getFullName(), true, getClassLoader());
          } catch (ClassNotFoundException e) {
            throw new AvroRuntimeException(e);
          }
        }
        return super.getClass(schema);
      default:
        return super.getClass(schema);
    }
  }
}
