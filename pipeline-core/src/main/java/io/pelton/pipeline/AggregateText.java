package io.pelton.pipeline;

import io.pelton.aggregate.AggregateExtension;
import io.pelton.pipeline.PipelineDefinition.Aggregate;
import io.pelton.pipeline.PipelineDefinition.Function;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads aggregates as the pipeline file writes them: {@code quantile(amount, 0.95)}. */
final class AggregateText {
  private static final Pattern CALL =
      Pattern.compile("\\s*([A-Za-z0-9_-]+)\\s*(?:\\((.*)\\))?\\s*", Pattern.DOTALL);
  private static final Aggregate NONE = Aggregate.of(Function.COUNT, null);

  private AggregateText() {}

  /** A stand-in, and a problem of the section's, where it is no aggregate. */
  static Aggregate parse(Section body) {
    String text =
        body.required("aggregate", "count, or an aggregate of an expression: mean(amount)");
    if (text.isEmpty()) {
      return NONE;
    }
    Matcher call = CALL.matcher(text);
    String name = call.matches() ? call.group(1) : text;
    if (!call.matches() && lacksParenthesis(text)) {
      return problem(body, "\"" + text + "\" lacks the closing parenthesis: " + text + ")");
    }
    List<String> arguments = call.matches() ? arguments(call.group(2)) : List.of();
    Function function =
        Arrays.stream(Function.values())
            .filter(f -> f != Function.EXTENSION && f.label().equals(name))
            .findFirst()
            .orElse(Function.EXTENSION);
    return function == Function.EXTENSION
        ? extension(body, name, arguments)
        : builtIn(body, text, function, arguments);
  }

  private static Aggregate builtIn(
      Section body, String text, Function function, List<String> arguments) {
    int inputs = function.ofEvents() ? 0 : 1;
    boolean decays =
        function == Function.DECAYED_COUNT
            || function == Function.DECAYED_SUM
            || function == Function.DECAYED_MEAN;
    int parameters = decays || function == Function.QUANTILE ? 1 : 0;
    String name = function.label();
    String input = inputs == 0 || arguments.isEmpty() ? null : arguments.get(0);
    if (inputs == 0 && arguments.size() > parameters) {
      return problem(
          body,
          name
              + (decays ? " takes a half-life alone" : " takes no expression")
              + ": it is of events; "
              + "which ones where: says");
    }
    if (arguments.size() != inputs + parameters) {
      String example =
          name
              + switch (function) {
                case QUANTILE -> "(amount, 0.95)";
                case DECAYED_COUNT -> "(7d)";
                case DECAYED_SUM, DECAYED_MEAN -> "(amount, 7d)";
                default -> "(amount)";
              };
      return problem(
          body,
          "\""
              + text
              + "\" needs "
              + (inputs == 1 ? "an expression" : "")
              + (inputs + parameters == 2 ? " and " : "")
              + (decays ? "a half-life" : parameters == 1 ? "a quantile from 0 to 1" : "")
              + ": "
              + example);
    }
    String parameter = parameters == 0 ? "" : arguments.get(inputs);
    double quantile = 0;
    long halfLife = 0;
    if (decays) {
      Long millis = Section.millis(parameter);
      if (millis == null || millis <= 0 || millis > Section.LONGEST) {
        return problem(
            body, "\"" + parameter + "\" is no half-life; write a duration such as 12h or 7d");
      }
      halfLife = millis;
    } else if (parameters == 1) {
      try {
        quantile = Double.parseDouble(parameter);
      } catch (NumberFormatException e) {
        quantile = Double.NaN;
      }
      if (!(quantile >= 0 && quantile <= 1)) {
        return problem(
            body, "\"" + parameter + "\" is no quantile; write a number from 0 to 1: 0.95");
      }
    }
    return new Aggregate(function, input, quantile, halfLife, null, List.of());
  }

  private static Aggregate extension(Section body, String name, List<String> arguments) {
    AggregateExtension extension = AggregateExtension.find(name);
    if (extension == null) {
      List<String> known = new ArrayList<>();
      for (Function function : Function.values()) {
        if (function != Function.EXTENSION) {
          known.add(function.label());
        }
      }
      AggregateExtension.all().forEach(other -> known.add(other.name()));
      return problem(body, "unknown aggregate \"" + name + "\"" + Names.suggest(name, known));
    }
    if (arguments.isEmpty()) {
      return problem(body, "\"" + name + "\" needs an expression: " + name + "(FIELD)");
    }
    Aggregate aggregate =
        new Aggregate(
            Function.EXTENSION,
            arguments.get(0),
            0,
            0,
            name,
            arguments.subList(1, arguments.size()));
    try {
      extension.create(aggregate.parameters());
    } catch (IllegalArgumentException e) {
      return problem(body, "\"" + aggregate.label() + "\": " + e.getMessage());
    }
    return aggregate;
  }

  private static Aggregate problem(Section body, String message) {
    body.problem("aggregate", message);
    return NONE;
  }

  /** Whether more parentheses are opened than closed. */
  static boolean lacksParenthesis(String text) {
    return count(text, '(') > count(text, ')');
  }

  private static long count(String text, char wanted) {
    return text.chars().filter(c -> c == wanted).count();
  }

  /** Parts at commas outside parentheses, brackets and quotes. */
  private static List<String> arguments(@org.jspecify.annotations.Nullable String text) {
    List<String> arguments = new ArrayList<>();
    if (text == null || text.isBlank()) {
      return arguments;
    }
    int depth = 0;
    char quote = 0;
    int start = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (quote != 0) {
        if (c == '\\') {
          i++;
        } else if (c == quote) {
          quote = 0;
        }
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '(' || c == '[' || c == '{') {
        depth++;
      } else if (c == ')' || c == ']' || c == '}') {
        depth--;
      } else if (c == ',' && depth == 0) {
        arguments.add(text.substring(start, i).strip());
        start = i + 1;
      }
    }
    arguments.add(text.substring(start).strip());
    return arguments;
  }
}
