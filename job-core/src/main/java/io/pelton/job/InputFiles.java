package io.pelton.job;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.PathMatcher;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.apache.flink.core.fs.FileStatus;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;

/** Files that a command is given, on any Flink file system. */
public final class InputFiles {
  private InputFiles() {}

  /** The files that a path or glob names, a glob's by name; none when there are none. */
  public static List<Path> expand(String input) throws IOException {
    int slash = input.lastIndexOf('/');
    String name = input.substring(slash + 1);
    boolean glob = name.chars().anyMatch(c -> "*?[{".indexOf(c) >= 0);
    if (!glob) {
      Path path = local(input);
      FileSystem system = path.getFileSystem();
      if (!system.exists(path)) {
        return List.of();
      }
      return system.getFileStatus(path).isDir() ? list(path, "*") : List.of(path);
    }
    Path parent = local(slash < 0 ? "." : input.substring(0, Math.max(1, slash)));
    return parent.getFileSystem().exists(parent) ? list(parent, name) : List.of();
  }

  private static Path local(String path) {
    return path.contains("://")
        ? new Path(path)
        : new Path(java.nio.file.Path.of(path).toAbsolutePath().normalize().toUri());
  }

  private static List<Path> list(Path directory, String glob) throws IOException {
    PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + glob);
    FileStatus[] statuses = directory.getFileSystem().listStatus(directory);
    return statuses == null
        ? List.of()
        : Arrays.stream(statuses)
            .filter(status -> !status.isDir())
            .map(FileStatus::getPath)
            .filter(path -> !path.getName().startsWith(".") && !path.getName().startsWith("_"))
            .filter(path -> matcher.matches(java.nio.file.Path.of(path.getName())))
            .sorted(Comparator.comparing(Path::getName))
            .toList();
  }
}
