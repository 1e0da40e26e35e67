package io.pelton.cli;

import io.pelton.drift.BaselineProfile;
import io.pelton.drift.CategoryProfile;
import io.pelton.drift.FeatureProfile;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Event fields in a baseline file, whose drift is measured beside that of features.
 *
 * @param columns what the rows hold, by field
 */
record BaselineFields(Map<String, Column> columns) {
  /** How a field is counted. */
  private enum Kind {
    NUMBER,
    CATEGORY,
    LENGTH
  }

  private record Column(Kind kind, List<@Nullable String> values) {}

  /**
   * @param fields names, or names with a kind: {@code note:length}
   */
  static BaselineFields read(FeatureTable table, List<String> fields) throws InputException {
    Map<String, Column> columns = new LinkedHashMap<>();
    for (String field : fields) {
      int colon = field.lastIndexOf(':');
      String name = colon < 0 ? field : field.substring(0, colon);
      List<@Nullable String> values = table.texts(name);
      Kind kind = colon < 0 ? kind(values) : kind(field, field.substring(colon + 1));
      if (kind == Kind.NUMBER && !areNumbers(values)) {
        throw new InputException(
            "--fields %s: not every value of %s is a number; take category or length"
                .formatted(field, table.file()));
      }
      if (columns.put(name, new Column(kind, values)) != null) {
        throw new InputException("--fields %s: %s is given twice".formatted(field, name));
      }
    }
    return new BaselineFields(columns);
  }

  private static Kind kind(String field, String word) throws InputException {
    for (Kind kind : Kind.values()) {
      if (kind.name().toLowerCase(Locale.ROOT).equals(word)) {
        return kind;
      }
    }
    throw new InputException(
        "--fields %s: unknown kind \"%s\"; it must be number, category or length"
            .formatted(field, word));
  }

  private static Kind kind(List<@Nullable String> values) {
    if (areNumbers(values)) {
      return Kind.NUMBER;
    }
    return values.stream().distinct().count() > CategoryProfile.MOST_VALUES
        ? Kind.LENGTH
        : Kind.CATEGORY;
  }

  private static boolean areNumbers(List<@Nullable String> values) {
    try {
      values.forEach(BaselineFields::number);
      return true;
    } catch (NumberFormatException e) {
      return false;
    }
  }

  private static double number(@Nullable String value) {
    return value == null ? Double.NaN : Double.parseDouble(value);
  }

  private static double length(@Nullable String value) {
    return value == null ? Double.NaN : value.codePointCount(0, value.length());
  }

  /**
   * The profile with those of the fields.
   *
   * @throws IllegalArgumentException when a field has too many categories
   */
  BaselineProfile in(BaselineProfile profile, int edges) {
    List<FeatureProfile> numbers = new ArrayList<>();
    List<CategoryProfile> categories = new ArrayList<>();
    columns.forEach(
        (name, column) -> {
          switch (column.kind) {
            case NUMBER ->
                numbers.add(
                    FeatureProfile.of(
                        name,
                        FeatureProfile.Kind.FIELD,
                        column.values.stream().mapToDouble(BaselineFields::number).toArray(),
                        edges));
            case LENGTH ->
                numbers.add(
                    FeatureProfile.of(
                        name,
                        FeatureProfile.Kind.TEXT,
                        column.values.stream().mapToDouble(BaselineFields::length).toArray(),
                        edges));
            case CATEGORY -> categories.add(CategoryProfile.of(name, column.values, edges));
          }
        });
    return profile.withFields(numbers, categories);
  }
}
