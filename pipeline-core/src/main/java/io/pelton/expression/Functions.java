package io.pelton.expression;

import dev.cel.bundle.CelBuilder;
import dev.cel.checker.CelStandardDeclarations;
import dev.cel.common.CelFunctionDecl;
import dev.cel.common.CelOverloadDecl;
import dev.cel.common.types.CelType;
import dev.cel.common.types.SimpleType;
import dev.cel.parser.CelStandardMacro;
import dev.cel.runtime.CelEvaluationException;
import dev.cel.runtime.CelFunctionBinding;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The functions that the class path brings, by name, and how CEL comes to know them. */
public final class Functions {
  private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");
  private static final Map<Class<?>, CelType> TYPES =
      Map.of(
          Double.class, SimpleType.DOUBLE,
          Long.class, SimpleType.INT,
          Boolean.class, SimpleType.BOOL,
          String.class, SimpleType.STRING);

  private final Map<String, ExpressionFunction> byName = new LinkedHashMap<>();

  private Functions(Iterable<ExpressionFunction> functions) {
    for (ExpressionFunction function : functions) {
      String what = "function \"" + function.name() + "\" of " + function.getClass().getName();
      if (!NAME.matcher(function.name()).matches()) {
        throw new ExpressionException(
            what + ": a name has letters, digits and underscores, and no digit first");
      }
      if (isBuiltIn(function.name())) {
        throw new ExpressionException(
            what + " has the name of CEL's own " + function.name() + "; give it another");
      }
      List<Class<?>> types = new ArrayList<>(function.parameters());
      types.add(function.result());
      for (Class<?> type : types) {
        if (!TYPES.containsKey(type)) {
          throw new ExpressionException(
              what
                  + " has a parameter or result of type "
                  + type.getName()
                  + "; choose Double, Long, Boolean or String");
        }
      }
      ExpressionFunction other = byName.putIfAbsent(function.name(), function);
      if (other != null) {
        throw new ExpressionException(
            what
                + " has the name of that of "
                + other.getClass().getName()
                + "; rename one, or take one off the class path");
      }
    }
  }

  /**
   * All that the class path holds.
   *
   * @throws ExpressionException when one cannot be loaded, or names clash; it names both
   */
  public static Functions ofClassPath() {
    try {
      return of(
          ServiceLoader.load(ExpressionFunction.class, ExpressionFunction.class.getClassLoader()));
    } catch (ServiceConfigurationError e) {
      throw new ExpressionException(
          "a function of the class path cannot be used: " + e.getMessage());
    }
  }

  static Functions of(Iterable<ExpressionFunction> functions) {
    return new Functions(functions);
  }

  private static boolean isBuiltIn(String name) {
    return Arrays.stream(CelStandardDeclarations.StandardFunction.values())
            .anyMatch(function -> function.functionName().equals(name))
        || Arrays.stream(CelStandardMacro.values())
            .anyMatch(macro -> macro.getFunction().equals(name));
  }

  /** The function of that name, null when there is none. */
  @Nullable ExpressionFunction find(String name) {
    return byName.get(name);
  }

  // CEL wants overloads that do not change; that of a user's is asked of it in words.
  @SuppressWarnings("Immutable")
  void declare(CelBuilder builder) {
    for (ExpressionFunction function : byName.values()) {
      String overload = "pelton_" + function.name();
      builder.addFunctionDeclarations(
          CelFunctionDecl.newFunctionDeclaration(
              function.name(),
              CelOverloadDecl.newGlobalOverload(
                  overload,
                  type(function.result()),
                  function.parameters().stream().map(Functions::type).toList())));
      builder.addFunctionBindings(
          CelFunctionBinding.from(
              overload, function.parameters(), arguments -> apply(function, arguments)));
    }
  }

  private static CelType type(Class<?> type) {
    CelType known = TYPES.get(type);
    if (known == null) {
      throw new IllegalStateException("was checked to be known: " + type);
    }
    return known;
  }

  @SuppressWarnings("IllegalCatch")
  private static Object apply(ExpressionFunction function, Object[] arguments)
      throws CelEvaluationException {
    try {
      return checked(function, arguments);
    } catch (RuntimeException e) {
      throw new CelEvaluationException(
          "%s(%s): %s"
              .formatted(
                  function.name(),
                  String.join(", ", Arrays.stream(arguments).map(String::valueOf).toList()),
                  e.getMessage() == null ? e.toString() : e.getMessage()),
          e);
    }
  }

  /** The function's value. */
  static Object checked(ExpressionFunction function, Object[] arguments) {
    Object value = function.apply(arguments);
    if (!function.result().isInstance(value)) {
      throw new IllegalStateException(
          "gave %s, but is declared to give a %s"
              .formatted(value, function.result().getSimpleName()));
    }
    return value;
  }
}
