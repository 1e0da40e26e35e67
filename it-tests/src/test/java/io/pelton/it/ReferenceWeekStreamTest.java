package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.cli.embedded.EmbeddedFlink.State;
import io.pelton.cli.simulator.SimulatorSettings;
import io.pelton.cli.simulator.Transaction;
import io.pelton.cli.simulator.TransactionCsv;
import io.pelton.cli.simulator.TransactionSimulator;
import io.pelton.feature.FeatureRow;
import io.pelton.feature.job.EventSources;
import io.pelton.feature.job.FeatureTopology;
import io.pelton.it.OutcomeTopic.Outcome;
import io.pelton.job.JobEnvironment;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * Features of disordered events from a topic, by a job that is stopped, killed and rescaled on the
 * way, on heap and on RocksDB: those of a batch run to the bit, and the Handbook's.
 */
class ReferenceWeekStreamTest {
  @RegisterExtension static final KafkaFixture KAFKA = new KafkaFixture();

  private static final int PARTITIONS = 4;
  private static final long WEEK = Duration.ofDays(7).toMillis();

  /** One of so many terminals is enough where outcomes double the events. */
  private static final int TERMINALS = 16;

  private static final long BOUND = Duration.ofMinutes(10).toMillis();

  /** Rows that still wait for the watermark when a leg has taken what was sent. */
  private static final int WAITING = 400;

  private static final String EVENTS =
      """
      pipeline: NAME
      events:
        topic: NAME.events
        schema: transaction.avsc
        id: transaction_id
        time: event_time
        out-of-orderness: 10m
        idle-after: 10m   # a slow machine must not make a partition look idle
      """;

  private static final String HANDBOOK =
      EVENTS
          + """
          entities: {customer: customer_id, terminal: terminal_id}
          features:
            amount:               {value: "amount"}
            during_weekend:       {value: "time.getDayOfWeek('UTC') in [0, 6]"}
            during_night:         {value: "time.getHours('UTC') <= 6"}
            customer_tx_count:    {entity: customer, aggregate: count,        windows: [1d, 7d, 30d]}
            customer_mean_amount: {entity: customer, aggregate: mean(amount), windows: [1d, 7d, 30d]}
            terminal_tx_count:    {entity: terminal, aggregate: count,        windows: [1d, 7d, 30d], delay: 7d}
            terminal_risk:        {entity: terminal, aggregate: mean(fraud),  windows: [1d, 7d, 30d], delay: 7d, default: 0}
          """;

  private static final String RISK =
      EVENTS
          + """
          entities: {terminal: terminal_id}
          features:
            terminal_tx_count: {entity: terminal, source: outcomes, aggregate: count, windows: [1d, 7d, 30d]}
            terminal_risk: {entity: terminal, source: outcomes, aggregate: mean(label), windows: [1d, 7d, 30d], default: 0}
          outcomes: {topic: NAME.outcomes, id: transaction_id, time: reported_at, label: fraud, within: 8d}
          """;

