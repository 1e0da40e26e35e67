package io.pelton.job;

import java.io.IOException;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/** Carried event fields in binary: a count, then a tag and a value each. */
final class CarriedFields {
  private static final byte NULL = 0;
  private static final byte FALSE = 1;
  private static final byte TRUE = 2;
  private static final byte LONG = 3;
  private static final byte DOUBLE = 4;
  private static final byte STRING = 5;

  private CarriedFields() {}

  static void write(@Nullable Object[] fields, DataOutputView target) throws IOException {
    target.writeInt(fields.length);
    for (Object field : fields) {
      if (field == null) {
        target.writeByte(NULL);
      } else if (field instanceof Boolean truth) {
        target.writeByte(truth ? TRUE : FALSE);
      } else if (field instanceof Long number) {
        target.writeByte(LONG);
        target.writeLong(number);
      } else if (field instanceof Double number) {
        target.writeByte(DOUBLE);
        target.writeDouble(number);
      } else if (field instanceof String text) {
        target.writeByte(STRING);
        Texts.write(text, target);
      } else {
        throw new IOException(
            "carried value %s is a %s; it must be null, Boolean, Long, Double or String"
                .formatted(field, field.getClass().getName()));
      }
    }
  }

  static @Nullable Object[] read(DataInputView source) throws IOException {
    @Nullable Object[] fields = new @Nullable Object[source.readInt()];
    for (int i = 0; i < fields.length; i++) {
      byte tag = source.readByte();
      fields[i] =
          switch (tag) {
            case NULL -> null;
            case FALSE -> Boolean.FALSE;
            case TRUE -> Boolean.TRUE;
            case LONG -> source.readLong();
            case DOUBLE -> source.readDouble();
            case STRING -> Texts.read(source);
            default -> throw new IOException("unknown tag " + tag + " of a carried field");
          };
    }
    return fields;
  }
}
