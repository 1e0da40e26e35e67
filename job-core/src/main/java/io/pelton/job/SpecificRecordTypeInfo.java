package io.pelton.job;

import org.apache.avro.specific.SpecificRecord;

/** Type of a stream of generated Avro records, serialized as Avro and never by Kryo. */
public final class SpecificRecordTypeInfo<T extends SpecificRecord> extends RowTypeInfo<T> {
  private static final long serialVersionUID = 1;

  public SpecificRecordTypeInfo(Class<T> type) {
    super(type, new SpecificRecordSerializer<>(type));
  }
}
