package io.pelton.expression;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.event.EventSchema;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.junit.jupiter.api.Test;

/** Closures against CEL's interpreter, on generated expressions and values. */
class ClosuresTest {
  private static final Schema TIMESTAMP =
      LogicalTypes.timestampMillis().addToSchema(Schema.create(Schema.Type.LONG));
  private static final EventSchema SCHEMA =
      new EventSchema(
          SchemaBuilder.record("E")
              .fields()
              .optionalDouble("x")
              .requiredDouble("y")
              .optionalLong("m")
              .requiredLong("n")
              .requiredString("s")
              .optionalBoolean("b")
              .name("at")
              .type(TIMESTAMP)
              .noDefault()
              .endRecord());
  private static final List<Object> DOUBLES =
      List.of(
          0.0, -0.0, 1.0, -1.5, 6.0, 1e300, Double.NaN, Double.POSITIVE_INFINITY, 0x1p53, 0x1p63);
  private static final List<Object> LONGS =
      List.of(0L, 1L, -1L, 6L, 7L, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 53, (1L << 53) + 1);
  private static final List<Object> TIMES =
      List.of(
          0L,
          Instant.parse("2018-04-01T05:30:00Z").toEpochMilli(),
          Instant.parse("2018-03-25T00:59:59.999Z").toEpochMilli(),
          Instant.parse("1900-12-31T23:59:59Z").toEpochMilli(),
          Instant.parse("0001-01-01T00:00:00Z").toEpochMilli(),
          Instant.parse("9999-12-31T23:59:59Z").toEpochMilli(),
          Long.MIN_VALUE);
  // Numbers of different types are ordered, but not equal: CEL does not let that compile.
  private static final List<String> ORDERS = List.of(" < ", " <= ", " > ", " >= ");
  private static final List<String> ZONES = List.of("", "'UTC'", "'America/New_York'", "'+02:00'");
  private static final List<String> GETTERS =
      List.of(
          "getFullYear",
          "getMonth",
          "getDayOfMonth",
          "getDate",
          "getDayOfYear",
          "getDayOfWeek",
          "getHours",
          "getMinutes",
          "getSeconds",
          "getMilliseconds");

  private final ExpressionCompiler compiler = new ExpressionCompiler(SCHEMA);
  private final Random random = new Random(7);

  private <T> T any(List<T> choices) {
    return choices.get(random.nextInt(choices.size()));
  }

  private String real(int depth) {
    return switch (random.nextInt(depth == 0 ? 3 : 8)) {
      case 0 -> "x";
      case 1 -> "y";
      case 2 -> any(List.of("0.0", "1.5", "6.0", "1e300"));
      case 3 -> "double(" + whole(depth - 1) + ")";
      case 4 -> "-(" + real(depth - 1) + ")";
      case 5 -> "(" + truth(depth - 1) + " ? " + real(depth - 1) + " : " + real(depth - 1) + ")";
      default ->
          "(" + real(depth - 1) + any(List.of(" + ", " - ", " * ", " / ")) + real(depth - 1) + ")";
    };
  }

  private String whole(int depth) {
    return switch (random.nextInt(depth == 0 ? 4 : 9)) {
      case 0 -> "m";
      case 1 -> "n";
      case 2 -> any(List.of("0", "1", "6", "9223372036854775807"));
      case 3 -> any(List.of("time", "at")) + "." + any(GETTERS) + "(" + any(ZONES) + ")";
      case 4 -> "int(" + (random.nextBoolean() ? real(depth - 1) : whole(depth - 1)) + ")";
      case 5 -> "-(" + whole(depth - 1) + ")";
      case 6 -> "(" + truth(depth - 1) + " ? " + whole(depth - 1) + " : " + whole(depth - 1) + ")";
      default ->
          "("
              + whole(depth - 1)
              + any(List.of(" + ", " - ", " * ", " / ", " % "))
              + whole(depth - 1)
              + ")";
    };
  }

  private String truth(int depth) {
    if (depth == 0) {
      return any(List.of("b", "true", "false", "s == 'a'", "s in ['a', 'b']", "x == null"));
    }
    String relation = random.nextInt(3) == 0 ? any(List.of(" == ", " != ")) : any(ORDERS);
    return switch (random.nextInt(8)) {
      case 0 -> "!(" + truth(depth - 1) + ")";
      case 1 -> "(" + truth(depth - 1) + " && " + truth(depth - 1) + ")";
      case 2 -> "(" + truth(depth - 1) + " || " + truth(depth - 1) + ")";
      case 3 -> "(" + whole(depth - 1) + relation + whole(depth - 1) + ")";
      case 4 -> "(" + real(depth - 1) + relation + real(depth - 1) + ")";
      case 5 -> "(" + real(depth - 1) + any(ORDERS) + whole(depth - 1) + ")";
      case 6 -> "(" + whole(depth - 1) + " in [0, 6, 7])";
      default -> truth(0);
    };
  }

  private Object[] event() {
    return new Object[] {
      random.nextInt(10) == 0 ? null : any(DOUBLES),
      any(DOUBLES),
      random.nextInt(10) == 0 ? null : any(LONGS),
      any(LONGS),
      any(List.of("a", "b", "")),
      random.nextInt(10) == 0 ? null : random.nextBoolean(),
      any(TIMES.subList(0, 6))
    };
  }

  @Test
  void giveWhatTheInterpreterGives() {
    int values = 0;
    for (int i = 0; i < 3_000; i++) {
      int depth = 1 + random.nextInt(3);
      String source =
          switch (random.nextInt(3)) {
            case 0 -> real(depth);
            case 1 -> whole(depth);
            default -> truth(depth);
          };
      Expression oracle = compiler.interpretedNumber(source);
      Expression compiled = compiler.number(source);
      for (int j = 0; j < 20; j++) {
        Object[] event = event();
        long time = (Long) any(TIMES);
        Object expected = outcome(oracle, event, time);
        assertThat(outcome(compiled, event, time))
            .as("%s of %s at %d", source, List.of(java.util.Arrays.toString(event)), time)
            .isEqualTo(expected);
        values += expected instanceof Double ? 1 : 0;
      }
    }
    assertThat(values).isGreaterThan(20_000);
  }

  private static Object outcome(Expression expression, Object[] event, long time) {
    try {
      return expression.number(event, time);
    } catch (ExpressionException e) {
      return e.getMessage();
    }
  }

  @Test
  void takeTheExpressionsOfTheCardFraudExample() {
    for (String source :
        List.of(
            "x >= 0.0",
            "time.getDayOfWeek('UTC') in [0, 6]",
            "time.getHours('UTC') <= 6",
            "x > 2.0 && b ? 10.0 : 20.0")) {
      assertThat(compiler.number(source).getClass().getSimpleName())
          .as(source)
          .isEqualTo("Compiled");
    }
  }
}
