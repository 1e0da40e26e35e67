package io.pelton.expression;

import dev.cel.bundle.Cel;
import dev.cel.bundle.CelBuilder;
import dev.cel.bundle.CelFactory;
import dev.cel.common.CelAbstractSyntaxTree;
import dev.cel.common.CelErrorCode;
import dev.cel.common.CelIssue;
import dev.cel.common.CelOptions;
import dev.cel.common.CelValidationException;
import dev.cel.common.ast.CelExpr;
import dev.cel.common.navigation.CelNavigableAst;
import dev.cel.common.types.CelType;
import dev.cel.common.types.NullableType;
import dev.cel.common.types.SimpleType;
import dev.cel.runtime.CelEvaluationException;
import dev.cel.runtime.CelRuntime;
import io.pelton.event.EventSchema;
import io.pelton.event.FieldType;
import io.pelton.registry.NearestName;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Compiles CEL (Common Expression Language) over the fields of an event, and {@code time}, the
 * event's time. Numbers of different types compare; a field that may be null can be compared with
 * null. Functions of the user's own ({@link ExpressionFunction}) are called like CEL's.
 */
public final class ExpressionCompiler {
  private static final String TIME = "time";
  private static final Pattern UNDECLARED = Pattern.compile("undeclared reference to '(\\w+)'");

  private final EventSchema schema;
  private final Functions functions;
  private final Cel cel;

  /** One that knows the functions of the class path. */
  public ExpressionCompiler(EventSchema schema) {
    this(schema, Functions.ofClassPath());
  }

  ExpressionCompiler(EventSchema schema, Functions functions) {
    this.schema = schema;
    this.functions = functions;
    CelBuilder builder =
        CelFactory.standardCelBuilder()
            .setOptions(CelOptions.current().enableHeterogeneousNumericComparisons(true).build())
            .addVar(TIME, SimpleType.TIMESTAMP);
    for (EventSchema.Field field : schema.fields()) {
      if (!field.name().equals(TIME)) {
        builder.addVar(field.name(), type(field));
      }
    }
    functions.declare(builder);
    cel = builder.build();
  }

  private static CelType type(EventSchema.Field field) {
    CelType type =
        switch (field.type()) {
          case BOOLEAN -> SimpleType.BOOL;
          case INT -> SimpleType.INT;
          case DOUBLE -> SimpleType.DOUBLE;
          case STRING -> SimpleType.STRING;
          case TIMESTAMP -> SimpleType.TIMESTAMP;
          case OTHER -> SimpleType.DYN;
        };
    return field.nullable() && !type.equals(SimpleType.DYN) ? NullableType.create(type) : type;
  }

  /**
   * An expression with a number or truth as its value.
   *
   * @throws ExpressionException when it does not compile, with CEL's reasons, or has another type
   */
  public Expression number(String source) {
    return compile(
        source, List.of(SimpleType.DOUBLE, SimpleType.INT, SimpleType.BOOL), "number", true);
  }

  /**
   * An expression with a truth as its value.
   *
   * @throws ExpressionException when it does not compile, with CEL's reasons, or has another type
   */
  public Expression truth(String source) {
    return compile(source, List.of(SimpleType.BOOL), "truth (true or false)", true);
  }

  /**
   * An expression with a number, truth or text as its value.
   *
   * @throws ExpressionException when it does not compile, with CEL's reasons, or has another type
   */
  public Expression scalar(String source) {
    return compile(
        source,
        List.of(SimpleType.DOUBLE, SimpleType.INT, SimpleType.BOOL, SimpleType.STRING),
        "number, truth or text",
        true);
  }

  /** The same by CEL's interpreter alone: the oracle of {@link Closures}. */
  Expression interpretedNumber(String source) {
    return compile(
        source, List.of(SimpleType.DOUBLE, SimpleType.INT, SimpleType.BOOL), "number", false);
  }

  private Expression compile(
      String source, List<CelType> allowed, String wanted, boolean closures) {
    CelAbstractSyntaxTree tree;
    try {
      tree = cel.compile(source).getAst();
    } catch (CelValidationException e) {
      throw new ExpressionException(
          e.getErrors().stream().map(this::describe).collect(Collectors.joining("; ")));
    }
    CelType result = tree.getResultType();
    boolean fits =
        result.equals(SimpleType.DYN)
            || allowed.stream()
                .anyMatch(t -> t.equals(result) || NullableType.create(t).equals(result));
    if (!fits) {
      throw new ExpressionException(
          "must be a " + wanted + ", but \"" + source + "\" is of type " + result.name());
    }
    CelExpr root = tree.getExpr();
    if (root.exprKind().getKind() == CelExpr.ExprKind.Kind.IDENT
        && schema.indexOf(root.ident().name()) >= 0
        && !root.ident().name().equals(TIME)) {
      return new FieldReference(source, root.ident().name(), schema.indexOf(root.ident().name()));
    }
    int[] used =
        CelNavigableAst.fromAst(tree)
            .getRoot()
            .allNodes()
            .filter(node -> node.getKind() == CelExpr.ExprKind.Kind.IDENT)
            .mapToInt(node -> schema.indexOf(node.expr().ident().name()))
            .filter(index -> index >= 0)
            .distinct()
            .toArray();
    Interpreted interpreted;
    try {
      interpreted = new Interpreted(source, cel.createProgram(tree), schema, used);
    } catch (CelEvaluationException e) {
      throw new ExpressionException("\"" + source + "\" cannot be planned: " + e.getMessage());
    }
    Closures.Real number = Closures.number(tree, schema, functions);
    return number == null || !closures
        ? interpreted
        : new Compiled(interpreted, number, Closures.truth(tree, schema, functions));
  }

