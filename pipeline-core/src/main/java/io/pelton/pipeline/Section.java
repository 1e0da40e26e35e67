package io.pelton.pipeline;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.common.FlowStyle;
import org.snakeyaml.engine.v2.common.ScalarStyle;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/**
 * A mapping of the pipeline file while it is read: every problem is noted with its line and key,
 * and reading goes on with a stand-in, so that all problems are found at once.
 */
final class Section {
  /** The longest duration, 100 years: sums of times and durations stay far from overflow. */
  static final long LONGEST = 36_525 * 86_400_000L;

  private static final Pattern DURATION = Pattern.compile("(\\d+)\\s*(ms|s|m|h|d|w)");
  private static final Map<String, Long> UNITS =
      Map.of(
          "ms", 1L,
          "s", 1_000L,
          "m", 60_000L,
          "h", 3_600_000L,
          "d", 86_400_000L,
          "w", 604_800_000L);

  private final String file;
  private final List<Problem> problems;
  private final String path;
  private final @Nullable Node node;
  private final Map<String, Node> values = new LinkedHashMap<>();
  private final Map<String, Integer> lines = new LinkedHashMap<>();

  /**
   * @param node null when the section is absent: everything in it is then absent too
   */
  Section(String file, List<Problem> problems, String path, @Nullable Node node) {
    this.file = file;
    this.problems = problems;
    this.path = path;
    this.node = node;
    if (node instanceof MappingNode mapping) {
      Set<String> cut = new LinkedHashSet<>();
      String last = "";
      for (NodeTuple tuple : mapping.getValue()) {
        String key =
            tuple.getKeyNode() instanceof ScalarNode scalar ? scalar.getValue() : "(not a name)";
        ScalarNode whole =
            mapping.getFlowStyle() == FlowStyle.FLOW
                ? whole(values.get(last), key, tuple.getValueNode())
                : null;
        if (whole != null) {
          values.put(last, whole);
          cut.add(last);
          continue;
        }
        last = key;
        if (values.put(key, tuple.getValueNode()) != null) {
          problem(line(tuple.getKeyNode()), at(key), "the key is given twice");
        }
        lines.put(key, line(tuple.getKeyNode()));
      }
      for (String key : cut) {
        problem(
            key,
            "YAML ends a text in braces at a comma; put this one in quotes: "
                + key
                + ": "
                + quoted(String.valueOf(text(key))));
      }
    } else if (node != null) {
      problem(line(node), path, "must be a mapping of keys to values, but is " + show(node));
    }
  }

  /** A text without quotes that YAML has cut at a comma within its parentheses; else null. */
  private static @Nullable ScalarNode whole(@Nullable Node begun, String rest, Node restValue) {
    return begun instanceof ScalarNode text
            && text.isPlain()
            && AggregateText.lacksParenthesis(text.getValue())
            && restValue instanceof ScalarNode none
            && none.isPlain()
            && none.getValue().isEmpty()
        ? new ScalarNode(
            Tag.STR,
            true,
            text.getValue() + ", " + rest,
            ScalarStyle.PLAIN,
            text.getStartMark(),
            text.getEndMark())
        : null;
  }

  private static String quoted(String text) {
    return text.contains("\"") || text.contains("\\")
        ? "'" + text.replace("'", "''") + "'"
        : "\"" + text + "\"";
  }

  private static int line(Node node) {
    return node.getStartMark().map(mark -> mark.getLine() + 1).orElse(0);
  }

  private static String show(Node node) {
    if (node instanceof ScalarNode scalar) {
      return scalar.getTag().equals(Tag.NULL) ? "empty" : "\"" + scalar.getValue() + "\"";
    }
    return node instanceof SequenceNode ? "a list" : "a mapping";
  }

  private String at(String key) {
    return path.isEmpty() ? key : path + "." + key;
  }

  private void problem(int line, String key, String message) {
    problems.add(new Problem(file, line, key, message));
  }

  /** Notes a problem with the value of {@code key}, or with the absence of it. */
  void problem(String key, String message) {
    Node value = values.get(key);
    problem(value != null ? line(value) : line(), at(key), message);
  }

  /** Notes a problem with the whole section. */
  void problem(String message) {
    problem(line(), path, message);
  }

  private int line() {
    return node != null ? line(node) : 0;
  }

  boolean present() {
    return node != null;
  }

  boolean has(String key) {
    return values.containsKey(key);
  }

  /** Keys in the file's order. */
  List<String> keys() {
    return List.copyOf(values.keySet());
  }

  /** Notes every key that is not one of {@code known}. */
  void allow(List<String> known) {
    for (String key : values.keySet()) {
      if (!known.contains(key)) {
        problem(lines.getOrDefault(key, 0), at(key), "unknown key" + Names.suggest(key, known));
      }
    }
  }

  /** Whether the value of {@code key} is a mapping. */
  boolean isMapping(String key) {
    return values.get(key) instanceof MappingNode;
  }

  /** The same, noting no problems: for a look ahead. */
  Section silent() {
    return new Section(file, new ArrayList<>(), path, node);
  }

  Section section(String key) {
    return new Section(file, problems, at(key), values.get(key));
  }

