package io.pelton.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.feature.FeatureRow;
import io.pelton.model.ScoredRow;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TensorFormatTest {
  private static final double[][] ROWS = {{0.25, 1, -3}, {0, 1e-3f, 7}};

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "FEATURES")
  void anEventBecomesItsRowsInOrder(TensorFormat format) throws Exception {
    List<FeatureRow> rows = new ArrayList<>();

    format.decode(format.encode("17", 1_234, ROWS), 3, rows::add);

    assertThat(rows).extracting(row -> row.id).containsExactly("17", "17");
    assertThat(rows).extracting(row -> row.time).containsExactly(1_234L, 1_234L);
    assertThat(rows).extracting(row -> row.values).containsExactly(ROWS);
    // Known at the latest with the last row.
    assertThat(rows.get(1).carried).containsExactly(2L);
  }

  @Test
  void scoresOfAnEventAreOneRecord() throws Exception {
    ScoredRow first =
        new ScoredRow(
            "17",
            1_234,
            new String[0],
            new Object[] {2L},
            ScoringJob.OTHER,
            ROWS[0],
            0,
            new double[] {0.5});

    String json =
        new String(
            TensorFormat.JSON.encodeScores(first, new double[] {0.5, 0.25}),
            StandardCharsets.UTF_8);

    assertThat(json)
        .isEqualTo(
            "{\"id\":\"17\",\"time\":1234,\"model\":\"other\",\"version\":1,"
                + "\"artifactDigest\":\"\",\"outputs\":[0.5,0.25]}");
  }
}
