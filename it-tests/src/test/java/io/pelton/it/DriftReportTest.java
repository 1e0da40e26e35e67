package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.job.KafkaSchemaStore;
import io.pelton.job.Topics;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.pipeline.Topic;
import io.pelton.schemas.AlertState;
import io.pelton.schemas.DriftAlert;
import io.pelton.schemas.DriftReport;
import io.pelton.wire.RecordCodec;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** {@code pelton drift report} over what stands on a pipeline's topics. */
final class DriftReportTest {
  private static final int WINDOWS = 100;

  @RegisterExtension static final KafkaFixture KAFKA = new KafkaFixture();

  @TempDir static Path directory;
  private static Path file;

  @BeforeAll
  static void writeTopics() throws Exception {
    file = pipeline(DriftReports.PIPELINE, "drift: {window: 1h}");
    PipelineDefinition pipeline = PipelineFile.read(file);
    ensure(pipeline);
    DriftReports made = new DriftReports();
    List<DriftReport> reports = new ArrayList<>();
    reports.addAll(made.numbers("amount", WINDOWS, window -> window < 90 ? 0 : 0.6));
    reports.addAll(made.categories("channel", WINDOWS, window -> 0));
    DriftReport late =
        made.numbers("amount", WINDOWS, window -> window < 90 ? 0 : 0.6).get(WINDOWS - 1);
    late.setRevision(3);
    reports.add(0, late); // its partition may be read first
    KafkaSchemaStore schemas =
        new KafkaSchemaStore(KAFKA.settings(), pipeline.topic(Topic.SCHEMAS));
    RecordCodec<DriftReport> reportCodec = new RecordCodec<>(DriftReport.class, schemas);
    RecordCodec<DriftAlert> alertCodec = new RecordCodec<>(DriftAlert.class, schemas);
    Properties client = KAFKA.settings().producer();
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(client, new ByteArraySerializer(), new ByteArraySerializer())) {
      for (DriftReport report : reports) {
        producer.send(
            new ProducerRecord<>(pipeline.topic(Topic.DRIFT), reportCodec.encode(report)));
      }
      byte[] broken = "no report".getBytes(StandardCharsets.UTF_8);
      producer.send(new ProducerRecord<>(pipeline.topic(Topic.DRIFT), broken));
      producer.send(
          new ProducerRecord<>(
              pipeline.topic(Topic.ALERTS),
              alertCodec.encode(DriftReports.alert("amount", 90, 91, AlertState.OPENED))));
    }
  }

  private static void ensure(PipelineDefinition pipeline) throws Exception {
    Topics.ensure(
        KAFKA.settings(),
        Topics.of(pipeline, List.of(Topic.DRIFT, Topic.ALERTS, Topic.SCHEMAS), 2),
        true,
        Topics.TIMEOUT);
  }

  private static Path pipeline(String name, String drift) throws Exception {
    Files.writeString(
        directory.resolve("payment.avsc"),
        """
        {"type": "record", "name": "Payment", "fields": [
          {"name": "id", "type": "string"},
          {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
          {"name": "customer", "type": "string"},
          {"name": "amount", "type": "double"}]}
        """);
    return Files.writeString(
        directory.resolve(name + ".yaml"),
        """
        pipeline: %s
        events: {topic: payments, schema: payment.avsc, id: id, time: at}
        entities: {customer: customer}
        features: {amount: {value: amount}}
        model: {name: card-fraud}
        registry: registry
        %s
        """
            .formatted(name, drift));
  }

  private static Cli report(Path pipeline, Object... options) {
    List<Object> arguments =
        new ArrayList<>(
            List.of("drift", "report", "--pipeline", pipeline, "--brokers", KAFKA.brokers()));
    arguments.addAll(List.of(options));
    return Cli.run(arguments.toArray());
  }

  @Test
  void makesAPageOfTheHighestRevisionsAndTheAlerts() throws Exception {
    Path page = directory.resolve("page.html");

    Cli result = report(file, "--output", page);

    assertThat(result.exitCode()).as(result.err()).isZero();
    assertThat(result.out())
        .matches(
            "\\Q"
                + page
                + "\\E: 201 reports, 1 of 2 features drifted in their newest windows, \\d+ KB\n");
    assertThat(Files.readString(page))
        .contains("1 of 2 features drifted")
        .contains("card-fraud@1, card-fraud@2 from 2 Mar 2026 00:00 to 6 Mar 2026 04:00 UTC.")
        .contains("<dt>Revision<dd>3", "<dt>Alerts open<dd>1")
        .contains("drifted in 10 of 100 windows, first in the one that ended 5 Mar 2026 19:00")
        .contains("1 records of topic card-fraud.drift cannot be read, the first: partition ");
  }

  @Test
  void takesATimeAndAVersionAlone() {
    Cli early = report(file, "--to", "2026-03-03", "--model", "card-fraud@1");

    assertThat(early.exitCode()).as(early.err()).isZero();
    assertThat(early.out())
        .startsWith("<!doctype html>")
        .contains("None of 2 features drifted")
        .contains("card-fraud@1 from 2 Mar 2026 00:00 to 3 Mar 2026 00:00 UTC.");
  }

  @Test
  void namesWhatIsWrong() throws Exception {
    assertThat(report(file, "--from", "2027-01-01").err())
        .isEqualTo(
            "topic card-fraud.drift holds 201 drift reports, none of what --from, --to and --model ask for\n");
    assertThat(report(file, "--model", "card-fraud@two").err())
        .startsWith("--model card-fraud@two: the version after @ must be a number");
    assertThat(report(file, "--from", "2026-03-02", "--to", "2026-03-01").err())
        .isEqualTo("--from 2026-03-02 and --to 2026-03-01: the first must be before the second\n");
    Path empty = pipeline("empty", "drift: {window: 1h}");
    assertThat(report(empty).err()).startsWith("drift topic empty.drift at ").contains("exist");
    ensure(PipelineFile.read(empty));
    Cli nothing = report(empty);
    assertThat(nothing.err())
        .isEqualTo(
            "topic empty.drift holds no drift reports; is the drift job running, and has a window closed?\n");
    assertThat(nothing.exitCode()).isEqualTo(2);
    Path none = pipeline("none", "");
    assertThat(report(none).err())
        .endsWith("none.yaml: has no drift section; no job reports drift of it\n");
    assertThat(report(file, "--output", directory.resolve("no/such/page.html")).err())
        .startsWith("--output ")
        .contains("page.html: cannot be written");
  }
}
