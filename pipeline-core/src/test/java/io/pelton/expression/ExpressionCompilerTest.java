package io.pelton.expression;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.event.EventSchema;
import java.time.Instant;
import org.apache.avro.SchemaBuilder;
import org.junit.jupiter.api.Test;

class ExpressionCompilerTest {
  private final ExpressionCompiler compiler =
      new ExpressionCompiler(
          new EventSchema(
              SchemaBuilder.record("E")
                  .fields()
                  .optionalDouble("amount")
                  .requiredLong("count")
                  .requiredString("currency")
                  .requiredBoolean("online")
                  .endRecord()));
  private static final long SUNDAY = Instant.parse("2018-04-01T05:30:00Z").toEpochMilli();

  private double number(String source, Object... fields) {
    return compiler.number(source).number(fields, SUNDAY);
  }

  @Test
  void readsFieldsTimesAndNumbersOfMixedTypes() {
    assertThat(number("amount", 2.5, 3L, "EUR", true)).isEqualTo(2.5);
    assertThat(number("count", 2.5, 3L, "EUR", true)).isEqualTo(3);
    assertThat(number("online", 2.5, 3L, "EUR", true)).isEqualTo(1);
    assertThat(number("amount * double(count)", 2.5, 3L, "EUR", true)).isEqualTo(7.5);
    assertThat(number("amount >= 0", 2.5, 3L, "EUR", true)).isEqualTo(1);
    assertThat(number("currency == 'EUR'", 2.5, 3L, "EUR", true)).isEqualTo(1);
    assertThat(number("time.getDayOfWeek('UTC') in [0, 6]", 2.5, 3L, "EUR", true)).isEqualTo(1);
    assertThat(number("time.getHours('UTC') <= 6", 2.5, 3L, "EUR", true)).isEqualTo(1);
    assertThat(number("amount > 2.0 && online ? 10.0 : 20.0", 2.5, 3L, "EUR", true)).isEqualTo(10);
  }

  @Test
  void nullFieldsMakeAMissingValueAndABrokenRule() {
    assertThat(number("amount", null, 3L, "EUR", true)).isNaN();
    assertThat(number("amount * 2.0", null, 3L, "EUR", true)).isNaN();
    assertThat(number("amount == null ? -1.0 : amount", null, 3L, "EUR", true)).isEqualTo(-1);
    assertThat(compiler.truth("amount >= 0.0").truth(new Object[] {null, 3L, "EUR", true}, SUNDAY))
        .isFalse();
    assertThat(
            compiler
                .truth("amount >= 0.0")
                .truth(new Object[] {Double.NaN, 3L, "EUR", true}, SUNDAY))
        .isFalse();
  }

  @Test
  void saysWhatDoesNotCompile() {
    assertThatThrownBy(() -> compiler.number("amont + 1.0"))
        .isInstanceOf(ExpressionException.class)
        .hasMessageContaining("amont");
    assertThatThrownBy(() -> compiler.number("currency"))
        .hasMessageContaining("must be a number")
        .hasMessageContaining("string");
    assertThatThrownBy(() -> compiler.truth("amount")).hasMessageContaining("must be a truth");
  }

  @Test
  void saysWhatHasNoValue() {
    Expression division = compiler.number("10 / count");
    assertThatThrownBy(() -> division.number(new Object[] {1.0, 0L, "EUR", true}, SUNDAY))
        .isInstanceOf(ExpressionException.class)
        .hasMessageContaining("10 / count");
  }
}
