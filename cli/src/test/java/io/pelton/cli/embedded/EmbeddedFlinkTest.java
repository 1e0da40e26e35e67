package io.pelton.cli.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class EmbeddedFlinkTest {
  @TempDir Path directory;

  @Test
  void servesItsWebPage() throws Exception {
    try (EmbeddedFlink flink =
        EmbeddedFlink.start(1, directory, EmbeddedFlink.State.HEAP, new Configuration())) {
      assertThat(get(flink.webUrl() + "/")).contains("Apache Flink Web Dashboard");
      assertThat(get(flink.webUrl() + "/overview")).contains("\"slots-total\":1");
    }
  }

  @Test
  void runsABoundedJobAndGivesItsAccumulators() throws Exception {
    try (EmbeddedFlink flink =
        EmbeddedFlink.start(2, directory, EmbeddedFlink.State.HEAP, new Configuration())) {
      StreamExecutionEnvironment env = flink.environment(new Configuration());
      env.setParallelism(2);
      env.fromSequence(1, 1000).map(new Counting()).sinkTo(new DiscardingSink<>());
      Long counted = env.execute("bounded").getAccumulatorResult("seen");
      assertThat(counted).isEqualTo(1000);
    }
  }

  @ParameterizedTest
  @EnumSource(EmbeddedFlink.State.class)
  void stopsOneOfTwoJobsWithASavepoint(EmbeddedFlink.State state) throws Exception {
    try (EmbeddedFlink flink = EmbeddedFlink.start(2, directory, state, new Configuration())) {
      JobClient first = endless(flink, "first");
      JobClient second = endless(flink, "second");

      String savepoint =
          first
              .stopWithSavepoint(false, null, SavepointFormatType.CANONICAL)
              .get(30, TimeUnit.SECONDS);

      assertThat(Path.of(URI.create(savepoint)))
          .startsWith(directory.resolve("savepoints"))
          .satisfies(path -> assertThat(Files.exists(path.resolve("_metadata"))).isTrue());
      assertThat(second.getJobStatus().get()).isEqualTo(JobStatus.RUNNING);
      second.cancel().get(30, TimeUnit.SECONDS);
    }
  }

  private static JobClient endless(EmbeddedFlink flink, String name) throws Exception {
    StreamExecutionEnvironment env = flink.environment(new Configuration());
    env.fromSequence(1, Long.MAX_VALUE)
        .keyBy(number -> number % 7)
        .map(new Counting())
        .sinkTo(new DiscardingSink<>());
    JobClient job = env.executeAsync(name);
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (System.nanoTime() < deadline && !isCounting(job)) {
      Thread.onSpinWait();
    }
    return job;
  }

  private static boolean isCounting(JobClient job) throws Exception {
    return job.getAccumulators().get().get("seen") instanceof Long seen && seen > 0;
  }

  private static String get(String url) throws Exception {
    return HttpClient.newHttpClient()
        .send(HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString())
        .body();
  }

  /** Counts what passes. */
  public static final class Counting extends RichMapFunction<Long, Long> {
    private final LongCounter seen = new LongCounter();

    @Override
    public void open(OpenContext context) {
      getRuntimeContext().addAccumulator("seen", seen);
    }

    @Override
    public Long map(Long value) {
      seen.add(1);
      return value;
    }
  }
}
