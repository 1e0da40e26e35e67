package io.pelton.it;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.cli.AllJobs;
import io.pelton.cli.embedded.EmbeddedFlink;
import io.pelton.cli.simulator.SimulatorSettings;
import io.pelton.cli.simulator.Transaction;
import io.pelton.cli.simulator.TransactionCsv;
import io.pelton.cli.simulator.TransactionSimulator;
import io.pelton.job.JobEnvironment;
import io.pelton.job.JobOptions;
import io.pelton.job.KafkaSchemaStore;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.schemas.DeadLetter;
import io.pelton.schemas.LateEvent;
import io.pelton.wire.SingleObject;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Records that cannot be used, among good ones: the job goes on, and each is in its place. */
class BadInputTest {
  @RegisterExtension static final KafkaFixture KAFKA = new KafkaFixture();

  private static final long START = Instant.parse("2018-06-01T12:00:00Z").toEpochMilli();
  private static final long YEAR_9999 = Instant.parse("9999-01-01T00:00:00Z").toEpochMilli();
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  @TempDir static Path directory;
  private static Path registry;

  /**
   * A record that cannot be used.
   *
   * @param detail part of what the dead letter must say
   */
  private record Bad(byte[] value, String stage, String reason, String detail) {}

  @BeforeAll
  static void train() throws Exception {
    List<Transaction> events =
        new TransactionSimulator(
                new SimulatorSettings(
                    1, 500, 100, Instant.parse("2018-05-01T00:00:00Z"), 2, List.of()))
            .stream().toList();
    Path csv = directory.resolve("training.csv");
    TransactionCsv.write(events, csv);
    CardPipeline training = CardPipeline.write(directory, "training");
    registry = directory.resolve("registry");
    Champion.publish(
        registry,
        training.definition(),
        BatchRows.features(training, directory.resolve("features"), csv),
        events.stream()
            .filter(Transaction::fraud)
            .map(event -> Long.toString(event.transactionId()))
            .collect(Collectors.toSet()));
  }

  @Test
  void badAvroRecordsBecomeDeadLettersAndGoodEventsAreScored() throws Exception {
    CardPipeline card = CardPipeline.write(directory, "bad-avro");
    try (EventTopic topic = EventTopic.create(KAFKA.settings(), card.definition(), 1)) {
      byte[] good = topic.encode(payment(1, START, 10));
      Schema unpublished =
          SchemaBuilder.record("Unpublished").fields().requiredLong("transaction_id").endRecord();
      Schema noTerminal =
          SchemaBuilder.record("NoTerminal")
              .fields()
              .requiredLong("transaction_id")
              .requiredLong("event_time")
              .requiredLong("customer_id")
              .endRecord();
      Schema anonymous =
          SchemaBuilder.record("Anonymous")
              .fields()
              .requiredLong("transaction_id")
              .requiredLong("event_time")
              .optionalLong("customer_id")
              .requiredLong("terminal_id")
              .requiredDouble("amount")
              .endRecord();
      Schema noAmount =
          SchemaBuilder.record("NoAmount")
              .fields()
              .requiredLong("transaction_id")
              .requiredLong("event_time")
              .requiredLong("customer_id")
              .requiredLong("terminal_id")
              .endRecord();
      new KafkaSchemaStore(KAFKA.settings(), card.definition().topic(Topic.SCHEMAS))
          .publish(List.of(noTerminal, anonymous, noAmount));
      List<Bad> bad =
          List.of(
              new Bad("not Avro at all".getBytes(UTF_8), "decode", "undecodable", "6e 6f 74 20"),
              new Bad(new byte[0], "decode", "undecodable", "0 bytes"),
              new Bad(null, "decode", "undecodable", "has no value"),
              new Bad(Arrays.copyOf(good, 15), "decode", "undecodable", "do not fit"),
              new Bad(Arrays.copyOf(good, good.length + 1), "decode", "undecodable", "left over"),
              new Bad(
                  encode(unpublished, Map.of("transaction_id", 900L)),
                  "decode",
                  "unknown-schema",
                  SingleObject.hex(SingleObject.fingerprint(unpublished))),
              new Bad(
                  encode(
                      noTerminal,
                      Map.of("transaction_id", 901L, "event_time", START, "customer_id", 1L)),
                  "decode",
                  "undecodable",
                  "lacks the field \"terminal_id\""),
              new Bad(
                  encode(
                      anonymous,
                      Map.of(
                          "transaction_id",
                          902L,
                          "event_time",
                          START,
                          "terminal_id",
                          1L,
                          "amount",
                          1.0)),
                  "validate",
                  "missing-key",
                  "\"customer_id\", the key of entity customer"),
              new Bad(
                  encode(
                      noAmount,
                      Map.of(
                          "transaction_id",
                          903L,
                          "event_time",
                          START,
                          "customer_id",
                          1L,
                          "terminal_id",
                          1L)),
                  "validate",
                  "rule",
                  "amount_not_negative"),
              new Bad(
                  topic.encode(payment(904, START, Double.NaN)),
                  "validate",
                  "rule",
                  "amount_not_negative"),
              new Bad(
                  topic.encode(payment(905, START, -0.01)),
                  "validate",
                  "rule",
                  "amount_not_negative is broken: amount >= 0.0"),
              new Bad(
                  topic.encode(payment(906, YEAR_9999, 1)),
                  "validate",
                  "far-future",
                  "9999-01-01"));
      goesOn(card, topic, bad);
    }
  }

