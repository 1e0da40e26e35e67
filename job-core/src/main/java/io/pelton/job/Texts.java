package io.pelton.job;

import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Texts in binary: how many characters follow, then a byte each, or two, with the number negative,
 * where one has no room in a byte. Any text is read as it was written.
 */
final class Texts {
  private static final int BYTE = 256;

  private Texts() {}

  /** Bytes in an array, of which texts are made without a copy of them. */
  static final class Input extends DataInputDeserializer {
    private final byte[] bytes;
    private final int end;

    Input(byte[] bytes, int length) {
      super(bytes, 0, length);
      this.bytes = bytes;
      end = length;
    }

    private String text(int length) throws IOException {
      if (length > available()) {
        throw new EOFException("a text of " + length + " characters in " + available() + " bytes");
      }
      String text = new String(bytes, end - available(), length, StandardCharsets.ISO_8859_1);
      skipBytesToRead(length);
      return text;
    }
  }

  static void write(String text, DataOutputView target) throws IOException {
    int length = text.length();
    for (int i = 0; i < length; i++) {
      if (text.charAt(i) >= BYTE) {
        target.writeInt(-length);
        target.writeChars(text);
        return;
      }
    }
    target.writeInt(length);
    if (target instanceof DataOutputSerializer array
        && array.getSharedBuffer().length - array.length() >= length) {
      writeLowBytes(text, array);
    } else {
      target.write(text.getBytes(StandardCharsets.ISO_8859_1));
    }
  }

  @SuppressWarnings("deprecation") // the others make an array
  private static void writeLowBytes(String text, DataOutputSerializer target) throws IOException {
    int start = target.length();
    target.skipBytesToWrite(text.length());
    text.getBytes(0, text.length(), target.getSharedBuffer(), start);
  }

  static String read(DataInputView source) throws IOException {
    int length = source.readInt();
    if (length < 0) {
      char[] chars = new char[-length];
      for (int i = 0; i < chars.length; i++) {
        chars[i] = source.readChar();
      }
      return new String(chars);
    }
    if (source instanceof Input bytes) {
      return bytes.text(length);
    }
    byte[] bytes = new byte[length];
    source.readFully(bytes);
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }
}
