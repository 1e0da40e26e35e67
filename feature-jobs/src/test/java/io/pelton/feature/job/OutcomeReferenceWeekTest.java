package io.pelton.feature.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.pelton.feature.FeatureRow;
import io.pelton.job.JobEnvironment;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The Handbook's terminal risk is the share of frauds seven days ago, because that is how long it
 * takes to know of one: outcomes that are reported after exactly seven days must give the same.
 */
class OutcomeReferenceWeekTest {
  private static final Path DATA = Path.of("../../shared/data/card-transactions");
  private static final long WEEK = 7 * 86_400_000L;
  private static final long FROM = 1_525_737_600_000L;
  private static final long TO = FROM + WEEK;

  @TempDir Path directory;

  @Test
  void outcomesAfterSevenDaysGiveTheHandbooksRisk() throws Exception {
    assumeThat(Files.isDirectory(DATA)).as("%s is not there", DATA).isTrue();
    Path examples = Path.of("../examples/card-fraud");
    Files.copy(examples.resolve("transaction.avsc"), directory.resolve("transaction.avsc"));
    Path file = directory.resolve("pipeline.yaml");
    Files.writeString(
        file,
        """
        pipeline: risk
        events: {topic: t, schema: transaction.avsc, id: transaction_id, time: event_time, out-of-orderness: 10s}
        entities: {terminal: terminal_id}
        features:
          terminal_tx_count: {entity: terminal, source: outcomes, aggregate: count, windows: [1d, 7d, 30d]}
          terminal_risk: {entity: terminal, source: outcomes, aggregate: mean(label), windows: [1d, 7d, 30d], default: 0}
        outcomes: {topic: o, id: transaction_id, time: reported_at, label: fraud}
        """);
    PipelineDefinition pipeline = PipelineFile.read(file);
    Path outcomes = directory.resolve("outcomes.csv");
    try (BufferedWriter out = Files.newBufferedWriter(outcomes)) {
      out.write("transaction_id,reported_at,fraud\n");
      for (String month : List.of("04", "05")) {
        try (BufferedReader in = open("transactions-2018-" + month + ".csv.gz")) {
          in.readLine();
          for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] cells = line.split(",");
            Instant known = Instant.parse(cells[1]).plusMillis(WEEK);
            out.write(cells[0] + "," + known + "," + cells[5] + "\n");
          }
        }
      }
    }

    StreamExecutionEnvironment environment = JobEnvironment.batch(new Configuration());
    environment.setParallelism(2);
    FeatureOutputs outputs =
        FeatureTopology.build(
            EventSources.files(
                environment,
                pipeline,
                EventSources.resolve(List.of(DATA + "/transactions-2018-0[45].csv.gz"), pipeline)),
            EventSources.outcomeFiles(
                environment,
                pipeline,
                EventSources.resolveOutcomes(List.of(outcomes.toString()), pipeline)),
            pipeline);
    Map<String, double[]> computed = new HashMap<>();
    try (CloseableIterator<FeatureRow> rows =
        outputs.features().filter(row -> row.time >= FROM && row.time < TO).executeAndCollect()) {
      rows.forEachRemaining(row -> computed.put(row.id, row.values));
    }

    List<String> names = pipeline.featureNames();
    int compared = 0;
    try (BufferedReader reference = open("reference-features-2018-05-08_2018-05-14.csv.gz")) {
      List<String> header = List.of(reference.readLine().split(","));
      for (String line = reference.readLine(); line != null; line = reference.readLine()) {
        String[] cells = line.split(",");
        double[] row = computed.get(cells[0]);
        assertThat(row).as("transaction %s", cells[0]).isNotNull();
        for (int i = 0; i < names.size(); i++) {
          double expected = Double.parseDouble(cells[header.indexOf(names.get(i))]);
          if (names.get(i).contains("_count_")
              ? row[i] != expected
              : Math.abs(row[i] - expected) > 1e-9 * Math.max(1, Math.abs(expected))) {
            assertThat(row[i])
                .as("%s of transaction %s", names.get(i), cells[0])
                .isEqualTo(expected);
          }
        }
        compared++;
      }
    }
    assertThat(compared).isEqualTo(67_069);
    assertThat(computed).hasSize(compared);
  }

  private static BufferedReader open(String file) throws IOException {
    return new BufferedReader(
        new InputStreamReader(
            new GZIPInputStream(Files.newInputStream(DATA.resolve(file))), StandardCharsets.UTF_8));
  }
}
