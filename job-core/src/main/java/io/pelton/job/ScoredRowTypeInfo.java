package io.pelton.job;

import io.pelton.model.ScoredRow;
import org.apache.flink.api.common.serialization.SerializerConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;

/** Type of {@link ScoredRow} streams. */
public final class ScoredRowTypeInfo extends TypeInformation<ScoredRow> {
  private static final long serialVersionUID = 1L;

  public static final ScoredRowTypeInfo INSTANCE = new ScoredRowTypeInfo();

  private ScoredRowTypeInfo() {}

  @Override
  public boolean isBasicType() {
    return false;
  }

  @Override
  public boolean isTupleType() {
    return false;
  }

  @Override
  public int getArity() {
    return 1;
  }

  @Override
  public int getTotalFields() {
    return 1;
  }

  @Override
  public Class<ScoredRow> getTypeClass() {
    return ScoredRow.class;
  }

  @Override
  public boolean isKeyType() {
    return false;
  }

  @Override
  public TypeSerializer<ScoredRow> createSerializer(SerializerConfig config) {
    return new ScoredRowSerializer();
  }

  @Override
  public String toString() {
    return "ScoredRow";
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ScoredRowTypeInfo;
  }

  @Override
  public int hashCode() {
    return ScoredRowTypeInfo.class.hashCode();
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof ScoredRowTypeInfo;
  }
}
