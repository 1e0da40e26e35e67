package io.pelton.parity;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.pelton.feature.FeatureRow;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ParityReportTest {
  private final ParityTally tally = new ParityTally(List.of("amount", "count"), List.of("places"));

  private static FeatureRow row(String id, double amount, double count) {
    FeatureRow row =
        new FeatureRow(id, 1_000, new String[] {"c"}, new double[] {amount, count}, new Object[0]);
    row.maps = FeatureRow.maps(1);
    return row;
  }

  private static ParityRow pair(
      String id, Map<String, Double> logged, Map<String, Double> replayed) {
    FeatureRow left = row(id, 1, 1);
    left.maps[0] = logged;
    FeatureRow right = row(id, 1, 1);
    right.maps[0] = replayed;
    return ParityRow.of(left, right);
  }

  private static ParityRow pair(String id, double logged, double replayed) {
    return ParityRow.of(row(id, logged, 1), row(id, replayed, 1));
  }

  private ParityReport report(long late) {
    return new ParityReport("card-fraud", 0, 10_000, late, tally);
  }

  @Test
  void valuesAgreeWhenTheyAreTheSameToTheBitOrBothMissing() {
    tally.add(pair("1", 1.5, 1.5));
    tally.add(pair("2", Double.NaN, Double.NaN));
    assertThat(report(0).agrees()).isTrue();
    tally.add(pair("3", 0.0, -0.0));
    tally.add(pair("4", Double.NaN, 1));
    tally.add(pair("5", 2, Math.nextUp(2.0)));
    assertThat(report(0).agrees()).isFalse();
    assertThat(tally.mismatches()).isEqualTo(3);
    assertThat(tally.columns().get(0).untouched().largest()).isEqualTo(Math.ulp(2.0));
  }

  @Test
  void mapsAgreeWhenTheyHaveTheSameKeysAndValues() throws Exception {
    tally.add(pair("1", Map.of("a", 1.0, "b", Double.NaN), Map.of("b", Double.NaN, "a", 1.0)));
    tally.add(pair("2", Map.of(), Map.of()));
    assertThat(report(0).agrees()).isTrue();
    tally.add(
        pair("3", Map.of("a", 1.0, "b", 2.0, "c", 5.0), Map.of("a", 1.0, "b", 2.5, "c", 2.0)));
    tally.add(pair("4", Map.of("a", 100.0), Map.of()));
    tally.add(pair("5", Map.of(), Map.of("d", 100.0)));
    tally.add(pair("6", Map.of("a", Double.NaN), Map.of()));
    assertThat(report(0).agrees()).isFalse();
    ParityTally.Differences places = tally.columns().get(2).untouched();
    assertThat(places.compared()).isEqualTo(6);
    assertThat(places.mismatches()).isEqualTo(4);
    assertThat(places.largest()).as("of values that are both there").isEqualTo(3);
    assertThat(report(0).text())
        .contains(
            "event 3 of 1970-01-01T00:00:01Z: places['b'] was served as 2.0, history gives 2.5")
        .contains(
            "event 4 of 1970-01-01T00:00:01Z: places['a'] was served as 100.0, history gives missing")
        .contains(
            "event 5 of 1970-01-01T00:00:01Z: places['d'] was served as missing, history gives 100.0");
    JsonNode first =
        new ObjectMapper().readTree(report(0).json()).get("features").get(2).get("examples").get(0);
    assertThat(first.get("key").asText()).isEqualTo("b");
    assertThat(first.get("replayed").asDouble()).isEqualTo(2.5);
  }

  @Test
  void touchedFeaturesAreCountedApart() {
    ParityRow touched = pair("1", 1, 3);
    touched.touched[0] = true;
    tally.add(touched);
    ParityRow map = pair("2", Map.of("a", 1.0), Map.of());
    map.touched[2] = true;
    tally.add(map);
    assertThat(report(0).agrees()).isTrue();
    assertThat(tally.touchedRows()).isEqualTo(2);
    assertThat(tally.columns().get(2).touched().mismatches()).isEqualTo(1);
    assertThat(tally.columns().get(0).untouched().compared()).isEqualTo(1);
    assertThat(tally.columns().get(0).touched().mismatches()).isEqualTo(1);
    assertThat(tally.columns().get(0).touched().largest()).isEqualTo(2);
    assertThat(tally.columns().get(1).untouched().compared()).isEqualTo(2);
  }

  @Test
  void aRowThatIsMissingOnOneSideDiffersButForKnownLateEvents() {
    tally.add(ParityRow.of(null, row("1", 1, 1)));
    assertThat(report(0).agrees()).isFalse();
    assertThat(report(1).agrees()).isTrue();
    tally.add(ParityRow.of(row("2", 1, 1), null));
    assertThat(report(1).agrees()).isFalse();
    assertThat(report(1).text()).contains("1 rows are in the log only").contains("differ");
  }

  @Test
  void namesWhatDiffers() throws Exception {
    tally.add(pair("4711", 2.5, 3));
    assertThat(report(0).text())
        .contains("event 4711 of 1970-01-01T00:00:01Z: amount was served as 2.5, history gives 3.0")
        .contains("the log and history differ");
    JsonNode json = new ObjectMapper().readTree(report(0).json());
    assertThat(json.get("agrees").asBoolean()).isFalse();
    JsonNode amount = json.get("features").get(0);
    assertThat(amount.get("mismatches").asInt()).isEqualTo(1);
    assertThat(amount.get("examples").get(0).get("id").asText()).isEqualTo("4711");
    assertThat(amount.get("examples").get(0).get("logged").asDouble()).isEqualTo(2.5);
  }

  @Test
  void talliesOfPartsGiveTheSameInAnyOrder() {
    ParityTally one = new ParityTally(List.of("amount", "count"), List.of("places"));
    ParityTally other = new ParityTally(List.of("amount", "count"), List.of("places"));
    for (int i = 9; i >= 0; i--) {
      ParityRow row = pair(Integer.toString(i), i, i % 3);
      row.loggedMaps[0] = Map.of("a", 1.0 * i);
      tally.add(row);
      (i % 2 == 0 ? one : other).add(row);
    }
    ParityTally merged = new ParityTally(List.of("amount", "count"), List.of("places"));
    merged.merge(other);
    merged.merge(one);
    assertThat(new ParityReport("p", 0, 1, 0, merged).json())
        .isEqualTo(new ParityReport("p", 0, 1, 0, tally).json());
  }
}