  private static final String ALL_KINDS =
      EVENTS
          + """
          entities:
            customer: {key: customer_id, keep: 2d}
            terminal: terminal_id
            shop: {key: terminal_id, resolution: 5m}
          features:
            amount:    {value: "amount"}
            night:     {value: "time.getHours('UTC') <= 6"}
            count:     {entity: customer, aggregate: count, windows: [1h, 2d, last-3]}
            large:     {entity: customer, aggregate: count, where: "amount > 60.0", windows: [1d, last-5]}
            total:     {entity: customer, aggregate: sum(amount), windows: [6h, 1d], delay: 3h}
            before:    {entity: customer, aggregate: mean(amount), windows: [12h, 2d], exclude-current: true}
            spread:    {entity: customer, aggregate: stddev(amount), windows: [1d, last-4]}
            least:     {entity: customer, aggregate: min(amount), windows: [1d]}
            most:      {entity: terminal, aggregate: max(amount), windows: [2h, 1d], default: -1}
            variance:  {entity: terminal, aggregate: variance(amount), windows: [1d]}
            oldest:    {entity: terminal, aggregate: first(amount), windows: [12h]}
            newest:    {entity: terminal, aggregate: last(amount), windows: [12h], delay: 1h}
            nightly:   {entity: terminal, aggregate: share(amount > 50.0), windows: [1d]}
            customers: {entity: terminal, aggregate: distinct(customer_id), windows: [2h, 1d]}
            typical:   {entity: terminal, aggregate: "quantile(amount, 0.9)", windows: [2h, 3d]}
            ticks:     {entity: customer, aggregate: decayed-count(6h), windows: [2d]}
            fading:    {entity: customer, aggregate: "decayed-sum(amount, 6h)", windows: [2d]}
            faded:     {entity: customer, aggregate: "decayed-mean(amount, 1h)", windows: [1d]}
            gap:       {entity: customer, aggregate: time-since-last, where: "amount > 30.0", windows: [2d]}
            unlike:    {entity: customer, aggregate: z-score(amount), windows: [2d]}
            by_place:  {entity: customer, aggregate: mean(amount), by: terminal_id, cap: 3, windows: [2d]}
            places:    {entity: customer, aggregate: "top-k(string(terminal_id), 2)", windows: [1d]}
            unusual:   {value: "amount / before_2d", default: 1}
            here:      {value: "by_place_2d['1'] / total_1d", default: 0}
            shop_sum:  {entity: shop, aggregate: sum(amount), windows: [1h, 1d, 3d]}
            shop_most: {entity: shop, aggregate: max(amount), windows: [1d], delay: 1h}
            shop_late: {entity: shop, aggregate: stddev(amount), windows: [1d], exclude-current: true}
            shop_kinds: {entity: shop, aggregate: distinct(customer_id), windows: [1h, 3d]}
            shop_typical: {entity: shop, aggregate: "quantile(amount, 0.9)", windows: [1d], delay: 1h}
            shop_faded: {entity: shop, aggregate: "decayed-mean(amount, 6h)", windows: [2d]}
            shop_by:   {entity: shop, aggregate: max(amount), by: customer_id, cap: 3, windows: [1d]}
            shop_top:  {entity: shop, aggregate: "top-k(string(customer_id), 2)", windows: [3d]}
          """;

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path directory;

  @Test
  void theHandbooksWeekIsTheSameOnHeapAtOneOnRocksAtThreeAndAtTwo() throws Exception {
    HandbookWeek.assumeThere();
    List<Transaction> may = HandbookWeek.may();
    long from = HandbookWeek.FROM.toEpochMilli();
    List<Transaction> history = may.stream().filter(e -> e.eventTimeMillis() < from).toList();
    List<Transaction> live = may.subList(history.size(), may.size());
    Path before = directory.resolve("may.csv");
    TransactionCsv.write(history, before);
    CardPipeline pipeline = CardPipeline.of(directory, "handbook", HANDBOOK);
    Map<String, FeatureRow> batch =
        batch(pipeline, live, HandbookWeek.APRIL.toString(), before.toString());

    Map<String, FeatureRow> streamed = new HashMap<>();
    try (EventTopic topic = EventTopic.create(KAFKA.settings(), pipeline.definition(), PARTITIONS);
        FeatureLegs legs =
            new FeatureLegs(
                KAFKA.settings(),
                pipeline,
                directory.resolve("state"),
                "--history",
                HandbookWeek.APRIL.toString(),
                "--history",
                before.toString())) {
      Sender sender = new Sender(topic, live);
      // Killed while it reads history, too.
      legs.start(State.HEAP, 1);
      legs.awaitCheckpoint();
      legs.kill();
      legs.start(State.HEAP, 1);
      legs.awaitFeatures(sender.send(0.3) - WAITING);
      legs.stop();
      legs.start(State.ROCKSDB, 3);
      legs.awaitFeatures(sender.send(0.5) - WAITING);
      sender.send(0.7);
      legs.kill();
      legs.start(State.ROCKSDB, 2);
      sender.end();
      legs.awaitFeatures(live.size()).forEach(row -> once(streamed, row));
      legs.stop();
    }
    assertSame(streamed, batch, live);
    assertThat(streamed).hasSize(HandbookWeek.ROWS);
    HandbookWeek.check(streamed, pipeline.definition().featureNames());
  }

