package io.pelton.feature.job;

import io.pelton.event.EventFile;
import io.pelton.event.EventFormatException;
import io.pelton.event.EventSchema;
import io.pelton.feature.FeaturePlan;
import io.pelton.feature.FeatureRow;
import io.pelton.feature.RejectedEventException;
import io.pelton.job.Incoming;
import io.pelton.job.IncomingTypeInfo;
import io.pelton.pipeline.PipelineDefinition;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.src.FileSourceSplit;
import org.apache.flink.connector.file.src.reader.BulkFormat;
import org.apache.flink.connector.file.src.util.CheckpointedPosition;
import org.apache.flink.connector.file.src.util.IteratorResultIterator;
import org.apache.flink.core.fs.Path;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@link EventFile}s. A record that cannot be read becomes a rejected one with its text; a
 * file that cannot be read fails the run with its name.
 */
final class EventFiles implements BulkFormat<Incoming, FileSourceSplit> {
  private static final long serialVersionUID = 1;
  private static final int BATCH = 2_048;

  /** Files carry no clock of their own to compare event times with. */
  private static final long LATEST = Instant.parse("2200-01-01T00:00:00Z").toEpochMilli();

  private final PipelineDefinition pipeline;
  private final boolean history;

  /**
   * @param history rows shall only fill the feature state
   */
  EventFiles(PipelineDefinition pipeline, boolean history) {
    this.pipeline = pipeline;
    this.history = history;
  }

  /**
   * Looks at a file's head as a run will.
   *
   * @throws IOException that names the file and what is wrong with it
   */
  static void check(Path path, PipelineDefinition pipeline) throws IOException {
    open(path, pipeline, new EventSchema(pipeline.events().schema())).close();
  }

  private static EventFile open(Path path, PipelineDefinition pipeline, EventSchema schema)
      throws IOException {
    return EventFile.open(
        path.toString(), path.getFileSystem().open(path), schema, pipeline.neededFields());
  }

  @Override
  public Reader<Incoming> createReader(Configuration config, FileSourceSplit split)
      throws IOException {
    return new SplitReader(split.path(), 0);
  }

  @Override
  public Reader<Incoming> restoreReader(Configuration config, FileSourceSplit split)
      throws IOException {
    return new SplitReader(
        split.path(),
        split.getReaderPosition().map(CheckpointedPosition::getRecordsAfterOffset).orElse(0L));
  }

  @Override
  public boolean isSplittable() {
    return false;
  }

  @Override
  public TypeInformation<Incoming> getProducedType() {
    return new IncomingTypeInfo();
  }

  private final class SplitReader implements Reader<Incoming> {
    private final Path path;
    private final FeaturePlan plan;
    private final EventFile file;

    /** Whether a row may yet become a dead letter, which tells its bytes. */
    private final boolean mayBeRefused;

    private long read;

    SplitReader(Path path, long skip) throws IOException {
      this.path = path;
      plan = new FeaturePlan(pipeline, TableFiles.load(pipeline));
      mayBeRefused =
          pipeline.events().duplicatesWithin() != null || !plan.streamedTables().isEmpty();
      file = open(path, pipeline, plan.schema());
      for (; read < skip; read++) {
        if (!next()) {
          file.close();
          throw new IOException(
              path + " has become shorter: " + skip + " records were read of it before");
        }
      }
    }

    @Override
    public @Nullable RecordIterator<Incoming> readBatch() throws IOException {
      List<Incoming> batch = new ArrayList<>(BATCH);
      while (batch.size() < BATCH && next()) {
        batch.add(record());
      }
      if (batch.isEmpty()) {
        return null;
      }
      long before = read;
      read += batch.size();
      return new IteratorResultIterator<>(batch.iterator(), CheckpointedPosition.NO_OFFSET, before);
    }

    private boolean next() throws IOException {
      try {
        return file.next();
      } catch (IOException | RuntimeException e) {
        throw new IOException(path + " cannot be read to its end: " + e.getMessage(), e);
      }
    }

    private Incoming record() {
      FeatureRow row = null;
      Incoming.Rejection rejection = null;
      try {
        row = plan.admit(file.fields(), LATEST);
        row.history = history;
      } catch (EventFormatException e) {
        rejection = EventDecoder.undecodable(String.valueOf(e.getMessage()));
      } catch (RejectedEventException e) {
        rejection = Incoming.Rejection.of(e);
      }
      return new Incoming(
          path.getName(),
          -1,
          file.number(),
          0,
          null,
          row == null || mayBeRefused ? file.raw() : null,
          row,
          rejection,
          plan.takeReplaced());
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }
}
