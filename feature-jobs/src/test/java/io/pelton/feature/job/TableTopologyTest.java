package io.pelton.feature.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.feature.FeatureRow;
import io.pelton.job.Incoming;
import io.pelton.job.IncomingTypeInfo;
import io.pelton.job.JobEnvironment;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Events joined with tables of files, through the whole feature topology. */
class TableTopologyTest {
  @RegisterExtension
  static final MiniClusterExtension CLUSTER =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(1)
              .setNumberSlotsPerTaskManager(4)
              .build());

  private static final long START = 1_600_000_000_000L;
  private static final int EVENTS = 1_500;
  private static final int TERMINALS = 10;
  private static final List<String> COUNTRIES = List.of("FR", "DE", "IT");

  @TempDir Path directory;

  private PipelineDefinition pipeline;

  private record Event(int id, long time, int customer, int terminal, int amount) {
    String json() {
      return "{\"transaction_id\":%d,\"event_time\":%d,\"customer_id\":%d,\"terminal_id\":%d,\"amount\":%d,\"fraud\":0}"
          .formatted(id, time, customer, terminal, amount);
    }
  }

  private record Version(int terminal, long time, String country, int risk) {}

  @BeforeEach
  void writePipeline() throws Exception {
    Files.copy(
        Path.of("../examples/card-fraud/transaction.avsc"), directory.resolve("transaction.avsc"));
    Files.writeString(
        directory.resolve("terminal.avsc"),
        """
        {"type": "record", "name": "Terminal", "fields": [
          {"name": "terminal_id", "type": "long"},
          {"name": "valid_from", "type": {"type": "long", "logicalType": "timestamp-millis"}},
          {"name": "country", "type": "string"}, {"name": "risk_class", "type": "int"}]}
        """);
    pipeline =
        PipelineFile.read(
            Files.writeString(
                directory.resolve("pipeline.yaml"),
                """
                pipeline: test
                events:
                  topic: transactions
                  format: json
                  schema: transaction.avsc
                  id: transaction_id
                  time: event_time
                  out-of-orderness: 10s
                tables:
                  terminals: {file: terminals.csv, schema: terminal.avsc, key: terminal_id, time: valid_from}
                entities: {customer: customer_id}
                features:
                  risk_class: {value: terminals.risk_class, default: -1}
                  abroad: {entity: customer, aggregate: sum(amount), where: "terminals.country == 'DE' || terminals.country == 'IT'", windows: [2m]}
                  risk: {entity: customer, aggregate: max(terminals.risk_class), windows: [2m], default: -1}
                  share: {value: "abroad_2m / double(terminals.risk_class)", default: -1}
                """));
  }

  private static List<Event> events(long seed) {
    Random random = new Random(seed);
    List<Event> events = new ArrayList<>();
    long time = START;
    for (int i = 0; i < EVENTS; i++) {
      time += random.nextInt(2_000);
      events.add(
          new Event(i, time, random.nextInt(20), random.nextInt(TERMINALS), random.nextInt(100)));
    }
    return events;
  }

  private static List<Version> versions(long seed, long from, long to) {
    Random random = new Random(seed);
    List<Version> versions = new ArrayList<>();
    for (int terminal = 0; terminal < TERMINALS; terminal++) {
      long time = from + random.nextInt(100_000);
      while (time < to) {
        versions.add(
            new Version(terminal, time, COUNTRIES.get(random.nextInt(3)), 1 + random.nextInt(9)));
        time += 1 + random.nextInt(200_000);
      }
    }
    return versions;
  }

  private void write(List<Version> versions) throws Exception {
    StringBuilder text = new StringBuilder("country,terminal_id,valid_from,risk_class\n");
    versions.forEach(
        v ->
            text.append(
                "%s,%d,%s,%d\n"
                    .formatted(
                        v.country, v.terminal, java.time.Instant.ofEpochMilli(v.time), v.risk)));
    Files.writeString(directory.resolve("terminals.csv"), text);
  }

  private Map<String, List<Double>> run(
      StreamExecutionEnvironment environment, List<Event> events, int parallelism, long shuffle)
      throws Exception {
    environment.setParallelism(parallelism);
    EventDecoder decoder = new EventDecoder(pipeline, io.pelton.wire.StaticSchemaStore.of());
    List<Incoming> decoded = new ArrayList<>();
    for (Event event : events) {
      decoded.add(
          decoder.decode(
              "transactions",
              0,
              event.id,
              event.time,
              null,
              event.json().getBytes(StandardCharsets.UTF_8),
              Long.MAX_VALUE));
    }
    DataStream<Incoming> source =
        environment
            .fromData(TestEvents.shuffled(decoded, shuffle), new IncomingTypeInfo())
            .assignTimestampsAndWatermarks(EventWatermarks.strategy(pipeline));
    return collect(FeatureTopology.build(source, pipeline), environment);
  }

  private static Map<String, List<Double>> collect(
      FeatureOutputs outputs, StreamExecutionEnvironment environment) throws Exception {
    CloseableIterator<FeatureRow> features = outputs.features().collectAsync();
    environment.executeAsync("features").getJobExecutionResult();
    Map<String, List<Double>> rows = new TreeMap<>();
    features.forEachRemaining(
        row -> rows.put(row.id, java.util.Arrays.stream(row.values).boxed().toList()));
    return rows;
  }

  /** The row of a terminal at a time, by looking at all of them. */
  private static @Nullable Version at(List<Version> versions, int terminal, long time) {
    Version newest = null;
    for (Version version : versions) {
      if (version.terminal == terminal
          && version.time <= time
          && (newest == null || version.time > newest.time)) {
        newest = version;
      }
    }
    return newest;
  }

  private static Map<String, List<Double>> oracle(List<Event> events, List<Version> versions) {
    Map<String, List<Double>> rows = new TreeMap<>();
    for (Event event : events) {
      double abroad = 0;
      double risk = -1;
      for (Event other : events) {
        boolean seen =
            other.customer == event.customer
                && other.time > event.time - 120_000
                && (other.time < event.time || other.time == event.time && other.id <= event.id);
        Version row = at(versions, other.terminal, other.time);
        if (seen && row != null) {
          abroad += row.country.equals("FR") ? 0 : other.amount;
          risk = Math.max(risk, row.risk);
        }
      }
      Version own = at(versions, event.terminal, event.time);
      rows.put(
          Integer.toString(event.id),
          own == null
              ? List.of(-1.0, abroad, risk, -1.0)
              : List.of((double) own.risk, abroad, risk, abroad / own.risk));
    }
    return rows;
  }

  @Test
  void streamingAndBatchGiveWhatTheTableHeldAtEachEventsTime() throws Exception {
    List<Event> events = events(1);
    List<Version> versions = versions(2, START, START + 2_000L * EVENTS);
    write(versions);
    Map<String, List<Double>> expected = oracle(events, versions);
    assertThat(run(JobEnvironment.batch(new Configuration()), events, 2, 3)).isEqualTo(expected);
    for (int parallelism : List.of(1, 3)) {
      assertThat(
              run(
                  JobEnvironment.streaming(new Configuration()),
                  events,
                  parallelism,
                  4 + parallelism))
          .isEqualTo(expected);
    }
  }

  @Test
  void filesOfEventsAreJoinedAsTheyAreRead() throws Exception {
    List<Event> events = events(5);
    List<Version> versions = versions(6, START, START + 2_000L * EVENTS);
    write(versions);
    for (int part = 0; part < 3; part++) {
      int of = part;
      Files.write(
          directory.resolve("events-" + part + ".json"),
          events.stream().filter(event -> event.id % 3 == of).map(Event::json).toList());
    }
    StreamExecutionEnvironment environment = JobEnvironment.batch(new Configuration());
    environment.setParallelism(2);
    assertThat(
            collect(
                FeatureTopology.build(
                    EventSources.files(
                        environment,
                        pipeline,
                        EventSources.resolve(List.of(directory + "/events-*.json"), pipeline)),
                    pipeline),
                environment))
        .isEqualTo(oracle(events, versions));
  }

  @Test
  void whatTheTableLearnsLaterChangesNoEarlierFeature() throws Exception {
    List<Event> events = events(7);
    for (int seed = 10; seed < 13; seed++) {
      long now = events.get(new Random(seed).nextInt(EVENTS)).time;
      List<Version> past =
          versions(seed, START, START + 2_000L * EVENTS).stream()
              .filter(version -> version.time <= now)
              .toList();
      List<Version> other = new ArrayList<>(past);
      other.addAll(versions(seed + 100, now + 1, now + 1_000_000));
      List<Event> seen = events.stream().filter(event -> event.time <= now).toList();
      write(past);
      Map<String, List<Double>> expected =
          run(JobEnvironment.batch(new Configuration()), seen, 1, 1);
      write(other);
      Map<String, List<Double>> actual =
          run(JobEnvironment.batch(new Configuration()), events, 1, 1);
      assertThat(actual).containsAllEntriesOf(expected).hasSize(EVENTS);
    }
  }
}
