package io.pelton.expression;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.pelton.event.EventSchema;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.apache.avro.SchemaBuilder;
import org.junit.jupiter.api.Test;

class ExpressionFunctionTest {
  private static final EventSchema PLACES =
      new EventSchema(
          SchemaBuilder.record("Trip")
              .fields()
              .requiredDouble("lat")
              .requiredDouble("lon")
              .optionalDouble("home_lat")
              .requiredString("city")
              .requiredLong("stops")
              .requiredBoolean("fast")
              .endRecord());

  private static Object[] trip(Double homeLat) {
    return new Object[] {52.52, 13.405, homeLat, "Berlin", 3L, true};
  }

  private record Given(
      String name, List<Class<?>> parameters, Class<?> result, Function<Object[], Object> body)
      implements ExpressionFunction {
    @Override
    public Object apply(Object[] arguments) {
      return body.apply(arguments);
    }
  }

  private static ExpressionCompiler with(ExpressionFunction... functions) {
    return new ExpressionCompiler(PLACES, Functions.of(List.of(functions)));
  }

  @Test
  void aFunctionOfTheClassPathIsKnownToEveryExpression() {
    Expression distance =
        new ExpressionCompiler(PLACES).number("haversine(lat, lon, home_lat, 2.3522) * 1.0");
    // Berlin to Paris.
    assertThat(distance.number(trip(48.8566), 0)).isCloseTo(877.5, within(0.5));
    assertThat(distance.number(trip(null), 0)).as("of a missing place").isNaN();
    assertThat(distance.fields()).containsExactlyInAnyOrder("lat", "lon", "home_lat");
    assertThat(
            new ExpressionCompiler(PLACES)
                .truth("haversine(lat, lon, home_lat, 2.3522) > 500.0")
                .truth(trip(48.8566), 0))
        .isTrue();
  }

  @Test
  void whatAFunctionThrowsIsTheExpressionsError() {
    Expression distance =
        new ExpressionCompiler(PLACES).number("haversine(lat, lon, home_lat, 2.0)");
    assertThatThrownBy(() -> distance.number(trip(91.0), 0))
        .isInstanceOf(ExpressionException.class)
        .hasMessageContaining("\"haversine(lat, lon, home_lat, 2.0)\" has no value")
        .hasMessageContaining("91.0 is no latitude, which is from -90 to 90");
    Expression liar =
        with(new Given("liar", List.of(), Double.class, a -> "text")).number("liar()");
    assertThatThrownBy(() -> liar.number(trip(1.0), 0))
        .isInstanceOf(ExpressionException.class)
        .hasMessageContaining("gave text, but is declared to give a Double");
  }

  @Test
  void argumentsAreHeldToTheirTypes() {
    assertThatThrownBy(
            () -> new ExpressionCompiler(PLACES).number("haversine(lat, lon, city, 2.0)"))
        .isInstanceOf(ExpressionException.class)
        .hasMessageContaining("found no matching overload for 'haversine'");
  }

  @Test
  void everyTypeGoesInAndOutWithTheInterpreterAndWithout() {
    ExpressionCompiler compiler =
        with(
            new Given(
                "upper",
                List.of(String.class),
                String.class,
                a -> ((String) a[0]).toUpperCase(Locale.ROOT)),
            new Given(
                "length", List.of(String.class), Long.class, a -> (long) ((String) a[0]).length()),
            new Given("not", List.of(Boolean.class), Boolean.class, a -> !(Boolean) a[0]),
            new Given("half", List.of(Long.class), Double.class, a -> (Long) a[0] / 2.0));
    for (String source :
        List.of(
            "length(upper(city)) + stops",
            "half(length(city)) / 2.0",
            "not(fast) || upper(city) == 'BERLIN'",
            "not(half(stops) > 1.0)")) {
      assertThat(compiler.number(source).number(trip(1.0), 0))
          .as(source)
          .isEqualTo(compiler.interpretedNumber(source).number(trip(1.0), 0));
    }
    assertThat(compiler.number("length(upper(city)) + stops").number(trip(1.0), 0)).isEqualTo(9);
    assertThat(compiler.scalar("upper(city)").value(trip(1.0), 0)).isEqualTo("BERLIN");
  }

  @Test
  void aCallNeedsNoInterpreter() {
    AtomicInteger deepest = new AtomicInteger();
    Expression expression =
        with(new Given(
                "depth",
                List.of(Double.class),
                Double.class,
                a -> {
                  StackTraceElement[] stack = new Throwable().getStackTrace();
                  for (StackTraceElement frame : stack) {
                    deepest.addAndGet(frame.getClassName().startsWith("dev.cel") ? 1 : 0);
                  }
                  return (Double) a[0] + 1;
                }))
            .number("depth(lat) * 2.0");
    assertThat(expression.number(trip(1.0), 0)).isCloseTo(107.04, within(1e-9));
    assertThat(deepest).hasValue(0);
  }

  @Test
  void clashesOfNamesNameBoth() {
    ExpressionFunction one = new Given("twice", List.of(), Long.class, a -> 2L);
    assertThatThrownBy(() -> with(one, new Haversine(), one))
        .hasMessageContaining(
            "function \"twice\" of io.pelton.expression.ExpressionFunctionTest$Given")
        .hasMessageContaining("has the name of that of io.pelton");
    for (String name : List.of("size", "matches", "timestamp", "has", "getHours")) {
      assertThatThrownBy(() -> with(new Given(name, List.of(), Long.class, a -> 2L)))
          .hasMessageContaining("has the name of CEL's own " + name);
    }
    assertThatThrownBy(() -> with(new Given("top-2", List.of(), Long.class, a -> 2L)))
        .hasMessageContaining("a name has letters, digits and underscores");
    assertThatThrownBy(() -> with(new Given("f", List.of(Integer.class), Long.class, a -> 2L)))
        .hasMessageContaining("type java.lang.Integer; choose Double, Long, Boolean or String");
  }
}