  @Test
  void theHandbooksRiskFromOutcomesIsTheSameOnRocksAtOneOnHeapAtTwoAndAtThree() throws Exception {
    HandbookWeek.assumeThere();
    List<Transaction> events = new ArrayList<>(HandbookWeek.april());
    events.addAll(HandbookWeek.may());
    events.removeIf(event -> event.terminalId() % TERMINALS != 0);
    List<Outcome> outcomes =
        events.stream()
            .map(
                event ->
                    new Outcome(
                        event.transactionId(),
                        event.eventTimeMillis() + WEEK,
                        event.fraud() ? 1 : 0))
            .toList();
    long from = HandbookWeek.FROM.toEpochMilli();
    List<Transaction> past = events.stream().filter(e -> e.eventTimeMillis() < from).toList();
    List<Outcome> known = outcomes.stream().filter(o -> o.time() < from).toList();
    List<Transaction> live = events.subList(past.size(), events.size());
    Path history = directory.resolve("history.csv");
    TransactionCsv.write(past, history);
    Path told = OutcomeTopic.csv(known, directory.resolve("told.csv"));
    CardPipeline pipeline = CardPipeline.of(directory, "risk", RISK);
    TransactionCsv.write(live, events());
    Path output = directory.resolve("features");
    Cli.succeed(
        "features",
        "--pipeline",
        pipeline.file(),
        "--input",
        history,
        "--input",
        events(),
        "--outcomes",
        OutcomeTopic.csv(outcomes, directory.resolve("outcomes.csv")),
        "--output",
        output);
    BatchRows batch =
        BatchRows.read(output.resolve("features.csv"), pipeline.definition().featureNames());

    Map<String, FeatureRow> streamed = new HashMap<>();
    try (EventTopic topic = EventTopic.create(KAFKA.settings(), pipeline.definition(), PARTITIONS);
        OutcomeTopic outcomeTopic =
            OutcomeTopic.create(KAFKA.settings(), pipeline.definition(), PARTITIONS);
        FeatureLegs legs =
            new FeatureLegs(
                KAFKA.settings(),
                pipeline,
                directory.resolve("state"),
                "--history",
                history.toString(),
                "--outcomes",
                told.toString())) {
      Sender sender = new Sender(topic, live);
      long[] time = {from, 0, 0, 0, HandbookWeek.TO.toEpochMilli()};
      for (int i = 1; i < 4; i++) {
        time[i] = live.get(live.size() * i / 4).eventTimeMillis();
      }
      outcomeTopic.send(between(outcomes, time[0], time[1]));
      legs.start(State.ROCKSDB, 1);
      legs.awaitFeatures(sender.send(0.25) - WAITING);
      legs.stop();
      outcomeTopic.send(between(outcomes, time[1], time[2]));
      legs.start(State.HEAP, 2);
      legs.awaitFeatures(sender.send(0.5) - WAITING);
      outcomeTopic.send(between(outcomes, time[2], time[3]));
      sender.send(0.75);
      legs.kill();
      outcomeTopic.send(between(outcomes, time[3], time[4]));
      outcomeTopic.close(HandbookWeek.TO.toEpochMilli() + WEEK);
      legs.start(State.HEAP, 3);
      sender.end();
      legs.awaitFeatures(live.size()).forEach(row -> once(streamed, row));
      legs.stop();
    }
    assertThat(streamed).hasSameSizeAs(live);
    streamed.forEach(
        (id, row) ->
            assertThat(row.values).as("event %s", id).containsExactly(batch.rows().get(id)));
    HandbookWeek.check(streamed, pipeline.definition().featureNames());
  }

