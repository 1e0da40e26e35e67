package io.pelton.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class LatencyBenchmarkTest {
  @Test
  void aShareOfLatenciesIsTheLeastThatSoManyDoNotExceed() {
    long[] thousand = LongStream.rangeClosed(1, 1_000).toArray();
    assertThat(LatencyBenchmark.at(thousand, 0.5)).isEqualTo(500);
    assertThat(LatencyBenchmark.at(thousand, 0.95)).isEqualTo(950);
    assertThat(LatencyBenchmark.at(thousand, 0.999)).isEqualTo(999);
    assertThat(LatencyBenchmark.at(new long[] {7}, 0.5)).isEqualTo(7);
    assertThat(LatencyBenchmark.at(new long[] {7, 9}, 0.99)).isEqualTo(9);
  }

  @Test
  void refusesAProfileThatThereIsNotBeforeAnythingStarts() {
    StringWriter err = new StringWriter();
    assertThat(
            Benchmarks.commandLine()
                .setErr(new PrintWriter(err))
                .execute("latency", "--profiles", "low,balance"))
        .isEqualTo(2);
    assertThat(err.toString())
        .isEqualTo("--latency \"balance\": there is no such profile; did you mean \"balanced\"?\n");
  }
}
