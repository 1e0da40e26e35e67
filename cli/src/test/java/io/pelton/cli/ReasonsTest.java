package io.pelton.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.EOFException;
import java.io.IOException;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;

class ReasonsTest {
  @Test
  void whatFlinkPutsAroundAFailureIsLeftOutAndEachMessageIsSaidOnce() {
    IOException cut =
        new IOException("a.gz cannot be read to its end: cut", new EOFException("cut"));
    Throwable failure =
        new ExecutionException(
            thrownBy(
                "org.apache.flink.runtime.Task",
                thrownBy(
                    "org.apache.flink.connector.base.source.reader.Fetcher",
                    new RuntimeException(cut))));
    assertThat(Reasons.of(failure)).containsExactly("a.gz cannot be read to its end: cut");
  }

  @Test
  void whatAConnectorAddsAndWhatFlinkItselfFailsOfStay() {
    assertThat(
            Reasons.of(
                thrownBy(
                    "org.apache.flink.connector.kafka.Source",
                    thrownBy("org.apache.flink.runtime.Task", null))))
        .containsExactly(
            "thrown by org.apache.flink.connector.kafka.Source",
            "thrown by org.apache.flink.runtime.Task");
    assertThat(Reasons.of(new ExecutionException(new EOFException())))
        .containsExactly("EOFException");
  }

  private static Throwable thrownBy(String thrower, Throwable cause) {
    Exception e = new Exception("thrown by " + thrower, cause);
    e.setStackTrace(new StackTraceElement[] {new StackTraceElement(thrower, "run", null, 1)});
    return e;
  }
}
