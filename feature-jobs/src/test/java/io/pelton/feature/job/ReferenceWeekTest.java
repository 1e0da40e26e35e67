package io.pelton.feature.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.pelton.feature.FeatureRow;
import io.pelton.job.JobEnvironment;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;

/**
 * A week of the Fraud Detection Handbook's own features, from its six months of transactions:
 * counts equal, means to 1e-9 relative.
 */
class ReferenceWeekTest {
  private static final Path DATA = Path.of("../../shared/data/card-transactions");
  private static final long FROM = 1_525_737_600_000L;
  private static final long TO = FROM + 7 * 86_400_000L;

  @Test
  void featuresEqualTheHandbooks() throws Exception {
    assumeThat(Files.isDirectory(DATA)).as("%s is not there", DATA).isTrue();
    PipelineDefinition pipeline =
        PipelineFile.read(Path.of("../examples/card-fraud/pipeline.yaml"));
    StreamExecutionEnvironment environment = JobEnvironment.batch(new Configuration());
    environment.setParallelism(2);
    FeatureOutputs outputs =
        FeatureTopology.build(
            EventSources.files(
                environment,
                pipeline,
                EventSources.resolve(List.of(DATA + "/transactions-2018-0[45].csv.gz"), pipeline)),
            pipeline);
    Map<String, double[]> computed = new HashMap<>();
    try (CloseableIterator<FeatureRow> rows =
        outputs.features().filter(row -> row.time >= FROM && row.time < TO).executeAndCollect()) {
      rows.forEachRemaining(row -> computed.put(row.id, row.values));
    }

    List<String> names = pipeline.featureNames();
    int compared = 0;
    int swapped = 0;
    try (BufferedReader reference = reference()) {
      String[] header = reference.readLine().split(",");
      for (String line = reference.readLine(); line != null; line = reference.readLine()) {
        String[] cells = line.split(",");
        double[] row = computed.get(cells[0]);
        assertThat(row).as("transaction %s", cells[0]).isNotNull();
        boolean equal = true;
        for (int i = 1; i < header.length; i++) {
          double expected = Double.parseDouble(cells[i]);
          double actual = row[names.indexOf(header[i])];
          boolean same =
              header[i].contains("_count_")
                  ? actual == expected
                  : Math.abs(actual - expected) <= 1e-9 * Math.max(1, Math.abs(expected));
          if (!same && !header[i].startsWith("customer_")) {
            assertThat(actual).as("%s of transaction %s", header[i], cells[0]).isEqualTo(expected);
          }
          equal &= same;
        }
        // The reference orders two transactions of one customer in one second arbitrarily.
        swapped += equal ? 0 : 1;
        compared++;
      }
    }
    assertThat(compared).isEqualTo(67_069);
    assertThat(computed).hasSize(compared);
    assertThat(swapped).isLessThanOrEqualTo(4);
  }

  private static BufferedReader reference() throws IOException {
    return new BufferedReader(
        new InputStreamReader(
            new GZIPInputStream(
                Files.newInputStream(
                    DATA.resolve("reference-features-2018-05-08_2018-05-14.csv.gz"))),
            StandardCharsets.UTF_8));
  }
}
