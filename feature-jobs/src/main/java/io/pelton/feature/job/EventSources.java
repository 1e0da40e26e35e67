package io.pelton.feature.job;

import io.pelton.feature.FeaturePlan;
import io.pelton.feature.TableJoin;
import io.pelton.job.Incoming;
import io.pelton.job.IncomingTypeInfo;
import io.pelton.job.InputFiles;
import io.pelton.job.OutcomeEvents;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Table;
import io.pelton.pipeline.Topic;
import io.pelton.wire.SchemaStore;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.connector.base.source.hybrid.HybridSource;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.connector.file.src.enumerate.NonSplittingRecursiveEnumerator;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;

/** Where events come from: the pipeline's topic, or files. */
public final class EventSources {
  private static final String SOURCE = "event-source";
  private static final String OUTCOME_SOURCE = "feature-outcome-source";

  private static final String TABLE_SOURCE = "feature-table-source-";
  private static final String TABLE_GATE = "feature-table-read-";

  private EventSources() {}

  /**
   * The pipeline's events topic, from the group's committed offsets on, or from the start.
   *
   * @param client settings of the Kafka client, the brokers and the group's id among them
   * @param schemas where writer schemas are found, beside the pipeline's own
   * @param history files, as {@link #resolve} gives them, that fill the feature state before the
   *     topic is read; none for the topic alone
   */
  public static DataStream<Incoming> kafka(
      StreamExecutionEnvironment environment,
      PipelineDefinition pipeline,
      Properties client,
      SchemaStore schemas,
      List<Path> history) {
    return kafka(environment, pipeline, client, schemas, history, "events", SOURCE);
  }

  /**
   * The pipeline's outcomes topic, for features that aggregate them, as {@link #kafka} reads the
   * events topic.
   *
   * @param history files, as {@link #resolveOutcomes} gives them, that are read before the topic
   */
  public static DataStream<Incoming> outcomes(
      StreamExecutionEnvironment environment,
      PipelineDefinition pipeline,
      Properties client,
      SchemaStore schemas,
      List<Path> history) {
    return kafka(
        environment,
        OutcomeEvents.of(pipeline),
        client,
        schemas,
        history,
        "outcomes",
        OUTCOME_SOURCE);
  }

  /**
   * The topics of reference tables that expressions read, each from its start, by table. One reader
   * a topic: it alone can tell when all of it was read.
   */
  public static Map<String, DataStream<Incoming>> tables(
      StreamExecutionEnvironment environment,
      PipelineDefinition pipeline,
      Properties client,
      SchemaStore schemas) {
    Map<String, DataStream<Incoming>> tables = new LinkedHashMap<>();
    Long outOfOrderness = pipeline.events().outOfOrderness();
    for (TableJoin join : new FeaturePlan(pipeline).streamedTables()) {
      Table table = join.table();
      String topic = Objects.requireNonNull(table.topic());
      KafkaSource<Incoming> source =
          KafkaSource.<Incoming>builder()
              .setProperties(client)
              .setTopics(topic)
              .setStartingOffsets(OffsetsInitializer.earliest())
              .setDeserializer(new KafkaTableRows(pipeline, table, schemas))
              .build();
      tables.put(
          table.name(),
          environment
              .fromSource(
                  source,
                  WatermarkStrategy.noWatermarks(),
                  "table " + table.name(),
                  new IncomingTypeInfo())
              .uid(TABLE_SOURCE + table.name())
              .setParallelism(1)
              .transform(
                  "read table " + table.name(),
                  new IncomingTypeInfo(),
                  new TableGate(
                      TopicEnds.kafka(client, topic),
                      outOfOrderness == null ? 0 : outOfOrderness,
                      table.idleAfter()))
              .uid(TABLE_GATE + table.name())
              .setParallelism(1));
    }
    return tables;
  }

