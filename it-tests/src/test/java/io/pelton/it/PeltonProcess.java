package io.pelton.it;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.pelton.cli.Pelton;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A {@code pelton} command in a process of its own, as a user starts it. */
final class PeltonProcess implements AutoCloseable {
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final Pattern WEB_PAGE = Pattern.compile("web page: (http\\S+);");

  private final Path log;
  private final Process process;

  private PeltonProcess(Path log, Process process) {
    this.log = log;
    this.process = process;
  }

  /**
   * @param log takes standard output and error
   */
  static PeltonProcess start(Path log, Object... arguments) throws IOException {
    // Longer than a command line may be.
    Path classPath = log.resolveSibling("class-path");
    Files.writeString(
        classPath,
        "-cp \""
            + System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))
            + "\"");
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    command.add("-Xmx768m");
    command.add("-XX:TieredStopAtLevel=1"); // starts sooner
    command.add("-Dlog4j2.configurationFile=classpath:log4j2-process.properties");
    command.add("@" + classPath);
    command.add(Pelton.class.getName());
    for (Object argument : arguments) {
      command.add(argument.toString());
    }
    return new PeltonProcess(
        log,
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start());
  }

  String output() throws IOException {
    return Files.readString(log);
  }

  /**
   * A counter of the job that runs, as Flink's web page gives it: what was counted before a restart
   * included.
   *
   * @return -1 while it does not tell
   */
  long count(String counter) throws Exception {
    String job = job();
    if (job == null) {
      return -1;
    }
    for (JsonNode accumulator : get(job + "/accumulators").path("user-task-accumulators")) {
      if (accumulator.get("name").asText().equals(counter)) {
        return accumulator.get("value").asLong();
      }
    }
    return -1;
  }

  /** Whether the job can take a savepoint. */
  boolean allTasksRun() throws Exception {
    String job = job();
    if (job == null) {
      return false;
    }
    List<JsonNode> states = get(job).path("vertices").findValues("status");
    return !states.isEmpty() && states.stream().allMatch(state -> state.asText().equals("RUNNING"));
  }

  /** Where Flink's web page tells of the job that runs; null while it does not. */
  private @Nullable String job() throws Exception {
    Matcher page = WEB_PAGE.matcher(output());
    if (!page.find()) {
      return null;
    }
    JsonNode jobs = get(page.group(1) + "/jobs").get("jobs");
    return jobs == null || jobs.isEmpty()
        ? null
        : page.group(1) + "/jobs/" + jobs.get(0).get("id").asText();
  }

  private static JsonNode get(String url) throws Exception {
    HttpResponse<String> answer =
        HTTP.send(HttpRequest.newBuilder(URI.create(url)).build(), BodyHandlers.ofString());
    return new ObjectMapper().readTree(answer.body());
  }

  /** Waits until it has ended by itself, and gives its exit code. */
  int awaitEnd(Duration within) throws Exception {
    if (!process.waitFor(within.toSeconds(), TimeUnit.SECONDS)) {
      throw new AssertionError("still running after " + within + ": " + output());
    }
    return process.exitValue();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** Ends it at once, as kill -9 or a power cut does. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /** Asks it to stop, as Ctrl-C does. */
  int stop(Duration within) throws Exception {
    process.destroy();
    if (!process.waitFor(within.toSeconds(), TimeUnit.SECONDS)) {
      throw new AssertionError(
          "still running " + within + " after it was told to stop: " + output());
    }
    return process.exitValue();
  }

  /**
   * @throws AssertionError with all that it said, when it has ended
   */
  void requireAlive() throws IOException {
    if (!process.isAlive()) {
      throw new AssertionError("pelton has ended: " + output());
    }
  }

  @Override
  public void close() throws InterruptedException {
    kill();
  }
}
