package io.pelton.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class AccountTest {
  @Test
  void anAccountThatDoesNotAddUpIsSaid() {
    assertThat(
            Account.broken(
                Map.of(
                    "feature.in",
                    10L,
                    "feature.out",
                    6L,
                    "feature.late",
                    1L,
                    "feature.dead",
                    2L,
                    "feature.dead_rows",
                    1L)))
        .isEmpty();
    assertThat(Account.broken(Map.of("feature.in", 10L, "feature.out", 9L)))
        .containsExactly(
            "feature.in 10 is not feature.out 9 + feature.late 0 + feature.late_rows 0 + feature.dead 0 + feature.dead_joined 0 + feature.duplicates 0 + feature.dead_rows 0 + feature.history 0");
    assertThat(
            Account.broken(
                Map.of(
                    "feature.in", 5L, "feature.out", 5L, "inference.in", 5L, "inference.out", 4L)))
        .singleElement()
        .asString()
        .startsWith("inference.in 5 is not");
  }
}
