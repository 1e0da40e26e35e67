package io.pelton.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.cli.embedded.EmbeddedKafka;
import io.pelton.feature.FeatureRow;
import io.pelton.job.KafkaSchemaStore;
import io.pelton.job.KafkaSettings;
import io.pelton.job.PredictionSchemas;
import io.pelton.job.Topics;
import io.pelton.model.FeatureDigest;
import io.pelton.model.ScoredRow;
import io.pelton.model.ServedVersion;
import io.pelton.model.TinyModels;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.pipeline.Topic;
import io.pelton.registry.LocalStorage;
import io.pelton.registry.Registry;
import io.pelton.wire.FeatureVectorCodec;
import io.pelton.wire.PredictionCodec;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PredictionCommandTest {
  private static final double[] WEIGHTS = {0.5, -1.25};
  private static final double BIAS = 0.1;

  /** In the model's order; the pipeline's is the other. */
  private static final List<String> FEATURES = List.of("amount", "risk");

  @TempDir static Path directory;
  private static EmbeddedKafka broker;
  private static KafkaSettings kafka;
  private static PipelineDefinition pipeline;
  private static String artifact;

  private String out = "";
  private String err = "";

  @BeforeAll
  static void scoreEvents() throws Exception {
    broker = EmbeddedKafka.start(directory.resolve("kafka"));
    kafka = KafkaSettings.of(broker.bootstrapServers());
    Files.writeString(
        directory.resolve("payment.avsc"),
        """
        {"type": "record", "name": "Payment", "fields": [
          {"name": "id", "type": "string"},
          {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
          {"name": "customer", "type": "string"},
          {"name": "amount", "type": "double"}]}
        """);
    pipeline =
        PipelineFile.read(
            Files.writeString(
                directory.resolve("pipeline.yaml"),
                """
                pipeline: payments
                events: {topic: payments, schema: payment.avsc, id: id, time: at}
                entities: {customer: customer}
                features: {risk: {value: amount}, amount: {value: amount}}
                model: {name: fraud}
                registry: registry
                """));
    Registry registry = new Registry(new LocalStorage(directory.resolve("registry")));
    registry.publish(
        TinyModels.onnxVersion("fraud", directory.resolve("fraud.onnx"), FEATURES, WEIGHTS, BIAS));
    artifact = registry.manifest("fraud", 1).artifactDigest();
    Topics.ensure(
        kafka,
        Topics.of(pipeline, List.of(Topic.FEATURES, Topic.PREDICTIONS, Topic.SCHEMAS), 2),
        true,
        Topics.TIMEOUT);

    double score = TinyModels.probability(WEIGHTS, BIAS, 0.25, 2);
    predict("equal", artifact, 0.25, 2, score);
    serve("equal", 0.25, 2);
    predict("twice", artifact, 0.25, 2, score);
    predict("twice", artifact, 0.25, 2, score);
    predict("other row", artifact, 0.25, 2, score);
    serve("other row", 0.25, 3);
    predict("other score", artifact, 0.25, 2, score + 1e-3);
    predict("other model", "b0a1", 0.25, 2, score);
  }

  @AfterAll
  static void stop() throws Exception {
    broker.close();
  }

  private static void predict(String id, String digest, double amount, double risk, double score)
      throws Exception {
    ServedVersion served =
        new ServedVersion("fraud", 1, digest, "canary", FEATURES, List.of("score"));
    double[] features = {amount, risk};
    ScoredRow row =
        new ScoredRow(
            id,
            1_000,
            new String[] {"c7"},
            new Object[0],
            served,
            features,
            FeatureDigest.of(features),
            new double[] {score});
    KafkaSchemaStore schemas = new KafkaSchemaStore(kafka, pipeline.topic(Topic.SCHEMAS));
    new PredictionSchemas(schemas, pipeline).publish(FEATURES);
    send(Topic.PREDICTIONS, new PredictionCodec(pipeline, schemas).encode(row));
  }

  private static void serve(String id, double amount, double risk) throws Exception {
    KafkaSchemaStore schemas = new KafkaSchemaStore(kafka, pipeline.topic(Topic.SCHEMAS));
    FeatureVectorCodec codec = new FeatureVectorCodec(pipeline, schemas);
    FeatureRow row =
        new FeatureRow(id, 1_000, new String[] {"c7"}, new double[] {risk, amount}, new Object[0]);
    send(Topic.FEATURES, codec.encode(row));
  }

  private static void send(Topic topic, byte[] value) throws Exception {
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            kafka.producer(), new ByteArraySerializer(), new ByteArraySerializer())) {
      producer
          .send(
              new ProducerRecord<>(
                  pipeline.topic(topic), "c7".getBytes(StandardCharsets.UTF_8), value))
          .get();
    }
  }

  @Test
  void makesAPredictionAgainFromItsRowAndItsVersion() {
    assertThat(prediction("equal")).as(err).isZero();

    assertThat(out)
        .containsPattern(line("event", "equal at 1970-01-01T00:00:01Z"))
        .containsPattern(line("customer", "c7"))
        .containsPattern(line("scored by", "fraud@1 as canary"))
        .containsPattern("feature row +topic payments.features partition \\d offset \\d: equal")
        .containsPattern(line("artifact", artifact + " as in the registry"))
        .containsPattern("published by +Pelton")
        .containsPattern("again +score 0\\.\\d+, equal")
        .endsWith("equal\n");
  }

  @Test
  void tellsOfEachCopyAndTakesTheFeaturesOnThePredictionWhereTheRowIsNotKept() {
    assertThat(prediction("twice")).as(err).isZero();

    assertThat(out.split("scored by", -1)).hasSize(3);
    assertThat(out)
        .contains("not in topic payments.features; the features on the prediction are taken")
        .endsWith("equal; there was no feature row to compare\n");
  }

  @Test
  void tellsWhatDiffers() {
    assertThat(prediction("other row")).isEqualTo(1);
    assertThat(out).contains("risk is 3.0, scored was 2.0").endsWith("NOT EQUAL: see above\n");

    assertThat(prediction("other score")).isEqualTo(1);
    assertThat(out).containsPattern("again +score 0\\.\\d+, not equal");

    assertThat(prediction("other model")).isEqualTo(1);
    assertThat(out).contains(artifact + " in registry").contains("but b0a1 scored: it is another");
  }

  @Test
  void tellsWhatItFoundWhereTheVersionIsGone() {
    assertThat(prediction("equal", "--registry=" + directory.resolve("other"))).isEqualTo(2);

    assertThat(out)
        .containsPattern(line("scored by", "fraud@1 as canary"))
        .containsPattern("feature row +topic payments.features partition \\d offset \\d: equal")
        .containsPattern("again +not possible: registry \\S+other: no model \"fraud\"")
        .endsWith("NOT SCORED AGAIN: see above\n");
  }

  @Test
  void aRegistryThatCannotBeReadIsNoDifference() {
    assertThat(prediction("equal", "--registry=nosuch://bucket/registry")).isEqualTo(2);
    assertThat(err).contains("'nosuch'");
    assertThat(prediction("equal", "--registry=http://localhost:1/registry")).isEqualTo(2);
    assertThat(out).contains("again").endsWith("NOT SCORED AGAIN: see above\n");
  }

  @Test
  void recordsThatCannotBeReadAreToldOf() throws Exception {
    send(Topic.PREDICTIONS, new byte[] {1, 2});
    assertThat(prediction("nobody")).isEqualTo(2);
    assertThat(err)
        .containsPattern("no longer kept \\(1 of its records cannot be read, the first: partition");
  }

  @Test
  void takesNoOptionsOfTopicsThatItNeverCreates() {
    assertThat(prediction("equal", "--partitions=2")).isEqualTo(2);
    assertThat(err).contains("Unknown option: '--partitions=2'");
  }

  @Test
  void refusesAnEventThatHasNone() {
    assertThat(prediction("nobody")).isEqualTo(2);
    assertThat(err)
        .startsWith(
            "topic payments.predictions holds no prediction of event \"nobody\"; it is not scored"
                + " yet, or late, or a dead letter, or no longer kept");
  }

  private static Pattern line(String what, String text) {
    return Pattern.compile("(?m)^" + what + " +" + Pattern.quote(text) + "$");
  }

  private int prediction(String id, String... options) {
    StringWriter outText = new StringWriter();
    StringWriter errText = new StringWriter();
    int code =
        Pelton.commandLine()
            .setOut(new PrintWriter(outText, true))
            .setErr(new PrintWriter(errText, true))
            .execute(
                Stream.concat(
                        Stream.of(
                            "prediction",
                            "--pipeline=" + directory.resolve("pipeline.yaml"),
                            "--brokers=" + broker.bootstrapServers(),
                            id),
                        Stream.of(options))
                    .toArray(String[]::new));
    out = outText.toString();
    err = errText.toString();
    return code;
  }
}
