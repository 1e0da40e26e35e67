package io.pelton.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.apache.flink.util.FileUtils;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "demo",
    description =
        "Shows a whole pipeline at work in this process: a Kafka broker, Flink, features, two"
            + " models, and drift when behaviour shifts.",
    mixinStandardHelpOptions = true)
final class DemoCommand implements Callable<Integer> {

  @Option(
      names = "--events",
      paramLabel = "FILES",
      description =
          "Replay card transactions from CSV files instead of the simulator's: the first 60 days"
              + " are history and training, the rest is streamed; repeatable.")
  private List<String> events = new ArrayList<>();

  @Option(
      names = "--output",
      paramLabel = "DIR",
      description = "Keep features, predictions, models and drift reports here as files.")
  private @Nullable Path output;

  @Option(
      names = "--rate",
      paramLabel = "RATE",
      description =
          "Events a second, max, or x3600 for event time sped up; default 700, for files max.")
  private @Nullable String rate;

  @Option(
      names = "--keep-running",
      description = "Stay after the story, with broker and web page, until Ctrl-C.")
  private boolean keepRunning;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of the simulator and the training; default ${DEFAULT-VALUE}.")
  private long seed = 42;

  @Option(
      names = "--customers",
      paramLabel = "N",
      description = "Simulated customers, each paying twice a day; default ${DEFAULT-VALUE}.")
  private int customers = 1_000;

  @Option(
      names = "--parallelism",
      paramLabel = "N",
      description = "Subtasks of each operator; default ${DEFAULT-VALUE}.")
  private int parallelism = 1;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    PrintWriter out = spec.commandLine().getOut();
    if (output != null && Files.exists(output) && !isEmptyDirectory(output)) {
      throw new InputException(output + ": is not an empty directory; name another");
    }
    Pace pace;
    try {
      pace = Pace.of(rate != null ? rate : events.isEmpty() ? "700" : "max");
    } catch (IllegalArgumentException e) {
      throw new InputException(e);
    }
    Path scratch = Files.createTempDirectory("pelton-demo");
    Path kept = output != null ? Files.createDirectories(output) : scratch.resolve("output");
    Thread main = Thread.currentThread();
    StopSignal.onStop(main::interrupt);
    DemoScreen screen = new DemoScreen(out, System.console() != null);
    try (DemoStory story =
        new DemoStory(
            new DemoStory.Settings(events, pace, seed, customers, parallelism, keepRunning),
            screen,
            scratch,
            Files.createDirectories(kept),
            output != null)) {
      return story.tell() ? 0 : Pelton.FAILED;
    } catch (InterruptedException e) {
      return interrupted(screen);
    } catch (ExecutionException e) {
      if (Thread.interrupted() || e.getCause() instanceof InterruptedException) {
        return interrupted(screen);
      }
      throw e;
    } finally {
      FileUtils.deleteDirectory(scratch.toFile());
    }
  }

  private static int interrupted(DemoScreen screen) {
    screen.line("stopped");
    return Pelton.INTERRUPTED;
  }

  private static boolean isEmptyDirectory(Path path) throws IOException {
    if (!Files.isDirectory(path)) {
      return false;
    }
    try (Stream<Path> entries = Files.list(path)) {
      return entries.findAny().isEmpty();
    }
  }
}
