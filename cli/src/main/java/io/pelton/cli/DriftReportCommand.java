package io.pelton.cli;

import io.pelton.drift.report.DriftHistory;
import io.pelton.drift.report.DriftPage;
import io.pelton.job.DecodedTopic;
import io.pelton.job.KafkaOptions;
import io.pelton.job.KafkaSchemaStore;
import io.pelton.job.KafkaSettings;
import io.pelton.job.KafkaUnavailableException;
import io.pelton.pipeline.Drift;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.schemas.DriftAlert;
import io.pelton.schemas.DriftReport;
import io.pelton.wire.RecordCodec;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Makes a page of what drift jobs have reported. */
@Command(
    name = "report",
    description =
        "Reads a pipeline's drift reports and alerts from their topics, and makes one HTML file of"
            + " them: what drifted, when and why.",
    mixinStandardHelpOptions = true)
final class DriftReportCommand implements Callable<Integer> {
  @Mixin private KafkaOptions kafka = new KafkaOptions();

  @Option(
      names = "--from",
      paramLabel = "TIME",
      description =
          "Windows that start then or later: a UTC date or an instant; default: from the topic's"
              + " first.")
  private @Nullable String from;

  @Option(
      names = "--to",
      paramLabel = "TIME",
      description =
          "Windows that start before: a UTC date or an instant; default: to the topic's last.")
  private @Nullable String to;

  @Option(
      names = "--model",
      paramLabel = "NAME[@VERSION]",
      description = "Of this model, or version, alone; default: of all that the topic holds.")
  private @Nullable String model;

  @Mixin private ResultFile result = new ResultFile();

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    PipelineDefinition pipeline = kafka.pipeline();
    Drift drift = pipeline.drift();
    if (drift == null) {
      throw new InputException(
          kafka.pipelineFile() + ": has no drift section; no job reports drift of it");
    }
    KafkaSettings settings;
    try {
      settings = kafka.settings();
    } catch (IllegalArgumentException e) {
      throw new InputException(e);
    }
    DriftHistory history = new DriftHistory(pipeline.name(), drift.thresholds(), range());
    List<String> notes = new ArrayList<>();
    long all = read(settings, pipeline, history, notes);
    if (history.reports() == 0) {
      throw new InputException(
          all == 0
              ? "topic %s holds no drift reports; is the drift job running, and has a window closed?"
                  .formatted(pipeline.topic(Topic.DRIFT))
              : "topic %s holds %,d drift reports, none of what --from, --to and --model ask for"
                  .formatted(pipeline.topic(Topic.DRIFT), all));
    }
    DriftPage page = history.page(List.of(), notes);
    String html = page.html();
    result.write(
        html,
        "%,d reports, %d of %d features drifted in their newest windows, %,d KB"
            .formatted(
                history.reports(),
                page.drifted(),
                page.features().size(),
                (html.length() + 1023) / 1024),
        spec.commandLine().getOut());
    return 0;
  }

  private DriftHistory.Range range() throws InputException {
    Long first = BatchRun.time("--from", from);
    Long end = BatchRun.time("--to", to);
    if (first != null && end != null && first >= end) {
      throw new InputException(
          "--from %s and --to %s: the first must be before the second".formatted(from, to));
    }
    String name = model;
    Integer version = null;
    int at = model == null ? -1 : model.lastIndexOf('@');
    if (model != null && at >= 0) {
      name = model.substring(0, at);
      try {
        version = Integer.valueOf(model.substring(at + 1));
      } catch (NumberFormatException e) {
        throw new InputException(
            "--model %s: the version after @ must be a number, as in card-fraud@2"
                .formatted(model));
      }
    }
    return new DriftHistory.Range(
        first == null ? Long.MIN_VALUE : first, end == null ? Long.MAX_VALUE : end, name, version);
  }

  /**
   * @return reports of any time and version
   */
  private static long read(
      KafkaSettings settings, PipelineDefinition pipeline, DriftHistory history, List<String> notes)
      throws KafkaUnavailableException {
    KafkaSchemaStore schemas = new KafkaSchemaStore(settings, pipeline.topic(Topic.SCHEMAS));
    RecordCodec<DriftReport> reports = new RecordCodec<>(DriftReport.class, schemas);
    RecordCodec<DriftAlert> alerts = new RecordCodec<>(DriftAlert.class, schemas);
    long[] all = {0};
    DecodedTopic.Unreadable bad =
        DecodedTopic.read(
            settings,
            pipeline,
            Topic.DRIFT,
            reports::decode,
            (report, place) -> {
              all[0]++;
              history.add(report);
            });
    note(notes, pipeline, Topic.DRIFT, bad);
    note(
        notes,
        pipeline,
        Topic.ALERTS,
        DecodedTopic.read(
            settings,
            pipeline,
            Topic.ALERTS,
            alerts::decode,
            (alert, place) -> history.add(alert)));
    return all[0];
  }

  private static void note(
      List<String> notes,
      PipelineDefinition pipeline,
      Topic topic,
      DecodedTopic.Unreadable unreadable) {
    if (unreadable.count() > 0) {
      notes.add(
          "%,d records of topic %s cannot be read, the first: %s"
              .formatted(unreadable.count(), pipeline.topic(topic), unreadable.problem()));
    }
  }
}
