package io.pelton.job;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Texts in binary: how many characters follow, then a byte each, or two, with the number negative,
 * where one has no room in a byte. Any text is read as it was written.
 */
final class Texts {
  private static final int BYTE = 256;

  private Texts() {}

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
    target.write(text.getBytes(StandardCharsets.ISO_8859_1));
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
    byte[] bytes = new byte[length];
    source.readFully(bytes);
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }
}
