package io.pelton.feature;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class EventIdsTest {
  @Test
  void ordersNumbersByValueBeforeText() {
    List<String> ordered =
        List.of(
            "0",
            "007",
            "07",
            "7",
            "9",
            "10",
            "99",
            "100",
            "18446744073709551616",
            "",
            "-1",
            "1a",
            "A",
            "a",
            "tx-10",
            "tx-9");
    List<String> shuffled = new ArrayList<>(ordered);
    for (int seed = 0; seed < 50; seed++) {
      Collections.shuffle(shuffled, new Random(seed));
      shuffled.sort(EventIds.ORDER);
      assertThat(shuffled).isEqualTo(ordered);
    }
  }
}
