package io.pelton.cli;

import io.pelton.event.EventFile;
import io.pelton.event.EventFormatException;
import io.pelton.event.EventSchema;
import io.pelton.feature.job.EventSources;
import io.pelton.job.KafkaSettings;
import io.pelton.job.TopicOptions;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "send",
    description = "Sends event files to the pipeline's events topic, in the pipeline's format.",
    mixinStandardHelpOptions = true)
final class SendCommand implements Callable<Integer> {
  private static final int SHOWN = 10;

  @Mixin private TopicOptions options = new TopicOptions();

  @Option(
      names = "--input",
      required = true,
      paramLabel = "FILES",
      description = "Event files: paths and globs; repeatable; sent in this order.")
  private List<String> inputs = new ArrayList<>();

  @Option(
      names = "--rate",
      paramLabel = "RATE",
      description =
          "Events a second, max, or x3600 for event time sped up 3600 times; default max.")
  private String rate = "max";

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    PrintWriter out = spec.commandLine().getOut();
    PipelineDefinition pipeline = options.pipeline();
    EventSchema schema = new EventSchema(pipeline.events().schema());
    Pace pace;
    KafkaSettings kafka;
    List<org.apache.flink.core.fs.Path> files;
    try {
      pace = Pace.of(rate);
      kafka = options.settings();
      files = EventSources.resolve(inputs, pipeline);
    } catch (NoSuchFileException e) {
      throw e;
    } catch (IOException | IllegalArgumentException e) {
      throw new InputException(e);
    }
    options.ensure(pipeline, List.of(Topic.EVENTS, Topic.SCHEMAS));
    long unreadable = 0;
    long start = System.nanoTime();
    long sent;
    try (EventProducer producer = EventProducer.open(pipeline, kafka)) {
      for (org.apache.flink.core.fs.Path file : files) {
        try (EventFile events =
            EventFile.open(
                file.toString(),
                file.getFileSystem().open(file),
                schema,
                pipeline.neededFields())) {
          while (events.next()) {
            try {
              @Nullable Object[] fields = events.fields();
              pace.await(producer.sent(), producer.time(fields));
              producer.send(fields);
            } catch (EventFormatException e) {
              unreadable++;
              if (unreadable <= SHOWN) {
                spec.commandLine()
                    .getErr()
                    .println(file.getName() + ":" + events.number() + ": " + e.getMessage());
              }
            }
          }
        } catch (IOException | UncheckedIOException e) {
          producer.flush();
          throw new InputException(
              "%s: %s; %,d events were sent before"
                  .formatted(file, e.getMessage(), producer.sent()));
        }
      }
      producer.flush();
      sent = producer.sent();
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    out.printf(
        "%,d events sent to %s in %.1f s, %,.0f a second%n",
        sent, pipeline.topic(Topic.EVENTS), seconds, sent / Math.max(seconds, 1e-3));
    if (unreadable > 0) {
      out.printf("%,d rows could not be read and were not sent%n", unreadable);
    }
    out.flush();
    return unreadable > 0 ? Pelton.USAGE : 0;
  }
}
