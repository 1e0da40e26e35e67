package io.pelton.expression;

import dev.cel.common.CelAbstractSyntaxTree;
import dev.cel.common.ast.CelConstant;
import dev.cel.common.ast.CelExpr;
import dev.cel.common.types.CelType;
import dev.cel.common.types.NullableType;
import dev.cel.common.types.SimpleType;
import io.pelton.event.EventSchema;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.zone.ZoneRules;
import java.util.List;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The common part of checked CEL as closures over primitive values: fields, constants, arithmetic,
 * comparisons, logic, {@code ?:}, {@code in [constants]}, {@code int()}, {@code double()}, the
 * getters of a time with a constant zone and functions of the user's own. They are some thirty
 * times as fast as the interpreter, and give what it gives or give up: wherever a value is unusual
 * (an overflow, a division by zero, NaN or signed zeros compared, a number that a double does not
 * hold) they throw {@link GiveUp}, and the interpreter decides. Fields must not be null.
 */
final class Closures {
  /** Not decided here. */
  static final class GiveUp extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private static final GiveUp INSTANCE = new GiveUp();

    private GiveUp() {
      super("left to the interpreter", null, false, false);
    }
  }

  interface Truth {
    boolean of(@Nullable Object[] fields, long time);
  }

  interface Whole {
    long of(@Nullable Object[] fields, long time);
  }

  interface Real {
    double of(@Nullable Object[] fields, long time);
  }

  private interface Text {
    String of(@Nullable Object[] fields, long time);
  }

  private interface Boxed {
    Object of(@Nullable Object[] fields, long time);
  }

  /** Compares without a NaN; {@code sign} is that of the first value less the second. */
  private interface Relation {
    boolean holds(int sign);
  }

  private static final String TIME = "time";
  private static final long EXACT = 1L << 53;
  private static final long EARLIEST = Instant.parse("0001-01-02T00:00:00Z").toEpochMilli();
  private static final long LATEST = Instant.parse("9999-12-30T00:00:00Z").toEpochMilli();
  private static final long DAY = 86_400_000;
  private static final long HOUR = 3_600_000;
  private static final long MINUTE = 60_000;
  private static final long SECOND = 1_000;

  private final CelAbstractSyntaxTree tree;
  private final EventSchema schema;

  private final Functions functions;

  private Closures(CelAbstractSyntaxTree tree, EventSchema schema, Functions functions) {
    this.tree = tree;
    this.schema = schema;
    this.functions = functions;
  }

  /** Value as a number, a truth being 1 or 0; null where the interpreter must do it. */
  static @Nullable Real number(
      CelAbstractSyntaxTree tree, EventSchema schema, Functions functions) {
    Closures closures = new Closures(tree, schema, functions);
    CelExpr root = tree.getExpr();
    if (closures.is(root, SimpleType.DOUBLE)) {
      return closures.real(root);
    }
    Whole whole = closures.whole(root);
    if (whole != null) {
      return (fields, time) -> whole.of(fields, time);
    }
    Truth truth = closures.truth(root);
    return truth == null ? null : (fields, time) -> truth.of(fields, time) ? 1 : 0;
  }

  /** Null where the interpreter must do it. */
  static @Nullable Truth truth(
      CelAbstractSyntaxTree tree, EventSchema schema, Functions functions) {
    return new Closures(tree, schema, functions).truth(tree.getExpr());
  }

  private @Nullable CelType type(CelExpr expression) {
    CelType type = tree.getType(expression.id()).orElse(null);
    return type instanceof NullableType nullable ? nullable.targetType() : type;
  }

  private boolean is(CelExpr expression, CelType type) {
    return type.equals(type(expression));
  }

  private boolean are(List<CelExpr> expressions, CelType type) {
    return expressions.stream().allMatch(expression -> is(expression, type));
  }

  private static CelExpr.ExprKind.Kind kind(CelExpr expression) {
    return expression.exprKind().getKind();
  }

  /** Position of the field that an expression is, -1 when it is none. */
  private int field(CelExpr expression) {
    return kind(expression) == CelExpr.ExprKind.Kind.IDENT
            && !expression.ident().name().equals(TIME)
        ? schema.indexOf(expression.ident().name())
        : -1;
  }

  private static @Nullable CelConstant constant(CelExpr expression, CelConstant.Kind kind) {
    return kind(expression) == CelExpr.ExprKind.Kind.CONSTANT
            && expression.constant().getKind() == kind
        ? expression.constant()
        : null;
  }

  /** A call of a function that is no method, with that many arguments. */
  private static boolean isCall(CelExpr expression, int arguments) {
    return kind(expression) == CelExpr.ExprKind.Kind.CALL
        && expression.call().target().isEmpty()
        && expression.call().args().size() == arguments;
  }

  @SuppressWarnings("unchecked")
  private static <T> T value(@Nullable Object value) {
    if (value == null) {
      throw GiveUp.INSTANCE;
    }
    return (T) value;
  }

  /** A call of a function of the user's own; what it throws is the interpreter's to tell. */
  @SuppressWarnings("IllegalCatch")
  private @Nullable Boxed called(CelExpr expression) {
    if (kind(expression) != CelExpr.ExprKind.Kind.CALL || expression.call().target().isPresent()) {
      return null;
    }
    ExpressionFunction function = functions.find(expression.call().function());
    if (function == null) {
      return null;
    }
    List<CelExpr> given = expression.call().args();
    Boxed[] arguments = new Boxed[given.size()];
    for (int i = 0; i < arguments.length; i++) {
      Boxed argument = boxed(given.get(i));
      if (argument == null) {
        return null;
      }
      arguments[i] = argument;
    }
    return (fields, time) -> {
      Object[] values = new Object[arguments.length];
      for (int i = 0; i < values.length; i++) {
        values[i] = arguments[i].of(fields, time);
      }
      try {
        return Functions.checked(function, values);
      } catch (RuntimeException e) {
        throw GiveUp.INSTANCE;
      }
    };
  }

  private @Nullable Boxed boxed(CelExpr expression) {
    Real real = real(expression);
    if (real != null) {
      return (fields, time) -> real.of(fields, time);
    }
    Whole whole = whole(expression);
    if (whole != null) {
      return (fields, time) -> whole.of(fields, time);
    }
    Truth truth = truth(expression);
    if (truth != null) {
      return (fields, time) -> truth.of(fields, time);
    }
    Text text = text(expression);
    return text == null ? null : (fields, time) -> text.of(fields, time);
  }

  private @Nullable Truth truth(CelExpr expression) {
    if (!is(expression, SimpleType.BOOL)) {
      return null;
    }
    Boxed called = called(expression);
    if (called != null) {
      return (fields, time) -> (Boolean) called.of(fields, time);
    }
    CelConstant constant = constant(expression, CelConstant.Kind.BOOLEAN_VALUE);
    if (constant != null) {
      boolean value = constant.booleanValue();
      return (fields, time) -> value;
    }
    int field = field(expression);
    if (field >= 0) {
      return (fields, time) -> Closures.<Boolean>value(fields[field]);
    }
    if (isCall(expression, 3)) {
      return choice(expression);
    }
    if (isCall(expression, 1)) {
      Truth argument =
          expression.call().function().equals("!_") ? truth(expression.call().args().get(0)) : null;
      return argument == null ? null : (fields, time) -> !argument.of(fields, time);
    }
    if (!isCall(expression, 2)) {
      return null;
    }
    CelExpr left = expression.call().args().get(0);
    CelExpr right = expression.call().args().get(1);
    return switch (expression.call().function()) {
      case "_&&_" -> {
        Truth a = truth(left);
        Truth b = truth(right);
        yield a == null || b == null
            ? null
            : (fields, time) -> a.of(fields, time) && b.of(fields, time);
      }
      case "_||_" -> {
        Truth a = truth(left);
        Truth b = truth(right);
        yield a == null || b == null
            ? null
            : (fields, time) -> a.of(fields, time) || b.of(fields, time);
      }
      case "_<_" -> compared(left, right, sign -> sign < 0);
      case "_<=_" -> compared(left, right, sign -> sign <= 0);
      case "_>_" -> compared(left, right, sign -> sign > 0);
      case "_>=_" -> compared(left, right, sign -> sign >= 0);
      case "_==_" -> equal(left, right, true);
      case "_!=_" -> equal(left, right, false);
      case "@in" -> member(left, right);
      default -> null;
    };
  }

  private @Nullable Truth choice(CelExpr expression) {
    Truth condition = condition(expression);
    Truth a = condition == null ? null : truth(expression.call().args().get(1));
    Truth b = condition == null ? null : truth(expression.call().args().get(2));
    return condition == null || a == null || b == null
        ? null
        : (fields, time) -> condition.of(fields, time) ? a.of(fields, time) : b.of(fields, time);
  }

  private @Nullable Truth condition(CelExpr expression) {
    return expression.call().function().equals("_?_:_")
        ? truth(expression.call().args().get(0))
        : null;
  }

  private @Nullable Truth compared(CelExpr left, CelExpr right, Relation relation) {
    if (is(left, SimpleType.INT) && is(right, SimpleType.INT)) {
      Whole a = whole(left);
      Whole b = whole(right);
      return a == null || b == null
          ? null
          : (fields, time) -> relation.holds(Long.compare(a.of(fields, time), b.of(fields, time)));
    }
    Real a = widened(left);
    Real b = widened(right);
    return a == null || b == null
        ? null
        : (fields, time) -> relation.holds(sign(a.of(fields, time), b.of(fields, time)));
  }

  private static int sign(double a, double b) {
    if (a < b) {
      return -1;
    }
    if (a > b) {
      return 1;
    }
    if (Double.doubleToRawLongBits(a) != Double.doubleToRawLongBits(b) || Double.isNaN(a)) {
      throw GiveUp.INSTANCE;
    }
    return 0;
  }

  /** A double, or a whole number that a double holds. */
  private @Nullable Real widened(CelExpr expression) {
    return is(expression, SimpleType.INT) ? exact(whole(expression)) : real(expression);
  }

  private static @Nullable Real exact(@Nullable Whole whole) {
    return whole == null
        ? null
        : (fields, time) -> {
          long value = whole.of(fields, time);
          if (value > EXACT || value < -EXACT) {
            throw GiveUp.INSTANCE;
          }
          return value;
        };
  }

  private @Nullable Truth equal(CelExpr left, CelExpr right, boolean wanted) {
    if (is(left, SimpleType.BOOL) && is(right, SimpleType.BOOL)) {
      Truth a = truth(left);
      Truth b = truth(right);
      return a == null || b == null
          ? null
          : (fields, time) -> (a.of(fields, time) == b.of(fields, time)) == wanted;
    }
    if (is(left, SimpleType.STRING) && is(right, SimpleType.STRING)) {
      Text a = text(left);
      Text b = text(right);
      return a == null || b == null
          ? null
          : (fields, time) -> a.of(fields, time).equals(b.of(fields, time)) == wanted;
    }
    return compared(left, right, sign -> (sign == 0) == wanted);
  }

  private @Nullable Truth member(CelExpr element, CelExpr list) {
    if (kind(list) != CelExpr.ExprKind.Kind.LIST || !list.list().optionalIndices().isEmpty()) {
      return null;
    }
    List<CelExpr> elements = list.list().elements();
    if (is(element, SimpleType.INT)
        && elements.stream().allMatch(e -> constant(e, CelConstant.Kind.INT64_VALUE) != null)) {
      Whole value = whole(element);
      long[] members = elements.stream().mapToLong(e -> e.constant().int64Value()).toArray();
      return value == null
          ? null
          : (fields, time) -> {
            long sought = value.of(fields, time);
            for (long member : members) {
              if (member == sought) {
                return true;
              }
            }
            return false;
          };
    }
    if (is(element, SimpleType.STRING)
        && elements.stream().allMatch(e -> constant(e, CelConstant.Kind.STRING_VALUE) != null)) {
      Text value = text(element);
      List<String> members = elements.stream().map(e -> e.constant().stringValue()).toList();
      return value == null ? null : (fields, time) -> members.contains(value.of(fields, time));
    }
    return null;
  }

  private @Nullable Text text(CelExpr expression) {
    CelConstant constant = constant(expression, CelConstant.Kind.STRING_VALUE);
    if (constant != null) {
      String value = constant.stringValue();
      return (fields, time) -> value;
    }
    Boxed called = is(expression, SimpleType.STRING) ? called(expression) : null;
    if (called != null) {
      return (fields, time) -> (String) called.of(fields, time);
    }
    int field = field(expression);
    return field < 0 || !is(expression, SimpleType.STRING)
        ? null
        : (fields, time) -> value(fields[field]);
  }

  private @Nullable Real real(CelExpr expression) {
    if (!is(expression, SimpleType.DOUBLE)) {
      return null;
    }
    Boxed called = called(expression);
    if (called != null) {
      return (fields, time) -> (Double) called.of(fields, time);
    }
    CelConstant constant = constant(expression, CelConstant.Kind.DOUBLE_VALUE);
    if (constant != null) {
      double value = constant.doubleValue();
      return (fields, time) -> value;
    }
    int field = field(expression);
    if (field >= 0) {
      return (fields, time) -> Closures.<Double>value(fields[field]);
    }
    if (isCall(expression, 1)) {
      CelExpr argument = expression.call().args().get(0);
      return switch (expression.call().function()) {
        case "double" -> {
          // A whole number beyond 2^53 is rounded as Java rounds it.
          Whole whole = is(argument, SimpleType.INT) ? whole(argument) : null;
          yield whole == null ? real(argument) : (fields, time) -> whole.of(fields, time);
        }
        case "-_" -> {
          Real value = real(argument);
          yield value == null ? null : (fields, time) -> -value.of(fields, time);
        }
        default -> null;
      };
    }
    if (isCall(expression, 3)) {
      Truth condition = condition(expression);
      Real a = condition == null ? null : real(expression.call().args().get(1));
      Real b = condition == null ? null : real(expression.call().args().get(2));
      return condition == null || a == null || b == null
          ? null
          : (fields, time) -> condition.of(fields, time) ? a.of(fields, time) : b.of(fields, time);
    }
    if (!isCall(expression, 2) || !are(expression.call().args(), SimpleType.DOUBLE)) {
      return null;
    }
    Real a = real(expression.call().args().get(0));
    Real b = real(expression.call().args().get(1));
    if (a == null || b == null) {
      return null;
    }
    return switch (expression.call().function()) {
      case "_+_" -> (fields, time) -> a.of(fields, time) + b.of(fields, time);
      case "_-_" -> (fields, time) -> a.of(fields, time) - b.of(fields, time);
      case "_*_" -> (fields, time) -> a.of(fields, time) * b.of(fields, time);
      case "_/_" -> (fields, time) -> a.of(fields, time) / b.of(fields, time);
      default -> null;
    };
  }

  private @Nullable Whole whole(CelExpr expression) {
    if (!is(expression, SimpleType.INT)) {
      return null;
    }
    Boxed called = called(expression);
    if (called != null) {
      return (fields, time) -> (Long) called.of(fields, time);
    }
    CelConstant constant = constant(expression, CelConstant.Kind.INT64_VALUE);
    if (constant != null) {
      long value = constant.int64Value();
      return (fields, time) -> value;
    }
    int field = field(expression);
    if (field >= 0) {
      return (fields, time) -> Closures.<Long>value(fields[field]);
    }
    if (kind(expression) == CelExpr.ExprKind.Kind.CALL && expression.call().target().isPresent()) {
      return getter(expression.call());
    }
    if (isCall(expression, 1)) {
      return ofOne(expression.call().function(), expression.call().args().get(0));
    }
    if (isCall(expression, 3)) {
      Truth condition = condition(expression);
      Whole a = condition == null ? null : whole(expression.call().args().get(1));
      Whole b = condition == null ? null : whole(expression.call().args().get(2));
      return condition == null || a == null || b == null
          ? null
          : (fields, time) -> condition.of(fields, time) ? a.of(fields, time) : b.of(fields, time);
    }
    if (!isCall(expression, 2) || !are(expression.call().args(), SimpleType.INT)) {
      return null;
    }
    Whole a = whole(expression.call().args().get(0));
    Whole b = whole(expression.call().args().get(1));
    return a == null || b == null ? null : ofTwo(expression.call().function(), a, b);
  }

  private @Nullable Whole ofOne(String function, CelExpr argument) {
    Whole whole = whole(argument);
    if (whole != null) {
      return switch (function) {
        case "int" -> whole;
        case "-_" ->
            (fields, time) -> {
              long value = whole.of(fields, time);
              if (value == Long.MIN_VALUE) {
                throw GiveUp.INSTANCE;
              }
              return -value;
            };
        default -> null;
      };
    }
    Real real = function.equals("int") ? real(argument) : null;
    return real == null
        ? null
        : (fields, time) -> {
          double value = real.of(fields, time);
          if (!(Math.abs(value) < EXACT)) {
            throw GiveUp.INSTANCE;
          }
          return (long) value;
        };
  }

  private static @Nullable Whole ofTwo(String function, Whole a, Whole b) {
    return switch (function) {
      case "_+_" ->
          (fields, time) -> {
            long x = a.of(fields, time);
            long y = b.of(fields, time);
            long sum = x + y;
            if (((x ^ sum) & (y ^ sum)) < 0) {
              throw GiveUp.INSTANCE;
            }
            return sum;
          };
      case "_-_" ->
          (fields, time) -> {
            long x = a.of(fields, time);
            long y = b.of(fields, time);
            long difference = x - y;
            if (((x ^ y) & (x ^ difference)) < 0) {
              throw GiveUp.INSTANCE;
            }
            return difference;
          };
      case "_*_" ->
          (fields, time) -> {
            long x = a.of(fields, time);
            long y = b.of(fields, time);
            long product = x * y;
            if (Math.multiplyHigh(x, y) != product >> (Long.SIZE - 1)) {
              throw GiveUp.INSTANCE;
            }
            return product;
          };
      case "_/_" -> (fields, time) -> dividend(a, fields, time) / divisor(b, fields, time);
      case "_%_" -> (fields, time) -> dividend(a, fields, time) % divisor(b, fields, time);
      default -> null;
    };
  }

  private static long dividend(Whole whole, @Nullable Object[] fields, long time) {
    long value = whole.of(fields, time);
    if (value == Long.MIN_VALUE) {
      throw GiveUp.INSTANCE;
    }
    return value;
  }

  private static long divisor(Whole whole, @Nullable Object[] fields, long time) {
    long value = whole.of(fields, time);
    if (value == 0) {
      throw GiveUp.INSTANCE;
    }
    return value;
  }

  private @Nullable Whole getter(CelExpr.CelCall call) {
    Whole at = call.target().map(this::timestamp).orElse(null);
    ZoneRules rules = rules(call.args());
    if (at == null || rules == null) {
      return null;
    }
    return switch (call.function()) {
      case "getHours" -> (fields, time) -> ofDay(at.of(fields, time), rules) / HOUR;
      case "getMinutes" -> (fields, time) -> ofDay(at.of(fields, time), rules) / MINUTE % 60;
      case "getSeconds" -> (fields, time) -> ofDay(at.of(fields, time), rules) / SECOND % 60;
      case "getMilliseconds" -> (fields, time) -> ofDay(at.of(fields, time), rules) % SECOND;
      // The first of January 1970 was a Thursday, and weeks begin on Sunday, which is 0.
      case "getDayOfWeek" ->
          (fields, time) ->
              Math.floorMod(Math.floorDiv(local(at.of(fields, time), rules), DAY) + 4, 7L);
      case "getFullYear" -> calendar(at, rules, ZonedDateTime::getYear);
      case "getMonth" -> calendar(at, rules, date -> date.getMonthValue() - 1);
      case "getDayOfMonth" -> calendar(at, rules, date -> date.getDayOfMonth() - 1);
      case "getDate" -> calendar(at, rules, ZonedDateTime::getDayOfMonth);
      case "getDayOfYear" -> calendar(at, rules, date -> date.getDayOfYear() - 1);
      default -> null;
    };
  }

  private @Nullable Whole timestamp(CelExpr expression) {
    if (!is(expression, SimpleType.TIMESTAMP) || kind(expression) != CelExpr.ExprKind.Kind.IDENT) {
      return null;
    }
    int field = field(expression);
    return field < 0
        ? (fields, time) -> inRange(time)
        : (fields, time) -> inRange(Closures.<Long>value(fields[field]));
  }

  private static long inRange(long millis) {
    if (millis < EARLIEST || millis > LATEST) {
      throw GiveUp.INSTANCE;
    }
    return millis;
  }

  /** Rules of a getter's zone: UTC without one, null when it is not a constant or not a region. */
  private static @Nullable ZoneRules rules(List<CelExpr> arguments) {
    if (arguments.isEmpty()) {
      return ZoneOffset.UTC.getRules();
    }
    CelConstant zone =
        arguments.size() == 1 ? constant(arguments.get(0), CelConstant.Kind.STRING_VALUE) : null;
    if (zone == null || !ZoneId.getAvailableZoneIds().contains(zone.stringValue())) {
      return null;
    }
    return ZoneId.of(zone.stringValue()).getRules();
  }

  private static long local(long millis, ZoneRules rules) {
    return rules.isFixedOffset()
        ? millis + SECOND * rules.getOffset(Instant.EPOCH).getTotalSeconds()
        : millis + SECOND * rules.getOffset(Instant.ofEpochMilli(millis)).getTotalSeconds();
  }

  private static long ofDay(long millis, ZoneRules rules) {
    return Math.floorMod(local(millis, rules), DAY);
  }

  private static Whole calendar(Whole at, ZoneRules rules, ToLongFunction<ZonedDateTime> part) {
    return (fields, time) ->
        part.applyAsLong(
            Instant.ofEpochMilli(local(at.of(fields, time), rules)).atZone(ZoneOffset.UTC));
  }
}
