package io.pelton.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.cli.embedded.EmbeddedFlink;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JobFailuresTest {
  @TempDir Path directory;

  private final StringWriter err = new StringWriter();

  @Test
  void aJobThatFailsAgainAndAgainIsSeenWithItsCauseAndAttempt() throws Exception {
    Configuration settings = new Configuration();
    settings.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    settings.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, Integer.MAX_VALUE);
    settings.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(500));
    try (EmbeddedFlink flink =
        EmbeddedFlink.start(1, directory, EmbeddedFlink.State.HEAP, new Configuration())) {
      StreamExecutionEnvironment environment = flink.environment(settings);
      environment
          .fromSequence(1, Long.MAX_VALUE)
          .map(JobFailuresTest::fail)
          .sinkTo(new DiscardingSink<>());
      JobClient job = environment.executeAsync("doomed");
      try (JobFailures failures =
          JobFailures.follow(flink, job.getJobID(), "doomed", new PrintWriter(err))) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (System.nanoTime() < deadline && !err.toString().endsWith("\n")) {
          Thread.onSpinWait();
        }
      }
      assertThat(err.toString().lines())
          .singleElement()
          .asString()
          .matches("doomed failed in attempt [1-9]\\d* and is started again: no luck with 1");
    }
  }

  @Test
  void aCauseIsSaidOnceAMinuteAndAnotherAtOnce() {
    Instant start = Instant.parse("2018-06-01T00:00:00Z");
    Instant again = start.plus(JobFailures.QUIET);
    JobFailures failures = new JobFailures("scores", new PrintWriter(err));
    failures.say(new IllegalStateException("offset 12 is gone"), 1, start);
    failures.say(new IllegalStateException("offset 13 is gone"), 2, start.plusSeconds(1));
    failures.say(new IllegalStateException("no\nroom"), 3, start.plusSeconds(2));
    failures.say(new IllegalStateException("offset 14 is gone"), 70, again.minusMillis(1));
    failures.say(new IllegalStateException("offset 15 is gone"), 71, again);
    assertThat(err.toString().lines())
        .containsExactly(
            "scores failed in attempt 1 and is started again: offset 12 is gone",
            "scores failed in attempt 3 and is started again: no",
            "scores failed in attempt 71 and is started again: offset 15 is gone");
  }

  private static long fail(long number) {
    throw new IllegalStateException("no luck with " + number);
  }
}
