package io.pelton.job;

import io.pelton.feature.FeatureRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.wire.FeatureLogCodec;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import org.apache.flink.api.common.serialization.BulkWriter;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.core.fs.FSDataOutputStream;
import org.apache.flink.core.fs.Path;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.functions.sink.filesystem.BucketAssigner;
import org.apache.flink.streaming.api.functions.sink.filesystem.OutputFileConfig;
import org.apache.flink.streaming.api.functions.sink.filesystem.bucketassigners.SimpleVersionedStringSerializer;
import org.apache.flink.streaming.api.functions.sink.filesystem.rollingpolicies.CheckpointRollingPolicy;
import org.apache.flink.streaming.api.functions.sink.filesystem.rollingpolicies.OnCheckpointRollingPolicy;

/**
 * What was served, in files: one row an event, in directories by UTC event date ({@code
 * date=2018-05-08}), each row in one committed file.
 *
 * <p>Files are Avro containers: rows are appended as they come, so an open file costs a block of
 * memory, not a row group of columns as in Parquet, and many dates may be open at once; each file
 * carries its schema, so files of several versions of a pipeline lie side by side. A file is
 * committed, and gets a name that readers see, when the checkpoint that closed it completes.
 */
public final class FeatureLog {
  /** What file names of rows end in. */
  static final String SUFFIX = ".avro";

  /** What directories of one date begin with. */
  static final String DATE = "date=";

  private static final String UID = "feature-log-sink";

  private FeatureLog() {}

  /**
   * Logs the rows of a stream.
   *
   * @param directory path or URI of a Flink file system
   */
  public static void write(
      DataStream<FeatureRow> rows, PipelineDefinition pipeline, String directory)
      throws IOException {
    CheckpointRollingPolicy<FeatureRow, String> onCheckpoint = OnCheckpointRollingPolicy.build();
    rows.sinkTo(
            FileSink.forBulkFormat(qualified(directory), new Rows(pipeline))
                .withBucketAssigner(new ByDate())
                .withRollingPolicy(onCheckpoint)
                .withOutputFileConfig(new OutputFileConfig("features", SUFFIX))
                .build())
        .uid(UID)
        .name("feature log");
  }

  /** Task managers need not run in the directory that a relative path was meant in. */
  private static Path qualified(String directory) throws IOException {
    Path given = new Path(directory);
    return given.makeQualified(given.getFileSystem());
  }

  /** Name of the directory of an event time. */
  static String directory(long time) {
    return DATE + LocalDate.ofInstant(Instant.ofEpochMilli(time), ZoneOffset.UTC);
  }

  /**
   * The date of a directory.
   *
   * @throws IOException when it is none of a feature log's
   */
  static LocalDate date(Path directory) throws IOException {
    try {
      return LocalDate.parse(directory.getName().substring(DATE.length()));
    } catch (DateTimeException | IndexOutOfBoundsException e) {
      throw new IOException(
          directory + ": is no directory of a feature log; they are named date=2018-05-08", e);
    }
  }

  /** Opens files of rows. */
  private record Rows(PipelineDefinition pipeline) implements BulkWriter.Factory<FeatureRow> {
    @Override
    public BulkWriter<FeatureRow> create(FSDataOutputStream out) throws IOException {
      FeatureLogCodec codec = new FeatureLogCodec(pipeline);
      LogFileWriter file = new LogFileWriter(codec.schema(), out);
      return new BulkWriter<>() {
        @Override
        public void addElement(FeatureRow row) throws IOException {
          file.append(codec.encode(row));
        }

        @Override
        public void flush() throws IOException {
          file.flush();
        }

        @Override
        public void finish() throws IOException {
          file.flush();
        }
      };
    }
  }

  /** Rows of a UTC date belong together. */
  private static final class ByDate implements BucketAssigner<FeatureRow, String> {
    private static final long serialVersionUID = 1;

    @Override
    public String getBucketId(FeatureRow row, Context context) {
      return directory(row.time);
    }

    @Override
    public SimpleVersionedSerializer<String> getSerializer() {
      return SimpleVersionedStringSerializer.INSTANCE;
    }
  }
}
