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
import java.util.List;
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
      Path path = date.path(name);
      try (DataFileStream<GenericRecord> file =
          new DataFileStream<>(path.getFileSystem().open(path), new GenericDatumReader<>())) {
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
   * @param from rows of dates before that of this time are left out, epoch milliseconds
   * @param to rows of dates after that of this time are left out
   */
  public DataStream<FeatureRow> read(
      StreamExecutionEnvironment environment, PipelineDefinition pipeline, long from, long to)
      throws IOException {
    LocalDate least = date(from);
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
                  Instant.ofEpochMilli(from),
                  Instant.ofEpochMilli(to),
                  Instant.ofEpochMilli(first),
                  Instant.ofEpochMilli(last)));
    }
    return environment
        .fromSource(
            FileSource.forRecordStreamFormat(
                    new LogFormat<>(writer -> reader(pipeline), new FeatureRowTypeInfo()),
                    files.toArray(Path[]::new))
                .setFileEnumerator(() -> new NonSplittingRecursiveEnumerator(path -> true))
                .build(),
            WatermarkStrategy.noWatermarks(),
            "feature log")
        .uid("feature-log-source");
  }

  private static LocalDate date(long time) {
    return LocalDate.ofInstant(Instant.ofEpochMilli(time), ZoneOffset.UTC);
  }

  private static LogFormat.Record<FeatureRow> reader(PipelineDefinition pipeline) {
    FeatureLogCodec codec = new FeatureLogCodec(pipeline);
    return record -> {
      try {
        return codec.decode(record);
      } catch (UndecodableException e) {
        throw new IOException("feature log: " + e.getMessage(), e);
      }
    };
  }
}
