package io.pelton.wire;

import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;
import org.jspecify.annotations.Nullable;

/**
 * Avro single-object encoding: the marker {@code C3 01}, the CRC-64-AVRO fingerprint of the
 * writer's schema in little-endian order, then the record in Avro binary. Defined in the Avro
 * specification, "Single-object encoding".
 */
public final class SingleObject {
  /** Bytes before the record itself. */
  public static final int HEADER = 10;

  private static final byte MARKER_0 = (byte) 0xC3;
  private static final byte MARKER_1 = 0x01;

  private SingleObject() {}

  /** CRC-64-AVRO of the schema's parsing canonical form. */
  public static long fingerprint(Schema schema) {
    return SchemaNormalization.parsingFingerprint64(schema);
  }

  /** A fingerprint as people and topics write it: 16 hex digits, most significant first. */
  public static String hex(long fingerprint) {
    return HexFormat.of().toHexDigits(fingerprint);
  }

  /** The ten bytes that go before a record of this schema. */
  public static byte[] header(Schema schema) {
    return ByteBuffer.allocate(HEADER)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(MARKER_0)
        .put(MARKER_1)
        .putLong(fingerprint(schema))
        .array();
  }

  /**
   * Fingerprint of the schema that the record was written with.
   *
   * @throws UndecodableException when the bytes are not single-object encoded
   */
  public static long fingerprint(byte[] bytes) throws UndecodableException {
    if (bytes.length < HEADER || bytes[0] != MARKER_0 || bytes[1] != MARKER_1) {
      throw new UndecodableException(
          UndecodableException.UNDECODABLE,
          "value of "
              + bytes.length
              + " bytes starts with "
              + HexFormat.ofDelimiter(" ").formatHex(bytes, 0, Math.min(4, bytes.length))
              + "; Avro single-object encoding starts with c3 01 and an 8-byte fingerprint");
    }
    long fingerprint = 0;
    for (int i = HEADER - 1; i >= 2; i--) {
      fingerprint = fingerprint << 8 | (bytes[i] & 0xFF);
    }
    return fingerprint;
  }

  /**
   * The schema that the record was written with.
   *
   * @throws UndecodableException when the store does not have it
   */
  public static Schema writer(long fingerprint, SchemaStore store) throws UndecodableException {
    Schema schema = store.find(fingerprint);
    if (schema == null) {
      throw new UndecodableException(
          UndecodableException.UNKNOWN_SCHEMA,
          "no schema with fingerprint "
              + hex(fingerprint)
              + " in "
              + store
              + "; publish the writer's schema there");
    }
    return schema;
  }

  /** The bytes, unless the record has none: a tombstone is no record of any schema. */
  static byte[] present(byte @Nullable [] bytes) throws UndecodableException {
    if (bytes == null) {
      throw new UndecodableException(
          UndecodableException.UNDECODABLE,
          "value is null; expected an Avro single-object encoded record");
    }
    return bytes;
  }

  /** Growing buffer whose bytes are copied out once, so a codec writes each record in place. */
  static final class Buffer extends OutputStream {
    private byte[] bytes = new byte[512];
    private int length;

    void reset(byte[] header) {
      System.arraycopy(header, 0, bytes, 0, HEADER);
      length = HEADER;
    }

    byte[] copy() {
      return Arrays.copyOf(bytes, length);
    }

    @Override
    public void write(int b) {
      grow(1);
      bytes[length++] = (byte) b;
    }

    @Override
    public void write(byte[] source, int offset, int count) {
      grow(count);
      System.arraycopy(source, offset, bytes, length, count);
      length += count;
    }

    private void grow(int count) {
      if (length + count > bytes.length) {
        bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, length + count));
      }
    }
  }
}
