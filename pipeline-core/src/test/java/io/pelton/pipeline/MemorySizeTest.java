package io.pelton.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class MemorySizeTest {
  @ParameterizedTest
  @CsvSource({"1B, 1", "200MB, 209715200", "2 GB, 2147483648", "1023KB, 1047552"})
  void readsWhatItWrites(String text, long bytes) {
    assertThat(MemorySize.parse(text).bytes()).isEqualTo(bytes);
    assertThat(new MemorySize(bytes).toString()).isEqualTo(text.replace(" ", ""));
  }

  @Test
  void roundsWhatIsNoWholeNumber() {
    assertThat(new MemorySize(1_600_000).toString()).isEqualTo("1.5MB");
  }

  @ParameterizedTest
  @ValueSource(strings = {"200", "MB", "-1MB", "1.5GB", "200 mb", "9999999999TB", "0MB"})
  void refusesWhatIsNoAmount(String text) {
    assertThatThrownBy(() -> MemorySize.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("\"" + text + "\" is ");
  }
}
