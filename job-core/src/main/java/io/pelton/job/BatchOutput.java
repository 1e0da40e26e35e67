package io.pelton.job;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.type.TypeFactory;
import com.fasterxml.jackson.databind.util.LRUMap;
import io.pelton.feature.FeatureRow;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.DeadLetter;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import org.apache.flink.api.common.eventtime.SerializableTimestampAssigner;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.FilterFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.core.fs.FileStatus;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.jspecify.annotations.Nullable;

/**
 * The files that a BATCH run leaves: {@code features.*} or {@code predictions.*}, {@code
 * dead-letters.*} and {@code manifest.json} in one directory, which appears whole or not at all.
 * Rows are in the order of (event time, id), and nothing in them depends on when or how parallel
 * the job ran; the same input gives the same bytes in CSV and Avro, in Parquet the same rows.
 *
 * <p>Streams are given before the job runs, then {@link #commit} when it has finished, or {@link
 * #abort} when it failed. Task managers and the client must see the same file system. On object
 * stores a rename is not atomic; there the manifest, which is written last, tells that all is
 * there.
 *
 * <p>Columns: event id (under the event's own field name), then the features in the pipeline's
 * order; for predictions event id, event time (under the event's own field name), {@code model},
 * {@code version}, {@code variant}, {@code fallback} where the pipeline has one, the outputs, then
 * the features in the model's input order. A missing value is empty in CSV and null elsewhere. CSV
 * has numbers in the shortest form that reads back as the same double, whole ones without a point,
 * and times in ISO 8601.
 */
public final class BatchOutput {
  /** File format, by the files' extension. */
  public enum Format {
    CSV,
    PARQUET,
    AVRO;

    String extension() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * A file that was written.
   *
   * @param rows without the header
   * @param first least event time, epoch milliseconds; null without rows and for dead letters
   * @param last greatest event time
   * @param sha256 of the file, hex
   */
  public record Written(
      String file,
      List<String> columns,
      long rows,
      @Nullable Long first,
      @Nullable Long last,
      String sha256) {}

  private static final String MANIFEST = "manifest.json";
  private static final String DEAD_LETTERS = "dead-letters";
  private static final int TYPES = 16;

  /** With types of its own: Jackson's shared cache would keep the class loader of an ended job. */
  static final ObjectMapper JSON =
      JsonMapper.builder()
          .typeFactory(TypeFactory.defaultInstance().withCache(new LRUMap<>(TYPES, TYPES)))
          .enable(SerializationFeature.INDENT_OUTPUT)
          .build();

  private final PipelineDefinition pipeline;
  private final Path directory;
  private final Path staging;
  private final Format format;
  private final @Nullable Long from;
  private final @Nullable Long to;
  private final boolean overwrite;
  private final List<String> files = new ArrayList<>();
  private final Map<String, Map<String, Object>> notes = new LinkedHashMap<>();

  private BatchOutput(
      PipelineDefinition pipeline,
      Path directory,
      Format format,
      @Nullable Long from,
      @Nullable Long to,
      boolean overwrite) {
    this.pipeline = pipeline;
    this.directory = directory;
    this.staging =
        new Path(
            directory.getParent(),
            ".staging-" + directory.getName() + "-" + UUID.randomUUID().toString().substring(0, 8));
    this.format = format;
    this.from = from;
    this.to = to;
    this.overwrite = overwrite;
  }

  /**
   * @param directory path or URI of a Flink file system
   * @param from rows before this event time (epoch ms) are left out; null: none
   * @param to rows at or after this event time (epoch ms) are left out; null: none
   * @param overwrite replace what the directory holds
   * @throws IOException when the directory is not empty and may not be replaced, or cannot be read
   */
  public static BatchOutput into(
      PipelineDefinition pipeline,
      String directory,
      Format format,
      @Nullable Long from,
      @Nullable Long to,
      boolean overwrite)
      throws IOException {
    if (from != null && to != null && from >= to) {
      throw new IllegalArgumentException(
          "time range ["
              + Instant.ofEpochMilli(from)
              + ", "
              + Instant.ofEpochMilli(to)
              + ") is empty; --from must be before --to");
    }
    Path given = new Path(directory);
    Path path = given.makeQualified(given.getFileSystem());
    if (path.getParent() == null) {
      throw new IOException(directory + ": is the root of its file system; name a directory in it");
    }
    if (!isFree(path)) {
      if (!overwrite) {
        throw new IOException(
            directory + ": is not an empty directory; name another, or give --overwrite");
      }
      if (!path.getFileSystem().exists(new Path(path, MANIFEST))) {
        throw new IOException(
            directory
                + ": holds no "
                + MANIFEST
                + ", so it is no result of an earlier run; --overwrite replaces only those: name"
                + " another directory");
      }
    }
    return new BatchOutput(pipeline, path, format, from, to, overwrite);
  }

  private static boolean isFree(Path path) throws IOException {
    FileSystem fs = path.getFileSystem();
    if (!fs.exists(path)) {
      return true;
    }
    if (!fs.getFileStatus(path).isDir()) {
      return false;
    }
    FileStatus[] entries = fs.listStatus(path);
    return entries == null || entries.length == 0;
  }

  /** Writes feature rows to {@code features.*}. */
  public void features(DataStream<FeatureRow> rows) {
    write("features", rows, new FeatureTable(pipeline, List.of()));
  }