  @Test
  void badJsonRecordsBecomeDeadLettersAndGoodEventsAreScored() throws Exception {
    CardPipeline card = CardPipeline.write(directory, "bad-json", "format: avro", "format: json");
    try (EventTopic topic = EventTopic.create(KAFKA.settings(), card.definition(), 1)) {
      String good = new String(topic.encode(payment(900, START, 10)), UTF_8);
      List<Bad> bad =
          List.of(
              json(good.substring(0, good.length() - 4), "decode", "undecodable", "not JSON"),
              json("", "decode", "undecodable", "not a JSON object"),
              json("[" + good + "]", "decode", "undecodable", "not a JSON object"),
              json(good + good, "decode", "undecodable", "left over"),
              json(good.replace("10.0", "\"ten\""), "decode", "undecodable", "\"amount\": \"ten\""),
              json(good.replace("2018-06-01", "yesterday"), "decode", "undecodable", "is no time"),
              json(good.replace("event_time", "time"), "validate", "missing-time", "event_time"),
              json(good.replace("terminal_id", "t"), "validate", "missing-key", "terminal_id"),
              json(good.replace("10.0", "-10.0"), "validate", "rule", "amount_not_negative"),
              json(good.replace("10.0", "null"), "validate", "rule", "amount_not_negative"),
              json(good.replace("2018-06-01", "9999-06-01"), "validate", "far-future", "9999"));
      goesOn(card, topic, bad);
    }
  }

  private static Bad json(String value, String stage, String reason, String detail) {
    return new Bad(value.getBytes(UTF_8), stage, reason, detail);
  }

  private static Transaction payment(long id, long time, double amount) {
    return new Transaction(id, time, id % 7, id % 3, amount, false);
  }

  private static byte[] encode(Schema schema, Map<String, Object> fields) throws Exception {
    GenericRecordBuilder record = new GenericRecordBuilder(schema);
    fields.forEach(record::set);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.write(SingleObject.header(schema));
    BinaryEncoder avro = EncoderFactory.get().binaryEncoder(bytes, null);
    new GenericDatumWriter<GenericRecord>(schema).write(record.build(), avro);
    avro.flush();
    return bytes.toByteArray();
  }

  private static void goesOn(CardPipeline card, EventTopic topic, List<Bad> bad) throws Exception {
    PipelineDefinition pipeline = card.definition();
    try (EmbeddedFlink flink =
        EmbeddedFlink.start(
            1,
            directory.resolve("flink-" + pipeline.name()),
            EmbeddedFlink.State.HEAP,
            new Configuration())) {
      JobOptions options =
          JobOptions.parse(
              "AllJobs",
              "--pipeline",
              card.file().toString(),
              "--brokers",
              KAFKA.brokers(),
              "--registry",
              registry.toString(),
              "--checkpoint-interval",
              "0.5");
      StreamExecutionEnvironment environment =
          flink.environment(JobEnvironment.settings(options.configuration()));
      JobClient job = environment.executeAsync(AllJobs.define(environment, options));

      List<String> good = new ArrayList<>();
      Map<Long, Bad> byOffset = new LinkedHashMap<>();
      long offset = 0;
      long time = START;
      for (Bad record : bad) {
        topic.send(0, record.value());
        byOffset.put(offset++, record);
        topic.send(0, topic.encode(payment(offset, time, 10)));
        good.add(Long.toString(offset++));
        time += 5_000;
      }
      // All of the above is before the watermark that this one brings.
      topic.send(0, topic.encode(payment(offset, time + 60_000, 10)));
      good.add(Long.toString(offset++));
      topic.flush();

      try (var predictions = CommittedTopic.predictions(KAFKA.settings(), pipeline);
          var lateTopic = CommittedTopic.late(KAFKA.settings(), pipeline);
          var deadTopic = CommittedTopic.deadLetters(KAFKA.settings(), pipeline)) {
        predictions.await(bad.size(), PATIENCE);
        byte[] late = topic.encode(payment(907, time + 60_000 - 10_001, 10));
        byte[] inTime = topic.encode(payment(908, time + 60_000 - 10_000, 10));
        topic.send(0, late);
        topic.send(0, inTime);
        good.add("908");
        topic.close(time + 120_000, 909);
        predictions.await(good.size(), PATIENCE);

        assertThat(job.getJobStatus().get()).isEqualTo(JobStatus.RUNNING);
        assertThat(predictions.read())
            .extracting(row -> row.id)
            .containsExactlyInAnyOrderElementsOf(good);
        List<LateEvent> lateEvents = lateTopic.await(1, PATIENCE);
        assertThat(lateEvents).hasSize(1);
        assertThat(lateEvents.get(0).getEventId()).isEqualTo("907");
        assertThat(lateEvents.get(0).getValue()).isEqualTo(ByteBuffer.wrap(late));
        assertThat(lateEvents.get(0).getOffset()).isEqualTo(offset);

        List<DeadLetter> dead = deadTopic.await(bad.size(), PATIENCE);
        assertThat(dead)
            .extracting(DeadLetter::getOffset)
            .containsExactlyInAnyOrderElementsOf(byOffset.keySet());
        for (DeadLetter letter : dead) {
          Bad record = byOffset.get(letter.getOffset());
          assertThat(letter.getReason()).as("%s", letter).isEqualTo(record.reason());
          assertThat(letter.getStage()).as("%s", letter).isEqualTo(record.stage());
          assertThat(letter.getDetail()).as("%s", letter).contains(record.detail());
          assertThat(letter.getSource()).isEqualTo(pipeline.topic(Topic.EVENTS));
          assertThat(letter.getPartition()).isZero();
          assertThat(letter.getValue())
              .isEqualTo(record.value() == null ? null : ByteBuffer.wrap(record.value()));
          assertThat(letter.getRule())
              .isEqualTo(record.reason().equals("rule") ? "amount_not_negative" : null);
        }
      }
      job.cancel().get();
    }
  }
}
