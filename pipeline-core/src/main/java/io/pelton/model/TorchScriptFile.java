package io.pelton.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * Tells TorchScript from what else is called {@code .pt}: of a pickled module, a state dict or a
 * directory the engine says little that helps.
 */
final class TorchScriptFile {
  private TorchScriptFile() {}

  /** Whether it is a zip that holds code, under one folder of any name. */
  static boolean is(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      return false;
    }
    try (ZipFile archive = new ZipFile(file.toFile())) {
      return archive.stream().anyMatch(entry -> entry.getName().matches("[^/]+/code/.+"));
    } catch (ZipException e) {
      return false;
    }
  }
}
