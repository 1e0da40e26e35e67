package io.pelton.registry;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;

/** SHA-256 of files and of artifacts, in lower-case hex. */
public final class Sha256 {
  private Sha256() {}

  public static String of(byte[] content) {
    return HexFormat.of().formatHex(newDigest().digest(content));
  }

  public static String of(InputStream content) throws IOException {
    DigestInputStream digesting = new DigestInputStream(content, newDigest());
    digesting.transferTo(OutputStream.nullOutputStream());
    return hex(digesting);
  }

  /** Over the sorted lines {@code <digest> <path>}. */
  public static String ofArtifact(Map<String, String> digestsByPath) {
    StringBuilder lines = new StringBuilder();
    new TreeMap<>(digestsByPath)
        .forEach((path, digest) -> lines.append(digest).append("  ").append(path).append('\n'));
    return of(lines.toString().getBytes(UTF_8));
  }

  static DigestInputStream digesting(InputStream content) {
    return new DigestInputStream(content, newDigest());
  }

  static String hex(DigestInputStream read) {
    return HexFormat.of().formatHex(read.getMessageDigest().digest());
  }

  private static MessageDigest newDigest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
