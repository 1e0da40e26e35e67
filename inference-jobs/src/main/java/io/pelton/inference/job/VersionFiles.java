package io.pelton.inference.job;

import io.pelton.registry.ModelManifest;
import io.pelton.registry.ModelVersion;
import io.pelton.registry.Registry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.util.FileUtils;
import org.jspecify.annotations.Nullable;

/**
 * Local copies of model versions, one a TaskManager: its subtasks share them, and the last to leave
 * deletes them.
 */
final class VersionFiles {
  static final VersionFiles SHARED = new VersionFiles();

  private final Map<Key, Copy> copies = new HashMap<>();

  /**
   * The version's files, fetched and verified by the first who asks; the others wait for that.
   *
   * @param parent directory to put a copy in
   */
  synchronized Lease lease(Registry registry, ModelVersion version, Path parent)
      throws IOException {
    Key key = new Key(registry.location(), version);
    @Nullable Copy copy = copies.get(key);
    if (copy == null) {
      Files.createDirectories(parent);
      Path directory = Files.createTempDirectory(parent, "pelton-model-");
      try {
        copy = new Copy(directory, registry.fetch(version.model(), version.version(), directory));
      } catch (IOException | RuntimeException e) {
        FileUtils.deleteDirectory(directory.toFile());
        throw e;
      }
      copies.put(key, copy);
    }
    copy.users++;
    return new Lease(this, key, copy.directory, copy.manifest);
  }

  /** How many versions have local files. */
  synchronized int copies() {
    return copies.size();
  }

  private synchronized void release(Key key) {
    Copy copy = copies.get(key);
    if (copy != null && --copy.users == 0) {
      copies.remove(key);
      try {
        FileUtils.deleteDirectory(copy.directory.toFile());
      } catch (IOException e) {
        throw new UncheckedIOException("cannot delete the copy of " + key.version, e);
      }
    }
  }

  private record Key(String registry, ModelVersion version) {}

  private static final class Copy {
    private final Path directory;
    private final ModelManifest manifest;
    private int users;

    private Copy(Path directory, ModelManifest manifest) {
      this.directory = directory;
      this.manifest = manifest;
    }
  }

  /** A user's hold on a copy; to be closed once. */
  static final class Lease implements AutoCloseable {
    private final VersionFiles files;
    private final Key key;
    private final Path directory;
    private final ModelManifest manifest;

    private Lease(VersionFiles files, Key key, Path directory, ModelManifest manifest) {
      this.files = files;
      this.key = key;
      this.directory = directory;
      this.manifest = manifest;
    }

    Path directory() {
      return directory;
    }

    ModelManifest manifest() {
      return manifest;
    }

    @Override
    public void close() {
      files.release(key);
    }
  }
}
