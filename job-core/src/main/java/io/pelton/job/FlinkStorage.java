package io.pelton.job;

import io.pelton.registry.LocalStorage;
import io.pelton.registry.Storage;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.apache.flink.core.fs.FileStatus;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.FileSystem.WriteMode;
import org.apache.flink.core.fs.Path;

/**
 * A directory on any file system that Flink knows. How exclusive {@link #createExclusively} is, is
 * the file system's promise: HDFS keeps it; an object store may let two creators succeed.
 */
public final class FlinkStorage implements Storage {
  private final Path root;
  private final FileSystem files;

  FlinkStorage(Path root) throws IOException {
    this.root = root;
    this.files = root.getFileSystem();
  }

  /**
   * Opens a directory by its URI or path; one on this machine through {@code java.nio}, whose
   * writes and creations are atomic.
   */
  public static Storage open(String location) throws IOException {
    Path root = new Path(location);
    URI uri = root.toUri();
    if (uri.getScheme() == null || uri.getScheme().equals("file")) {
      return new LocalStorage(java.nio.file.Path.of(root.getPath()));
    }
    return new FlinkStorage(root);
  }

  @Override
  public String location() {
    return root.toString();
  }

  @Override
  public List<String> list(String directory) throws IOException {
    Path path = resolve(directory);
    if (!files.exists(path)) {
      return List.of();
    }
    FileStatus[] children = files.listStatus(path);
    return children == null
        ? List.of()
        : Arrays.stream(children).map(child -> child.getPath().getName()).sorted().toList();
  }

  @Override
  public boolean exists(String path) throws IOException {
    return files.exists(resolve(path));
  }

  @Override
  public long size(String path) throws IOException {
    return files.getFileStatus(resolve(path)).getLen();
  }

  @Override
  public InputStream read(String path) throws IOException {
    return files.open(resolve(path));
  }

  @Override
  public void write(String path, InputStream content) throws IOException {
    Path target = resolve(path);
    files.mkdirs(target.getParent());
    Path part = new Path(target.getParent(), ".part-" + UUID.randomUUID());
    try {
      try (OutputStream out = files.create(part, WriteMode.OVERWRITE)) {
        content.transferTo(out);
      }
      if (!rename(part, target)) {
        throw new IOException("cannot rename " + part + " to " + target);
      }
    } finally {
      if (files.exists(part)) {
        files.delete(part, false);
      }
    }
  }

  @Override
  public boolean createExclusively(String path, byte[] content) throws IOException {
    Path target = resolve(path);
    if (files.exists(target)) {
      return false;
    }
    files.mkdirs(target.getParent());
    try (OutputStream out = files.create(target, WriteMode.NO_OVERWRITE)) {
      out.write(content);
    } catch (IOException e) {
      if (files.exists(target)) {
        return false;
      }
      throw e;
    }
    return true;
  }

  @Override
  public void delete(String path) throws IOException {
    Path target = resolve(path);
    if (files.exists(target)) {
      files.delete(target, true);
    }
  }

  /** HDFS does not rename over a file, so for an instant there is none; the others replace it. */
  private boolean rename(Path part, Path target) throws IOException {
    try {
      if (files.rename(part, target)) {
        return true;
      }
    } catch (IOException e) {
      if (!files.exists(target)) {
        throw e;
      }
    }
    files.delete(target, false);
    return files.rename(part, target);
  }

  private Path resolve(String path) {
    if (Arrays.asList(path.split("/", -1)).contains("..")) {
      throw new IllegalArgumentException("path \"" + path + "\" leads out of " + root);
    }
    return path.isEmpty() ? root : new Path(root, path);
  }
}
