package io.pelton.feature.job;

import io.pelton.job.InputFiles;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Table;
import io.pelton.pipeline.Table.TableFile;
import io.pelton.table.InvalidTableException;
import io.pelton.table.ReferenceTable;
import io.pelton.table.TableRows;
import java.io.IOException;
import java.lang.ref.SoftReference;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.core.fs.Path;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reference tables of files. They are read when a job is defined, so that it does not start with a
 * bad one, and again in each process that reads events, which takes only the same bytes: however
 * many processes there are and however often they start, a run sees one version of a table.
 */
public final class TableFiles {
  private static final Logger LOG = LoggerFactory.getLogger(TableFiles.class);

  /** Tables of files may take this part of the heap each; the rest is for state and events. */
  private static final int PART_OF_HEAP = 4;

  /** Subtasks of a process share what is the same; the digests of the files are part of the key. */
  private static final Map<Table, SoftReference<ReferenceTable>> LOADED = new HashMap<>();

  private TableFiles() {}

  /**
   * The pipeline with its tables' files found, read and held to their bytes; those that are stay.
   *
   * @throws InvalidTableException when a file is not there or holds what cannot be used
   */
  public static PipelineDefinition pinned(PipelineDefinition pipeline) {
    List<Table> tables = new ArrayList<>();
    boolean changed = false;
    for (Table table : pipeline.tables()) {
      boolean open = table.files().isEmpty() && !table.inputs().isEmpty();
      changed |= open;
      tables.add(open ? pinned(table) : table);
    }
    return changed ? pipeline.with(tables) : pipeline;
  }

  private static synchronized Table pinned(Table table) {
    TableRows rows = rows(table);
    Set<Path> files = new LinkedHashSet<>();
    for (String input : table.inputs()) {
      List<Path> found;
      try {
        found = InputFiles.expand(input);
      } catch (IOException e) {
        throw unreadable(table, e);
      }
      if (found.isEmpty()) {
        throw new InvalidTableException(
            "table " + table.name() + ": no file matches \"" + input + "\"");
      }
      files.addAll(found);
    }
    for (Path file : files) {
      read(table, file, rows);
    }
    ReferenceTable loaded = rows.table();
    Table pinned = table.of(rows.files());
    LOADED.put(pinned, new SoftReference<>(loaded));
    for (TableFile file : rows.files()) {
      LOG.info(
          "table {}: {} rows of {} (sha256 {})",
          table.name(),
          file.rows(),
          file.path(),
          file.sha256());
    }
    return pinned;
  }

  /**
   * The tables of a pipeline by name, as a reader of events needs them.
   *
   * @throws InvalidTableException when a file is no longer what it was when the job was defined
   */
  static Map<String, ReferenceTable> load(PipelineDefinition pipeline) {
    Map<String, ReferenceTable> tables = new LinkedHashMap<>();
    for (Table table : pinned(pipeline).tables()) {
      if (!table.files().isEmpty()) {
        tables.put(table.name(), load(table));
      }
    }
    return tables;
  }

  /** The rows of a table's files. */
  static synchronized ReferenceTable load(Table table) {
    SoftReference<ReferenceTable> known = LOADED.get(table);
    @Nullable ReferenceTable loaded = known == null ? null : known.get();
    if (loaded == null) {
      TableRows rows = rows(table);
      for (TableFile file : table.files()) {
        read(table, new Path(file.path()), rows);
        TableFile now = rows.files().get(rows.files().size() - 1);
        if (!now.sha256().equals(file.sha256())) {
          throw new InvalidTableException(
              "table %s: %s has changed since the job was defined (sha256 %s, was %s), and a run sees one version of a table; put the old file back, or define the job anew to take the new one"
                  .formatted(table.name(), file.path(), now.sha256(), file.sha256()));
        }
      }
      loaded = rows.table();
      LOADED.put(table, new SoftReference<>(loaded));
    }
    return loaded;
  }

  private static TableRows rows(Table table) {
    return new TableRows(table, Runtime.getRuntime().maxMemory() / PART_OF_HEAP);
  }

  private static void read(Table table, Path file, TableRows rows) {
    try {
      rows.read(file.toString(), file.getFileSystem().open(file));
    } catch (IOException e) {
      throw unreadable(table, e);
    }
  }

  private static InvalidTableException unreadable(Table table, IOException e) {
    InvalidTableException failure =
        new InvalidTableException("table " + table.name() + ": " + e.getMessage());
    failure.initCause(e);
    return failure;
  }
}