  private String describe(CelIssue issue) {
    String message =
        issue.getMessage() + " (column " + (issue.getSourceLocation().getColumn() + 1) + ")";
    Matcher undeclared = UNDECLARED.matcher(message);
    if (!undeclared.find()) {
      return message;
    }
    String known = fieldsOf(undeclared.group(1));
    return known.isEmpty()
        ? message + nearest(undeclared.group(1))
        : message + "; of that table there are " + known;
  }

  /** What there is under nearly that name: a field, a feature or a table. */
  private String nearest(String unknown) {
    List<String> names =
        Stream.concat(Stream.of(TIME), schema.fields().stream().map(EventSchema.Field::name))
            .map(name -> name.replaceFirst("\\..*", ""))
            .distinct()
            .toList();
    return NearestName.of(unknown, names)
        .map(name -> "; did you mean \"" + name + "\"?")
        .orElse("");
  }

  /** The fields of a table that is joined with the event; CEL speaks of the table's name alone. */
  private String fieldsOf(String table) {
    return schema.fields().stream()
        .map(EventSchema.Field::name)
        .filter(name -> name.startsWith(table + "."))
        .collect(Collectors.joining(", "));
  }

  private static double toNumber(String source, @Nullable Object value) {
    if (value instanceof Number number) {
      return number.doubleValue();
    }
    if (value instanceof Boolean truth) {
      return truth ? 1 : 0;
    }
    if (value == null || value instanceof dev.cel.common.values.NullValue) {
      return Double.NaN;
    }
    throw new ExpressionException(
        "\"" + source + "\" gave " + value + ", which is neither a number nor a truth");
  }

  /** A bare field: no interpreter. */
  private record FieldReference(String source, String name, int index) implements Expression {
    @Override
    public Set<String> fields() {
      return Set.of(name);
    }

    @Override
    public double number(@Nullable Object[] fields, long time) {
      return toNumber(source, fields[index]);
    }

    @Override
    public boolean truth(@Nullable Object[] fields, long time) {
      return fields[index] instanceof Boolean truth && truth;
    }

    @Override
    public @Nullable Object value(@Nullable Object[] fields, long time) {
      return fields[index];
    }
  }

  /** Closures for usual values; the interpreter for nulls and where they give up. */
  private static final class Compiled implements Expression {
    private final Interpreted interpreted;
    private final Closures.Real number;
    private final Closures.@Nullable Truth truth;

    Compiled(Interpreted interpreted, Closures.Real number, Closures.@Nullable Truth truth) {
      this.interpreted = interpreted;
      this.number = number;
      this.truth = truth;
    }

    @Override
    public String source() {
      return interpreted.source;
    }

    @Override
    public Set<String> fields() {
      return interpreted.fields();
    }

    @Override
    public double number(@Nullable Object[] fields, long time) {
      try {
        return number.of(fields, time);
      } catch (Closures.GiveUp e) {
        return interpreted.number(fields, time);
      }
    }

    @Override
    public boolean truth(@Nullable Object[] fields, long time) {
      if (truth != null) {
        try {
          return truth.of(fields, time);
        } catch (Closures.GiveUp e) {
          // Decided below.
        }
      }
      return interpreted.truth(fields, time);
    }

    @Override
    public @Nullable Object value(@Nullable Object[] fields, long time) {
      return interpreted.value(fields, time);
    }
  }

  /** CEL's own interpreter. */
  private static final class Interpreted implements Expression {
    private final String source;
    private final CelRuntime.Program program;
    private final EventSchema schema;
    private final int[] used;

    Interpreted(String source, CelRuntime.Program program, EventSchema schema, int[] used) {
      this.source = source;
      this.program = program;
      this.schema = schema;
      this.used = used;
    }

    @Override
    public String source() {
      return source;
    }

    @Override
    public Set<String> fields() {
      Set<String> names = new LinkedHashSet<>();
      for (int index : used) {
        String name = schema.fields().get(index).name();
        if (!name.equals(TIME)) {
          names.add(name);
        }
      }
      return names;
    }

    @Override
    public double number(@Nullable Object[] fields, long time) {
      return toNumber(source, evaluate(fields, time));
    }

    @Override
    public boolean truth(@Nullable Object[] fields, long time) {
      Object value = evaluate(fields, time);
      if (value == null || value instanceof Boolean) {
        return value != null && (Boolean) value;
      }
      throw new ExpressionException(
          "\"" + source + "\" gave " + value + ", which is neither true nor false");
    }

    @Override
    public @Nullable Object value(@Nullable Object[] fields, long time) {
      Object value = evaluate(fields, time);
      return value instanceof dev.cel.common.values.NullValue ? null : value;
    }

    /** Null when a null field leaves the expression without a value. */
    private @Nullable Object evaluate(@Nullable Object[] fields, long time) {
      try {
        return program.eval(name -> Optional.ofNullable(variable(name, fields, time)));
      } catch (CelEvaluationException e) {
        if (e.getErrorCode() == CelErrorCode.ATTRIBUTE_NOT_FOUND) {
          // A map of buckets without that bucket.
          return null;
        }
        for (int index : used) {
          if (fields[index] == null) {
            return null;
          }
        }
        throw new ExpressionException("\"" + source + "\" has no value: " + e.getMessage());
      }
    }

    private Object variable(String name, @Nullable Object[] fields, long time) {
      if (name.equals(TIME)) {
        return Instant.ofEpochMilli(time);
      }
      int index = schema.indexOf(name);
      Object value = fields[index];
      if (value == null) {
        return dev.cel.common.values.NullValue.NULL_VALUE;
      }
      return value instanceof Long millis
              && schema.fields().get(index).type() == FieldType.TIMESTAMP
          ? Instant.ofEpochMilli(millis)
          : value;
    }
  }
}