  private static DataStream<Incoming> kafka(
      StreamExecutionEnvironment environment,
      PipelineDefinition pipeline,
      Properties client,
      SchemaStore schemas,
      List<Path> history,
      String name,
      String uid) {
    KafkaSource<Incoming> topic =
        KafkaSource.<Incoming>builder()
            .setProperties(client)
            .setTopics(pipeline.topic(Topic.EVENTS))
            .setStartingOffsets(OffsetsInitializer.committedOffsets(OffsetResetStrategy.EARLIEST))
            .setDeserializer(new KafkaEvents(TableFiles.pinned(pipeline), schemas))
            .build();
    Source<Incoming, ?, ?> source =
        history.isEmpty()
            ? topic
            : HybridSource.builder(files(pipeline, history, true)).addSource(topic).build();
    return environment
        .fromSource(source, EventWatermarks.strategy(pipeline), name, new IncomingTypeInfo())
        .uid(uid);
  }

  /**
   * Event files, each read once.
   *
   * @param files as {@link #resolve} gives them
   */
  public static DataStream<Incoming> files(
      StreamExecutionEnvironment environment, PipelineDefinition pipeline, List<Path> files) {
    return files(environment, pipeline, files, "event files", SOURCE);
  }

  /**
   * Outcome files, each read once, for features that aggregate them.
   *
   * @param files as {@link #resolveOutcomes} gives them
   */
  public static DataStream<Incoming> outcomeFiles(
      StreamExecutionEnvironment environment, PipelineDefinition pipeline, List<Path> files) {
    return files(environment, OutcomeEvents.of(pipeline), files, "outcome files", OUTCOME_SOURCE);
  }

  /**
   * Outcome files, each read once, to label by.
   *
   * @param outcomes as {@link OutcomeEvents} describe them
   * @param files as {@link #resolve} gives them
   */
  static DataStream<Incoming> outcomes(
      StreamExecutionEnvironment environment, PipelineDefinition outcomes, List<Path> files) {
    return files(environment, outcomes, files, "outcome files", "outcome-source");
  }

  private static DataStream<Incoming> files(
      StreamExecutionEnvironment environment,
      PipelineDefinition pipeline,
      List<Path> files,
      String name,
      String uid) {
    return environment
        .fromSource(files(pipeline, files, false), EventWatermarks.strategy(pipeline), name)
        .uid(uid);
  }

  private static FileSource<Incoming> files(
      PipelineDefinition pipeline, List<Path> files, boolean history) {
    return FileSource.forBulkFileFormat(
            new EventFiles(TableFiles.pinned(pipeline), history), files.toArray(Path[]::new))
        // Flink's own choice leaves files out whose names begin with a dot or underscore.
        .setFileEnumerator(() -> new NonSplittingRecursiveEnumerator(path -> true))
        .build();
  }

  /**
   * The files that paths and globs name ({@code *}, {@code ?}, {@code [..]}, {@code {a,b}} in the
   * last part), in the order given, each glob's by name, none twice. Their heads are looked at.
   *
   * @throws IOException when one names nothing, or a file is not readable as events
   */
  public static List<Path> resolve(List<String> inputs, PipelineDefinition pipeline)
      throws IOException {
    Set<Path> files = new LinkedHashSet<>();
    for (String input : inputs) {
      List<Path> found = InputFiles.expand(input);
      if (found.isEmpty()) {
        throw new IOException("no file matches \"" + input + "\"");
      }
      for (Path file : found) {
        EventFiles.check(file, pipeline);
      }
      files.addAll(found);
    }
    return List.copyOf(files);
  }

  /**
   * Outcome files, as {@link #resolve} finds event files.
   *
   * @throws IOException when one names nothing, or a file is not readable as outcomes
   * @throws IllegalArgumentException when the pipeline declares no outcomes
   */
  public static List<Path> resolveOutcomes(List<String> inputs, PipelineDefinition pipeline)
      throws IOException {
    return resolve(inputs, OutcomeEvents.of(pipeline));
  }
}
