package io.pelton.job;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.pelton.registry.Storage;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.NoSuchFileException;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeMap;
import org.apache.flink.core.fs.FileStatus;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;
import org.jspecify.annotations.Nullable;

/**
 * The directory of one date of a feature log, and which of its files hold its rows now.
 *
 * <p>A job adds files; a compaction merges them: it writes {@code merged-*} files, then commits by
 * creating a manifest that names them and all files that they replace, then deletes those. So the
 * rows are, at any moment, in the merged files that the manifest of the highest number names, and
 * in the job's files that it does not replace. A merged file that it does not name is left by a
 * compaction that did not get to its commit.
 */
record LogDate(LocalDate date, Path directory, List<String> names) {
  /** What directories of merges under way begin with. */
  static final String STAGING = "_compacting-";

  private static final String MERGED = "merged-";
  private static final String MANIFEST = "_compaction-";
  private static final int TRIES = 5;

  /**
   * Commits a compaction.
   *
   * @param files that hold the rows now
   * @param replaces files whose rows they hold
   */
  record Manifest(List<BatchOutput.Written> files, List<String> replaces) {}

  /**
   * What a look at the directory found.
   *
   * @param number of the newest manifest, readable or not; 0 without any
   * @param manifest the newest that can be read
   * @param visible names of the files that hold the rows
   */
  record State(int number, @Nullable Manifest manifest, List<String> visible) {
    /** Whether the rows are merged already. */
    boolean compact() {
      return manifest != null
          && Set.copyOf(visible)
              .equals(
                  Set.copyOf(manifest.files().stream().map(BatchOutput.Written::file).toList()));
    }
  }

  /**
   * The dates of a log in order.
   *
   * @throws IOException when the directory is not there or cannot be read
   */
  static List<LogDate> list(String log) throws IOException {
    Path root = new Path(log);
    FileSystem files = root.getFileSystem();
    if (!files.exists(root) || !files.getFileStatus(root).isDir()) {
      throw new FileNotFoundException(
          log + ": there is no such directory; name the one that feature-log: names");
    }
    TreeMap<LocalDate, LogDate> dates = new TreeMap<>();
    for (Path child : children(files, root)) {
      if (child.getName().startsWith(FeatureLog.DATE)) {
        LocalDate date = FeatureLog.date(child);
        dates.put(date, new LogDate(date, child, List.of()).look());
      }
    }
    return List.copyOf(dates.values());
  }

  private static List<Path> children(FileSystem files, Path directory) throws IOException {
    FileStatus[] statuses = files.listStatus(directory);
    List<Path> children = new ArrayList<>();
    if (statuses != null) {
      for (FileStatus status : statuses) {
        children.add(status.getPath());
      }
    }
    return children;
  }

  /** The same directory as it is now. */
  LogDate look() throws IOException {
    List<String> found = new ArrayList<>();
    for (Path child : children(directory.getFileSystem(), directory)) {
      // A job's pending files begin with a dot.
      if (!child.getName().startsWith(".")) {
        found.add(child.getName());
      }
    }
    found.sort(null);
    return new LogDate(date, directory, found);
  }

  Path path(String name) {
    return new Path(directory, name);
  }

  static String mergedName(int number, String unique) {
    return "%s%06d-%s%s".formatted(MERGED, number, unique, FeatureLog.SUFFIX);
  }

  private static String manifestName(int number) {
    return String.format(Locale.ROOT, "%s%06d.json", MANIFEST, number);
  }

  /** All files of rows that were there, those that count and those that do not. */
  List<String> rowFiles() {
    return names.stream().filter(name -> name.endsWith(FeatureLog.SUFFIX)).toList();
  }

  /** Names of the manifests, the newest last. */
  private List<String> manifests() {
    return names.stream()
        .filter(name -> name.startsWith(MANIFEST) && name.endsWith(".json"))
        .toList();
  }

  private static int number(String manifest) {
    return Integer.parseInt(
        manifest.substring(MANIFEST.length(), manifest.length() - ".json".length()));
  }

  /**
   * Which files hold the rows.
   *
   * @throws IOException when that cannot be told, or a file that should be there is not
   */
  State state() throws IOException {
    LogDate now = this;
    for (int tries = 1; ; tries++) {
      try {
        return now.read();
      } catch (FileNotFoundException | NoSuchFileException e) {
        // A compaction that has just committed deletes what it replaced, older manifests too.
        if (tries == TRIES) {
          throw new IOException(directory + ": files vanish while they are read: " + e, e);
        }
        now = look();
      }
    }
  }

  private State read() throws IOException {
    List<String> manifests = manifests();
    Manifest manifest = null;
    for (int i = manifests.size() - 1; i >= 0 && manifest == null; i--) {
      manifest = manifest(manifests.get(i));
    }
    int number = manifests.isEmpty() ? 0 : number(manifests.get(manifests.size() - 1));
    Set<String> visible = new LinkedHashSet<>(rowFiles());
    visible.removeIf(name -> name.startsWith(MERGED));
    if (manifest == null) {
      if (visible.isEmpty() && !rowFiles().isEmpty()) {
        throw new IOException(
            directory
                + ": holds merged files only, and no manifest that can be read says which count;"
                + " bring "
                + manifestName(Math.max(number, 1))
                + " back from a copy");
      }
      return new State(number, null, List.copyOf(visible));
    }
    visible.removeAll(manifest.replaces());
    for (BatchOutput.Written file : manifest.files()) {
      if (!names.contains(file.file())) {
        throw new FileNotFoundException(
            path(file.file()) + ": the manifest names it, but it is not there");
      }
      visible.add(file.file());
    }
    return new State(number, manifest, List.copyOf(visible));
  }

  /** Null when a crash left it in part: then it commits nothing. */
  private @Nullable Manifest manifest(String name) throws IOException {
    try (InputStream in = directory.getFileSystem().open(path(name))) {
      return BatchOutput.JSON.readValue(in, Manifest.class);
    } catch (JsonProcessingException e) {
      return null;
    }
  }

  /**
   * Commits merged files; from then on they hold the rows.
   *
   * @return false when another compaction has committed meanwhile
   */
  boolean commit(int number, Manifest manifest) throws IOException {
    Storage storage = FlinkStorage.open(directory.toString());
    return storage.createExclusively(
        manifestName(number), BatchOutput.JSON.writeValueAsBytes(manifest));
  }

  /** What a compaction has left, or is about to commit. */
  List<String> uncommitted() throws IOException {
    Set<String> found = new LinkedHashSet<>(names);
    found.removeIf(name -> !name.startsWith(MERGED) && !name.startsWith(STAGING));
    found.removeAll(state().visible());
    return List.copyOf(found);
  }

  /**
   * Deletes what the newest manifest has replaced.
   *
   * @param orphans uncommitted files that go too: those found before a commit, which their owner
   *     can no longer commit after it
   * @return how many files
   */
  int clean(List<String> orphans) throws IOException {
    State state = state();
    Manifest manifest = state.manifest();
    if (manifest == null) {
      return 0;
    }
    FileSystem files = directory.getFileSystem();
    int deleted = 0;
    for (String name : names) {
      boolean gone = manifest.replaces().contains(name) || orphans.contains(name);
      if (gone && !state.visible().contains(name)) {
        files.delete(path(name), true);
        deleted++;
      }
    }
    for (String name : manifests()) {
      if (number(name) < state.number()) {
        files.delete(path(name), false);
      }
    }
    return deleted;
  }
}