  /**
   * Writes feature rows with a label to {@code training-set.*}.
   *
   * @param rows a value more than the pipeline has features: the label
   * @param label the label's column
   * @param about what the labels are, for the manifest
   */
  public void trainingSet(DataStream<FeatureRow> rows, String label, Map<String, Object> about) {
    notes.put("label", about);
    write("training-set", rows, new FeatureTable(pipeline, List.of(label)));
  }

  /**
   * Writes predictions to {@code predictions.*}.
   *
   * @param outputs output columns; one that a version does not give is missing in its rows
   */
  public void predictions(DataStream<ScoredRow> rows, List<String> outputs) {
    write("predictions", rows, new PredictionTable(pipeline, outputs));
  }

  /** Writes dead letters to {@code dead-letters.*}, whatever their time. */
  public void deadLetters(DataStream<DeadLetter> letters) {
    write(DEAD_LETTERS, letters, new DeadLetterTable());
  }

  private <T> void write(String name, DataStream<T> rows, Table<T> table) {
    String file = name + "." + format.extension();
    files.add(file);
    @Nullable Long least = from;
    @Nullable Long end = to;
    FilterFunction<T> range =
        row -> {
          Long time = table.time(row);
          return time == null || ((least == null || time >= least) && (end == null || time < end));
        };
    SerializableTimestampAssigner<T> order = (row, timestamp) -> table.order(row);
    // A keyed operator takes its input sorted by time in BATCH mode, by Flink's external sort.
    rows.filter(range)
        .name("range of " + name)
        .uid("batch-" + name + "-range")
        .assignTimestampsAndWatermarks(
            WatermarkStrategy.<T>noWatermarks().withTimestampAssigner(order))
        .name("order " + name)
        .uid("batch-" + name + "-order")
        // Flink sorts by eight bytes of key and time before it looks into rows.
        .keyBy(row -> (byte) 0, Types.BYTE)
        .transform(
            "write " + file,
            Types.VOID,
            new OrderedFileOperator<>(table, format, staging.toString(), file))
        .uid("batch-" + name + "-write")
        .setParallelism(1)
        .setMaxParallelism(1);
  }

  /**
   * Makes the directory appear. The job must have finished.
   *
   * @return what was written, in the order the streams were given
   * @throws IOException when a file is not there or the directory cannot be moved to its place
   */
  public List<Written> commit() throws IOException {
    FileSystem fs = staging.getFileSystem();
    List<Written> written = new ArrayList<>();
    for (String file : files) {
      Path stats = OrderedFileOperator.stats(staging, file);
      if (!fs.exists(stats)) {
        throw new IllegalStateException(
            new Path(staging, file) + " was not written; commit only after the job has finished");
      }
      try (InputStream in = fs.open(stats)) {
        written.add(JSON.readValue(in, Written.class));
      }
    }
    for (String file : files) {
      fs.delete(OrderedFileOperator.stats(staging, file), false);
    }
    try (OutputStream out =
        fs.create(new Path(staging, MANIFEST), FileSystem.WriteMode.OVERWRITE)) {
      out.write(manifest(written).getBytes(StandardCharsets.UTF_8));
    }
    moveIntoPlace(fs);
    return written;
  }

  private void moveIntoPlace(FileSystem fs) throws IOException {
    if (!overwrite && !isFree(directory)) {
      throw new IOException(
          directory
              + ": was filled while the job ran; the result is in "
              + staging
              + ": move it by hand, or delete it and run again with --overwrite");
    }
    Path old = new Path(directory.getParent(), staging.getName() + "-old");
    boolean replaces = fs.exists(directory);
    if (replaces && !fs.rename(directory, old)) {
      throw new IOException(directory + ": cannot be moved away; the result is in " + staging);
    }
    if (!fs.rename(staging, directory)) {
      if (replaces) {
        fs.rename(old, directory);
      }
      throw new IOException(
          staging + ": cannot be renamed to " + directory + "; the result is still there");
    }
    if (replaces) {
      fs.delete(old, true);
    }
  }

  private String manifest(List<Written> written) throws IOException {
    ObjectNode manifest = JSON.createObjectNode();
    manifest.put("pipeline", pipeline.name());
    manifest.put("format", format.extension());
    manifest.put("from", instant(from));
    manifest.put("to", instant(to));
    notes.forEach(manifest::putPOJO);
    if (!pipeline.tables().isEmpty()) {
      ObjectNode tables = manifest.putObject("tables");
      pipeline.tables().forEach(table -> tables.putPOJO(table.name(), table.files()));
    }
    ArrayNode entries = manifest.putArray("files");
    for (Written file : written) {
      ObjectNode entry = entries.addObject();
      entry.put("file", file.file());
      entry.put("rows", file.rows());
      entry.put("firstEventTime", instant(file.first()));
      entry.put("lastEventTime", instant(file.last()));
      entry.put("sha256", file.sha256());
      ArrayNode columns = entry.putArray("columns");
      file.columns().forEach(columns::add);
    }
    return JSON.writeValueAsString(manifest) + "\n";
  }

  private static @Nullable String instant(@Nullable Long millis) {
    return millis == null ? null : Instant.ofEpochMilli(millis).toString();
  }

  /**
   * Removes what a failed run has left; nothing has appeared at the directory.
   *
   * @throws IOException when the staging directory cannot be deleted
   */
  public void abort() throws IOException {
    FileSystem fs = staging.getFileSystem();
    if (fs.exists(staging)) {
      fs.delete(staging, true);
    }
  }
}
