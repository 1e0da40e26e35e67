package io.pelton.job;

import io.pelton.feature.FeatureRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.wire.FeatureLogCodec;
import io.pelton.wire.UndecodableException;
import java.io.IOException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.avro.file.DataFileStream;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.connector.file.src.enumerate.NonSplittingRecursiveEnumerator;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The rows of a feature log, read as they are committed now.
 *
 * @param first event time of its first row, epoch milliseconds
 * @param last event time of its last row
 */
public record LoggedFeatures(List<LogDate> dates, long first, long last) {

  /**
   * Looks into a feature log.
   *
   * @param log path or URI of a Flink file system
   * @throws IOException when there is none, or it has no rows
   */
  public static LoggedFeatures open(String log) throws IOException {
    List<LogDate> dates = new ArrayList<>();
    for (LogDate date : LogDate.list(log)) {
      if (!date.state().visible().isEmpty()) {
        dates.add(date);
      }
    }
    if (dates.isEmpty()) {
      throw new IOException(
          log
              + ": has no committed rows; a job that runs with --feature-log or feature-log: commits"
              + " them with each checkpoint");
    }
    long first = Long.MAX_VALUE;
    for (long time : times(dates.get(0))) {
      first = Math.min(first, time);
    }
    long last = Long.MIN_VALUE;
    for (long time : times(dates.get(dates.size() - 1))) {
      last = Math.max(last, time);
    }
    return new LoggedFeatures(List.copyOf(dates), first, last);
  }

  /** The first and the last event time of each file. */
  private static List<Long> times(LogDate date) throws IOException {
    List<Long> times = new ArrayList<>();
    for (String name : date.state().visible()) {
      try (DataFileStream<GenericRecord> file = open(date.path(name))) {
        long first = Long.MAX_VALUE;
        long last = Long.MIN_VALUE;
        LogFormat.Record<LoggedRecord> records = LoggedRecord.reader(file.getSchema());
        while (file.hasNext()) {
          long time = records.read(file.next()).time;
          first = Math.min(first, time);
          last = Math.max(last, time);
        }
        times.add(first);
        times.add(last);
      }
    }
    return times;
  }

  /**
   * Rows of whole dates, in no order.
   *
   * @param seenFrom rows of dates before that of this time are left out, epoch milliseconds
   * @param from rows from this time on have to have all features of the pipeline; those before it
   *     and after {@code to} may be of a version of its file without some, which they then miss
   * @param to rows of dates after that of this time are left out
   * @throws IOException when there are none, or some that have to have a feature lack it
   */
  public DataStream<FeatureRow> read(
      StreamExecutionEnvironment environment,
      PipelineDefinition pipeline,
      long seenFrom,
      long from,
      long to)
      throws IOException {
    LocalDate least = date(seenFrom);
    LocalDate greatest = date(to);
    List<Path> files = new ArrayList<>();
    for (LogDate date : dates) {
      if (!date.date().isBefore(least) && !date.date().isAfter(greatest)) {
        date.state().visible().forEach(name -> files.add(date.path(name)));
      }
    }
    if (files.isEmpty()) {
      throw new IOException(
          "the feature log has no rows from %s to %s; it has from %s to %s"
              .formatted(
                  Instant.ofEpochMilli(seenFrom),
                  Instant.ofEpochMilli(to),
                  Instant.ofEpochMilli(first),
                  Instant.ofEpochMilli(last)));
    }
    checkFeatures(pipeline, files, from, to);
    return environment
        .fromSource(
            FileSource.forRecordStreamFormat(
                    new LogFormat<>(writer -> reader(pipeline, from, to), new FeatureRowTypeInfo()),
                    files.toArray(Path[]::new))
                .setFileEnumerator(() -> new NonSplittingRecursiveEnumerator(path -> true))
                .build(),
            WatermarkStrategy.noWatermarks(),
            "feature log")
        .uid("feature-log-source");
  }

  private static DataFileStream<GenericRecord> open(Path path) throws IOException {
    return new DataFileStream<>(path.getFileSystem().open(path), new GenericDatumReader<>());
  }

  private static LocalDate date(long time) {
    return LocalDate.ofInstant(Instant.ofEpochMilli(time), ZoneOffset.UTC);
  }

  /** Reads only files that lack a feature, each of them whole; of the others their schema. */
  private void checkFeatures(PipelineDefinition pipeline, List<Path> files, long from, long to)
      throws IOException {
    FeatureLogCodec codec = new FeatureLogCodec(pipeline);
    Set<String> missing = new LinkedHashSet<>();
    long rows = 0;
    long earliest = Long.MAX_VALUE;
    long latest = Long.MIN_VALUE;
    for (Path path : files) {
      try (DataFileStream<GenericRecord> file = open(path)) {
        List<String> lacks = codec.missing(file.getSchema());
        LogFormat.Record<LoggedRecord> records = LoggedRecord.reader(file.getSchema());
        while (!lacks.isEmpty() && file.hasNext()) {
          long time = records.read(file.next()).time;
          if (time >= from && time <= to) {
            missing.addAll(lacks);
            rows++;
            earliest = Math.min(earliest, time);
            latest = Math.max(latest, time);
          }
        }
      }
    }
    if (rows > 0) {
      String other = "compare them with that version's file";
      throw new IOException(
          "feature log: feature%s %s: %,d row%s of %s to %s, of another version of the pipeline file, do not have %s; %s"
              .formatted(
                  missing.size() == 1 ? "" : "s",
                  String.join(", ", missing),
                  rows,
                  rows == 1 ? "" : "s",
                  Instant.ofEpochMilli(earliest),
                  Instant.ofEpochMilli(latest),
                  missing.size() == 1 ? "it" : "them",
                  latest < Math.min(to, last)
                      ? "give --from %s for the rows after them, or %s"
                          .formatted(Instant.ofEpochMilli(latest + 1), other)
                      : other));
    }
  }

  private static LogFormat.Record<FeatureRow> reader(
      PipelineDefinition pipeline, long from, long to) {
    FeatureLogCodec codec = new FeatureLogCodec(pipeline);
    return record -> {
      try {
        return record.get("eventTime") instanceof Long time && (time < from || time > to)
            ? codec.decodeWhatItHas(record)
            : codec.decode(record);
      } catch (UndecodableException e) {
        throw new IOException("feature log: " + e.getMessage(), e);
      }
    };
  }
}