  @Test
  void everyKindOfAggregateIsTheSameOnRocksAtTwoAtThreeAndOnHeapAtOne() throws Exception {
    Instant start = Instant.parse("2018-06-01T00:00:00Z");
    // Each customer at many terminals, so that maps have buckets to choose from.
    List<Transaction> events =
        new TransactionSimulator(new SimulatorSettings(7, 900, 20, start, 5, List.of()))
            .stream()
                .map(
                    event ->
                        new Transaction(
                            event.transactionId(),
                            event.eventTimeMillis(),
                            event.customerId(),
                            event.transactionId() * 7_919 % 20,
                            event.amount(),
                            event.fraud()))
                .toList();
    CardPipeline pipeline = CardPipeline.of(directory, "kinds", ALL_KINDS);
    Path log = directory.resolve("log");
    Map<String, FeatureRow> batch = batch(pipeline, events);

    Map<String, FeatureRow> streamed = new HashMap<>();
    try (EventTopic topic = EventTopic.create(KAFKA.settings(), pipeline.definition(), PARTITIONS);
        FeatureLegs legs =
            new FeatureLegs(
                KAFKA.settings(),
                pipeline,
                directory.resolve("state"),
                "--feature-log",
                log.toString())) {
      Sender sender = new Sender(topic, events);
      legs.start(State.ROCKSDB, 2);
      legs.awaitFeatures(sender.send(0.3) - WAITING);
      sender.send(0.5);
      legs.kill();
      legs.start(State.ROCKSDB, 3);
      legs.awaitFeatures(sender.send(0.6) - WAITING);
      sender.send(0.75);
      legs.stop();
      legs.start(State.HEAP, 1);
      legs.awaitFeatures(sender.send(0.85) - WAITING);
      sender.send(0.9);
      legs.kill();
      legs.start(State.HEAP, 3);
      sender.end();
      legs.awaitFeatures(events.size()).forEach(row -> once(streamed, row));
      legs.stop();
    }
    assertSame(streamed, batch, events);
    Cli parity =
        Cli.succeed("parity", "--pipeline", pipeline.file(), "--log", log, "--input", events());
    assertThat(parity.out())
        .containsPattern("places_1d +%,d +0 +0 +0 ".formatted(events.size()))
        .contains("what was served is what history gives");
    // Each feature tells events apart, or nothing was compared.
    List<String> names = pipeline.definition().featureNames();
    for (int i = 0; i < names.size(); i++) {
      int column = i;
      assertThat(
              batch.values().stream()
                  .mapToDouble(row -> row.values[column])
                  .distinct()
                  .limit(2)
                  .count())
          .as(names.get(column))
          .isEqualTo(2);
    }
    assertThat(batch.values().stream().mapToInt(row -> row.maps[0].size())).contains(1, 2, 3);
    assertThat(batch.values().stream().mapToInt(row -> row.maps[1].size())).contains(1, 2);
  }

  private static List<Outcome> between(List<Outcome> outcomes, long from, long until) {
    return outcomes.stream().filter(o -> o.time() >= from && o.time() < until).toList();
  }

  /** Sends shuffled events part by part. */
  private static final class Sender {
    private final EventTopic topic;
    private final List<Transaction> arrival;
    private int sent;

    Sender(EventTopic topic, List<Transaction> events) {
      this.topic = topic;
      arrival = EventTopic.shuffled(events, BOUND, 17);
    }

    /**
     * @param share of all events that are to have been sent
     * @return how many that are
     */
    int send(double share) throws Exception {
      int until = (int) Math.round(share * arrival.size());
      topic.scatter(arrival.subList(sent, until), until);
      sent = until;
      return sent;
    }

    /** Sends the rest, and what brings the watermark past it. */
    void end() throws Exception {
      send(1);
      long newest = arrival.stream().mapToLong(Transaction::eventTimeMillis).max().orElseThrow();
      topic.close(newest + BOUND + 60_000, 9_000_000);
    }
  }

  /** The features of the events by the batch topology, over files that are in no order. */
  private Map<String, FeatureRow> batch(
      CardPipeline pipeline, List<Transaction> events, String... history) throws Exception {
    TransactionCsv.write(EventTopic.shuffled(events, Duration.ofDays(9).toMillis(), 5), events());
    List<String> files = new ArrayList<>(List.of(history));
    files.add(events().toString());
    StreamExecutionEnvironment environment = JobEnvironment.batch(new Configuration());
    environment.setParallelism(2);
    long from = events.get(0).eventTimeMillis();
    Map<String, FeatureRow> rows = new HashMap<>();
    try (CloseableIterator<FeatureRow> all =
        FeatureTopology.build(
                EventSources.files(
                    environment,
                    pipeline.definition(),
                    EventSources.resolve(files, pipeline.definition())),
                pipeline.definition())
            .features()
            .filter(row -> row.time >= from)
            .executeAndCollect()) {
      all.forEachRemaining(row -> once(rows, row));
    }
    return rows;
  }

  private Path events() {
    return directory.resolve("events.csv");
  }

  private static void once(Map<String, FeatureRow> rows, FeatureRow row) {
    assertThat(rows.put(row.id, row)).as("event %s twice", row.id).isNull();
  }

  private static void assertSame(
      Map<String, FeatureRow> streamed, Map<String, FeatureRow> batch, List<Transaction> events) {
    assertThat(batch).hasSameSizeAs(events);
    assertThat(streamed.keySet()).isEqualTo(batch.keySet());
    streamed.forEach(
        (id, row) -> {
          FeatureRow expected = batch.get(id);
          if (!Arrays.equals(row.values, expected.values)
              || !Arrays.equals(row.maps, expected.maps)) {
            assertThat(row.values).as("event %s", id).containsExactly(expected.values);
            assertThat(row.maps).as("maps of event %s", id).containsExactly(expected.maps);
          }
        });
  }
}
