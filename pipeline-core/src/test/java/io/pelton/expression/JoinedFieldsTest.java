package io.pelton.expression;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.event.EventSchema;
import io.pelton.event.FieldType;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Fields of reference tables, under names with a dot. */
class JoinedFieldsTest {
  private static final EventSchema SCHEMA =
      new EventSchema(SchemaBuilder.record("E").fields().requiredDouble("amount").endRecord())
          .plus(
              List.of(
                  new EventSchema.Field(
                      "shop.limit", FieldType.DOUBLE, true, Schema.create(Schema.Type.DOUBLE)),
                  new EventSchema.Field(
                      "shop.country", FieldType.STRING, true, Schema.create(Schema.Type.STRING)),
                  new EventSchema.Field(
                      "home.country", FieldType.STRING, true, Schema.create(Schema.Type.STRING)),
                  new EventSchema.Field(
                      "shop.time", FieldType.TIMESTAMP, true, Schema.create(Schema.Type.LONG))));

  private final ExpressionCompiler compiler = new ExpressionCompiler(SCHEMA);

  private static @Nullable Object[] fields(
      @Nullable Double limit, @Nullable String shop, @Nullable String home) {
    return new @Nullable Object[] {3.0, limit, shop, home, 1_000L};
  }

  @Test
  void areReadAsTheirQualifiedNameSays() {
    Expression limit = compiler.number("shop.limit");
    assertThat(limit.fields()).containsExactly("shop.limit");
    assertThat(limit.number(fields(5.0, "FR", "DE"), 0)).isEqualTo(5);
    assertThat(limit.number(fields(null, "FR", "DE"), 0)).isNaN();

    Expression over = compiler.number("amount / shop.limit");
    assertThat(over.fields()).containsExactlyInAnyOrder("amount", "shop.limit");
    assertThat(over.number(fields(6.0, "FR", "DE"), 0)).isEqualTo(0.5);
    assertThat(over.number(fields(null, "FR", "DE"), 0)).isNaN();

    Expression foreign = compiler.truth("shop.country != home.country");
    assertThat(foreign.truth(fields(1.0, "FR", "DE"), 0)).isTrue();
    assertThat(foreign.truth(fields(1.0, "FR", "FR"), 0)).isFalse();
    assertThat(compiler.truth("shop.country == null").truth(fields(1.0, null, "FR"), 0)).isTrue();
    assertThat(compiler.scalar("shop.country").value(fields(1.0, "FR", "DE"), 0)).isEqualTo("FR");
    assertThat(compiler.number("shop.time.getSeconds()").number(fields(1.0, "FR", "DE"), 0))
        .isEqualTo(1);
    assertThat(compiler.number("size(shop.country)").number(fields(1.0, "FR", "DE"), 0))
        .isEqualTo(2);
  }

  @Test
  void needNoInterpreterWhereFieldsOfTheEventNeedNone() {
    assertThat(compiler.number("shop.limit").getClass().getSimpleName())
        .isEqualTo("FieldReference");
    for (String source :
        List.of(
            "amount / shop.limit",
            "shop.country != home.country",
            "shop.country in ['FR', 'DE'] && shop.limit > 2.0",
            "shop.time.getHours('UTC')")) {
      assertThat(compiler.number(source).getClass().getSimpleName())
          .as(source)
          .isEqualTo("Compiled");
    }
  }

  @Test
  void haveTheTypesOfTheirSchema() {
    assertThatThrownBy(() -> compiler.number("shop.limit + home.country"))
        .isInstanceOf(ExpressionException.class)
        .hasMessageContaining("no matching overload");
    assertThatThrownBy(() -> compiler.number("shop.limits"))
        .isInstanceOf(ExpressionException.class)
        .hasMessageContaining("shop");
    assertThatThrownBy(() -> compiler.number("shop.country"))
        .hasMessageContaining("must be a number");
  }
}