  @Nullable String text(String key) {
    Node value = values.get(key);
    if (value == null) {
      return null;
    }
    if (value instanceof ScalarNode scalar && !scalar.getTag().equals(Tag.NULL)) {
      return scalar.getValue();
    }
    problem(key, "must be a text, but is " + show(value));
    return null;
  }

  /** A text that must be there; a stand-in when it is not. */
  String required(String key, String what) {
    if (!has(key)) {
      if (present()) {
        problem(line(), at(key), "is missing: " + what);
      }
      return "";
    }
    String text = text(key);
    if (text != null && text.isBlank()) {
      problem(key, "is empty: " + what);
    }
    return text == null ? "" : text;
  }

  /** Strings of a list, or of one string. */
  List<String> texts(String key) {
    Node value = values.get(key);
    List<String> texts = new ArrayList<>();
    if (value instanceof SequenceNode sequence) {
      for (Node element : sequence.getValue()) {
        if (element instanceof ScalarNode scalar && !scalar.getTag().equals(Tag.NULL)) {
          texts.add(scalar.getValue());
        } else {
          problem(line(element), at(key), "must be a list of texts, but holds " + show(element));
        }
      }
    } else if (value instanceof ScalarNode scalar && !scalar.getTag().equals(Tag.NULL)) {
      texts.add(scalar.getValue());
    } else if (value != null) {
      problem(key, "must be a list of texts, but is " + show(value));
    }
    return texts;
  }

  /** The same, but an empty list is a problem noted. */
  List<String> someTexts(String key, String what) {
    if (values.get(key) instanceof SequenceNode list && list.getValue().isEmpty()) {
      problem(key, "must not be empty: " + what);
    }
    return texts(key);
  }

  /** Milliseconds. */
  @Nullable Long duration(String key) {
    String text = text(key);
    if (text == null) {
      return null;
    }
    Long millis = millis(text);
    if (millis == null) {
      problem(
          key,
          "\"" + text + "\" is no duration; write a whole number and ms, s, m, h, d or w: 10s");
    } else if (millis > LONGEST) {
      problem(key, tooLong(text));
      return null;
    }
    return millis;
  }

  /** Milliseconds, at least {@code least}. */
  long duration(String key, long whenAbsent, long least) {
    Long millis = duration(key);
    if (millis == null) {
      return whenAbsent;
    }
    if (millis < least) {
      problem(key, "\"" + text(key) + "\" is too short; at least " + least + "ms");
      return whenAbsent;
    }
    return millis;
  }

  static String tooLong(String duration) {
    return "\"" + duration + "\" is too long; at most 36525d, 100 years";
  }

  /** Milliseconds, the greatest long when they are more; null when {@code text} is no duration. */
  static @Nullable Long millis(String text) {
    Matcher matcher = DURATION.matcher(text.strip());
    if (!matcher.matches()) {
      return null;
    }
    Long unit = UNITS.get(matcher.group(2));
    try {
      return Math.multiplyExact(Long.parseLong(matcher.group(1)), unit == null ? 1 : unit);
    } catch (ArithmeticException | NumberFormatException e) {
      return Long.MAX_VALUE;
    }
  }

  double number(String key, double whenAbsent, double least, double most) {
    String text = text(key);
    if (text == null) {
      return whenAbsent;
    }
    try {
      double value = Double.parseDouble(text);
      if (value >= least && value <= most) {
        return value;
      }
      problem(key, text + " is out of range; from " + plain(least) + " to " + plain(most));
    } catch (NumberFormatException e) {
      problem(key, "\"" + text + "\" is no number");
    }
    return whenAbsent;
  }

  long whole(String key, long whenAbsent, long least, long most) {
    String text = text(key);
    if (text == null) {
      return whenAbsent;
    }
    try {
      long value = Long.parseLong(text);
      if (value >= least && value <= most) {
        return value;
      }
      problem(key, text + " is out of range; from " + least + " to " + most);
    } catch (NumberFormatException e) {
      problem(key, "\"" + text + "\" is no whole number");
    }
    return whenAbsent;
  }

  private static String plain(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : Double.toString(value);
  }

  /** Bytes; 0 when absent. */
  long memory(String key) {
    String text = text(key);
    if (text == null) {
      return 0;
    }
    try {
      return MemorySize.parse(text).bytes();
    } catch (IllegalArgumentException e) {
      problem(key, String.valueOf(e.getMessage()));
      return 0;
    }
  }

  /** True or false. */
  boolean truth(String key, boolean whenAbsent) {
    String text = text(key);
    if (text == null) {
      return whenAbsent;
    }
    if (!text.equals("true") && !text.equals("false")) {
      problem(key, "\"" + text + "\" is neither true nor false");
    }
    return text.equals("true");
  }

  /** One of an enum's constants, written in lower case with dashes. */
  <E extends Enum<E>> E choice(String key, E whenAbsent, Class<E> type) {
    String text = text(key);
    if (text == null) {
      return whenAbsent;
    }
    List<String> names = new ArrayList<>();
    for (E constant : type.getEnumConstants()) {
      String name = constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
      if (name.equals(text)) {
        return constant;
      }
      names.add(name);
    }
    problem(key, "unknown value \"" + text + "\"" + Names.suggest(text, names));
    return whenAbsent;
  }
}
