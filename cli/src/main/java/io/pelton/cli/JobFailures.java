package io.pelton.cli;

import io.pelton.cli.embedded.EmbeddedFlink;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.runtime.execution.ExecutionState;
import org.apache.flink.runtime.executiongraph.AccessExecution;
import org.apache.flink.runtime.executiongraph.AccessExecutionGraph;
import org.apache.flink.runtime.executiongraph.AccessExecutionVertex;
import org.apache.flink.runtime.executiongraph.ErrorInfo;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says the failures of a job that Flink starts again, which else only the log tells: a job that can
 * never run fails again and again. What ends the job is for the command to say.
 */
final class JobFailures implements AutoCloseable {
  /** A cause is said again after this long. */
  static final Duration QUIET = Duration.ofMinutes(1);

  private static final Logger LOG = LoggerFactory.getLogger(JobFailures.class);
  private static final Duration PAUSE = Duration.ofSeconds(1);

  private final String job;
  private final PrintWriter err;
  private final Map<String, Instant> said = new HashMap<>();
  private final ScheduledExecutorService looking =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "pelton-failures");
            thread.setDaemon(true);
            return thread;
          });
  private long last = Long.MIN_VALUE;

  JobFailures(String job, PrintWriter err) {
    this.job = job;
    this.err = err;
  }

  /** Follows a job until this is closed. */
  static JobFailures follow(EmbeddedFlink flink, JobID id, String job, PrintWriter err) {
    JobFailures failures = new JobFailures(job, err);
    failures.looking.scheduleWithFixedDelay(
        () -> failures.look(flink, id), 0, PAUSE.toMillis(), TimeUnit.MILLISECONDS);
    return failures;
  }

  private void look(EmbeddedFlink flink, JobID id) {
    try {
      AccessExecutionGraph graph = flink.cluster().getExecutionGraph(id).get();
      ErrorInfo failure = graph.getFailureInfo();
      boolean goesOn =
          graph.getState() == JobStatus.RESTARTING || graph.getState() == JobStatus.RUNNING;
      if (failure != null && goesOn && failure.getTimestamp() != last) {
        last = failure.getTimestamp();
        say(
            failure.getException().deserializeError(JobFailures.class.getClassLoader()),
            attempt(graph, failure.getTimestamp()),
            Instant.now());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Exception e) {
      LOG.debug("no answer to how {} is", job, e);
    }
  }

  /** The attempt that failed, from 1 on: the newest one, or the one before where it came after. */
  private static int attempt(AccessExecutionGraph graph, long failed) {
    int attempt = 1;
    for (AccessExecutionVertex vertex : graph.getAllExecutionVertices()) {
      AccessExecution newest = vertex.getCurrentExecutionAttempt();
      boolean after = newest.getStateTimestamp(ExecutionState.CREATED) > failed;
      attempt = Math.max(attempt, newest.getAttemptNumber() + (after ? 0 : 1));
    }
    return attempt;
  }

  /** Says a failure, unless it was said within {@link #QUIET}; numbers make no other cause. */
  void say(Throwable failure, int attempt, Instant now) {
    String cause =
        Reasons.of(failure).stream()
            .map(reason -> reason.lines().findFirst().orElse(reason))
            .collect(Collectors.joining("; because: "));
    said.values().removeIf(at -> !at.plus(QUIET).isAfter(now));
    if (said.putIfAbsent(cause.replaceAll("\\d+", "0"), now) == null) {
      String log = System.getProperty("pelton.log");
      err.printf(
          "%s failed in attempt %d and is started again: %s%s%n",
          job, attempt, cause, log == null ? "" : " (log: " + log + ")");
      err.flush();
    }
  }

  @Override
  public void close() {
    looking.shutdownNow();
  }
}
