package io.pelton.job;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.avro.Schema;
import org.apache.avro.file.DataFileStream;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.connector.file.src.enumerate.NonSplittingRecursiveEnumerator;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;

/**
 * Merges the many small files of a date of the feature log into one for each schema, its rows by
 * time and id, while jobs go on writing and readers reading.
 *
 * <pre>
 * 1  merge     job's files ──► _compacting-…/   nobody looks there
 * 2  place     ──► merged-000001-….avro         no manifest names it: nobody reads it
 * 3  commit    ──► _compaction-000001.json      created whole or not at all: from here on it counts
 * 4  clean     the files that it replaced are deleted
 * </pre>
 *
 * <p>A crash before the third step leaves the rows where they were, one after it where they are
 * now; the next run takes away what is left. Of two compactions at once one commits.
 */
public final class LogCompaction {

  /** Runs the job of a merge. */
  public interface Runner {
    void run(Job job) throws Exception;
  }

  /** A job for an environment in BATCH mode. */
  public interface Job {
    void define(StreamExecutionEnvironment environment) throws Exception;
  }

  /**
   * What became of one date.
   *
   * @param files that held its rows before
   * @param rows in all; 0 when nothing was merged
   * @param merged files that hold them now; 0 when nothing was merged
   * @param deleted files that an interrupted run had left
   */
  public record Compacted(LocalDate date, int files, long rows, int merged, int deleted) {}

  private LogCompaction() {}

  /**
   * Dates whose files are many, or were left by an interrupted run.
   *
   * @param log path or URI of a feature log
   * @param before dates from this one on are left alone; null for none
   */
  public static List<LocalDate> due(String log, @Nullable LocalDate before) throws IOException {
    List<LocalDate> due = new ArrayList<>();
    for (LogDate date : LogDate.list(log)) {
      LogDate.State state = date.state();
      boolean left = date.rowFiles().size() > state.visible().size();
      if ((before == null || date.date().isBefore(before))
          && !date.rowFiles().isEmpty()
          && (left || !state.compact())) {
        due.add(date.date());
      }
    }
    return due;
  }

  /**
   * Compacts one date.
   *
   * @throws FileNotFoundException when the log has no such date
   */
  public static Compacted compact(String log, LocalDate date, Runner runner) throws Exception {
    for (LogDate found : LogDate.list(log)) {
      if (found.date().equals(date)) {
        return compact(found, runner);
      }
    }
    throw new FileNotFoundException(log + ": has no rows of " + date);
  }

  static Compacted compact(LogDate date, Runner runner) throws Exception {
    LogDate.State state = date.state();
    if (state.compact()) {
      return new Compacted(date.date(), state.visible().size(), 0, 0, date.clean(List.of()));
    }
    List<String> orphans = date.uncommitted();
    LogDate.Manifest manifest = place(date, state, runner);
    if (!date.commit(state.number() + 1, manifest)) {
      discard(date, manifest);
      throw new IOException(
          date.directory() + ": another compaction has committed meanwhile; run again");
    }
    date.look().clean(orphans);
    return new Compacted(
        date.date(),
        state.visible().size(),
        manifest.files().stream().mapToLong(BatchOutput.Written::rows).sum(),
        manifest.files().size(),
        0);
  }

  /** Merges, and puts the merged files where a manifest may name them. */
  static LogDate.Manifest place(LogDate date, LogDate.State state, Runner runner) throws Exception {
    FileSystem files = date.directory().getFileSystem();
    String unique = UUID.randomUUID().toString().substring(0, 8);
    Path staging = date.path(LogDate.STAGING + unique);
    List<BatchOutput.Written> merged = new ArrayList<>();
    try {
      List<Group> groups = groups(date, state);
      runner.run(environment -> define(environment, groups, staging));
      for (int i = 0; i < groups.size(); i++) {
        Path stats = OrderedFileOperator.stats(staging, file(i));
        BatchOutput.Written written;
        try (InputStream in = files.open(stats)) {
          written = BatchOutput.JSON.readValue(in, BatchOutput.Written.class);
        }
        String name = LogDate.mergedName(state.number() + 1, unique + "-" + i);
        if (!files.rename(new Path(staging, file(i)), date.path(name))) {
          throw new IOException(staging + ": " + file(i) + " cannot be renamed to " + name);
        }
        merged.add(
            new BatchOutput.Written(
                name,
                written.columns(),
                written.rows(),
                written.first(),
                written.last(),
                written.sha256()));
      }
    } finally {
      if (files.exists(staging)) {
        files.delete(staging, true);
      }
    }
    // What an earlier compaction replaced and could not delete must not count again.
    return new LogDate.Manifest(merged, date.rowFiles());
  }

  private static void discard(LogDate date, LogDate.Manifest manifest) throws IOException {
    for (BatchOutput.Written file : manifest.files()) {
      date.directory().getFileSystem().delete(date.path(file.file()), false);
    }
  }

  /** Files of one schema. */
  private record Group(Schema schema, List<Path> files) {}

  private static List<Group> groups(LogDate date, LogDate.State state) throws IOException {
    Map<Schema, List<Path>> bySchema = new LinkedHashMap<>();
    for (String name : state.visible()) {
      Path path = date.path(name);
      try (DataFileStream<Object> file =
          new DataFileStream<>(path.getFileSystem().open(path), new GenericDatumReader<>())) {
        bySchema.computeIfAbsent(file.getSchema(), schema -> new ArrayList<>()).add(path);
      } catch (IOException e) {
        throw new IOException(path + ": is no file of a feature log: " + e.getMessage(), e);
      }
    }
    return bySchema.entrySet().stream()
        .map(entry -> new Group(entry.getKey(), entry.getValue()))
        .toList();
  }

  private static String file(int group) {
    return "rows-" + group + FeatureLog.SUFFIX;
  }

  /** A keyed operator takes its input sorted by time in BATCH mode, by Flink's external sort. */
  private static void define(
      StreamExecutionEnvironment environment, List<Group> groups, Path staging) {
    for (int i = 0; i < groups.size(); i++) {
      Group group = groups.get(i);
      environment
          .fromSource(
              FileSource.forRecordStreamFormat(
                      new LogFormat<>(LoggedRecord::reader, LoggedRecord.type()),
                      group.files().toArray(Path[]::new))
                  .setFileEnumerator(() -> new NonSplittingRecursiveEnumerator(path -> true))
                  .build(),
              WatermarkStrategy.<LoggedRecord>noWatermarks()
                  .withTimestampAssigner((row, timestamp) -> row.time),
              "logged rows")
          .uid("compaction-source-" + i)
          .keyBy(row -> 0, Types.INT)
          .transform(
              "write merged rows",
              Types.VOID,
              new OrderedFileOperator<>(
                  new LoggedRecord.Ordered(group.schema()),
                  BatchOutput.Format.AVRO,
                  staging.toString(),
                  file(i)))
          .uid("compaction-write-" + i)
          .setParallelism(1)
          .setMaxParallelism(1);
    }
  }
}
