package io.pelton.registry;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;

/**
 * A directory somewhere, so that the registry does not depend on where it lies. Paths are relative
 * to it and use {@code /}; parents are created when missing.
 */
public interface Storage {
  /** Where it lies, for messages. */
  String location();

  /** Names of the direct children, sorted; empty when the directory does not exist. */
  List<String> list(String directory) throws IOException;

  boolean exists(String path) throws IOException;

  /**
   * Bytes of a file.
   *
   * @throws java.io.FileNotFoundException or {@link java.nio.file.NoSuchFileException} when there
   *     is no such file
   */
  long size(String path) throws IOException;

  /**
   * @throws java.io.FileNotFoundException or {@link java.nio.file.NoSuchFileException} when there
   *     is no such file
   */
  InputStream read(String path) throws IOException;

  /** Writes a file, replacing one of that name; readers see the old or the new, never a part. */
  void write(String path, InputStream content) throws IOException;

  /**
   * Creates a file unless there is one of that name; of concurrent callers at most one gets true.
   */
  boolean createExclusively(String path, byte[] content) throws IOException;

  /** Deletes a file, or a directory with all it holds; does nothing when there is none. */
  void delete(String path) throws IOException;
}
