package io.pelton.drift;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.type.TypeFactory;
import com.fasterxml.jackson.databind.util.LRUMap;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What a model version's features and outputs looked like when it was trained: the reference that
 * drift is measured against. Its JSON keeps every double exactly; infinities are the strings {@code
 * "Infinity"} and {@code "-Infinity"}.
 */
public record BaselineProfile(
    List<FeatureProfile> features,
    List<FeatureProfile> outputs,
    List<FeatureProfile> fields,
    List<CategoryProfile> categories,
    @Nullable Segments segments) {
  private static final int TYPES = 16;

  /** With types of its own: Jackson's shared cache would keep the class loader of an ended job. */
  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .typeFactory(TypeFactory.defaultInstance().withCache(new LRUMap<>(TYPES, TYPES)))
          .build();

  /**
   * The same of the rows that have one value each in a field.
   *
   * @param by the field
   * @param profiles by {@link Segment}, of features and outputs alone
   */
  public record Segments(String by, Map<String, BaselineProfile> profiles) {
    public Segments {
      profiles = Map.copyOf(profiles);
    }
  }

  public BaselineProfile {
    features = List.copyOf(features);
    outputs = List.copyOf(outputs);
    fields = List.copyOf(fields);
    categories = List.copyOf(categories);
    requireKind(features, Set.of(FeatureProfile.Kind.FEATURE));
    requireKind(outputs, Set.of(FeatureProfile.Kind.OUTPUT));
    requireKind(fields, Set.of(FeatureProfile.Kind.FIELD, FeatureProfile.Kind.TEXT));
  }

  public BaselineProfile(List<FeatureProfile> features, List<FeatureProfile> outputs) {
    this(features, outputs, List.of(), List.of(), null);
  }

  private static void requireKind(List<FeatureProfile> profiles, Set<FeatureProfile.Kind> kinds) {
    Set<String> names = new HashSet<>();
    for (FeatureProfile profile : profiles) {
      if (!kinds.contains(profile.kind())) {
        throw new IllegalArgumentException(
            "profile of %s is of kind %s among those of kind %s"
                .formatted(profile.name(), profile.kind(), new TreeSet<>(kinds)));
      }
      if (!names.add(profile.name())) {
        throw new IllegalArgumentException(
            "baseline has two profiles of %s; names must be unique".formatted(profile.name()));
      }
    }
  }

  /**
   * Freezes a reference sample.
   *
   * @param featureRows reference rows, values in the order of {@code featureNames}; NaN is missing
   * @param outputRows the same rows' scores, in the order of {@code outputNames}
   * @param mostEdges edges a feature keeps at most
   * @throws IllegalArgumentException when there are no rows, or rows of another width
   */
  public static BaselineProfile of(
      List<String> featureNames,
      double[][] featureRows,
      List<String> outputNames,
      double[][] outputRows,
      int mostEdges) {
    return new BaselineProfile(
        profiles(featureNames, FeatureProfile.Kind.FEATURE, featureRows, mostEdges),
        profiles(outputNames, FeatureProfile.Kind.OUTPUT, outputRows, mostEdges));
  }

  /** The same profile with those of event fields that predictions carry. */
  public BaselineProfile withFields(List<FeatureProfile> numbers, List<CategoryProfile> others) {
    return new BaselineProfile(features, outputs, numbers, others, segments);
  }

  /**
   * The same profile with those of segments: of the {@code most} commonest values, of all others
   * together, and of rows without one, as far as there are any.
   *
   * @param by the field
   * @param values what each reference row holds in it; null is missing
   * @param featureRows those that this profile is of
   * @param outputRows the same rows' scores
   * @param mostEdges edges that a feature keeps at most in a segment
   */
  public BaselineProfile withSegments(
      String by,
      List<@Nullable String> values,
      double[][] featureRows,
      double[][] outputRows,
      int most,
      int mostEdges) {
    Map<String, Long> counts = new TreeMap<>();
    for (String value : values) {
      if (value != null) {
        counts.merge(value, 1L, Long::sum);
      }
    }
    Set<String> named =
        counts.entrySet().stream()
            .sorted(
                Map.Entry.<String, Long>comparingByValue()
                    .reversed()
                    .thenComparing(Map.Entry.comparingByKey()))
            .limit(most)
            .map(Map.Entry::getKey)
            .collect(Collectors.toSet());
    Map<String, List<Integer>> rows = new TreeMap<>();
    for (int row = 0; row < values.size(); row++) {
      rows.computeIfAbsent(Segment.of(values.get(row), named), absent -> new ArrayList<>())
          .add(row);
    }
    Map<String, BaselineProfile> profiles = new TreeMap<>();
    rows.forEach(
        (segment, own) ->
            profiles.put(
                segment,
                of(
                    names(features),
                    own.stream().map(row -> featureRows[row]).toArray(double[][]::new),
                    names(outputs),
                    own.stream().map(row -> outputRows[row]).toArray(double[][]::new),
                    mostEdges)));
    return new BaselineProfile(features, outputs, fields, categories, new Segments(by, profiles));
  }

  private static List<String> names(List<FeatureProfile> profiles) {
    return profiles.stream().map(FeatureProfile::name).toList();
  }

  private static List<FeatureProfile> profiles(
      List<String> names, FeatureProfile.Kind kind, double[][] rows, int mostEdges) {
    List<FeatureProfile> profiles = new ArrayList<>();
    for (int column = 0; column < names.size(); column++) {
      double[] values = new double[rows.length];
      for (int row = 0; row < rows.length; row++) {
        if (rows[row].length != names.size()) {
          throw new IllegalArgumentException(
              "reference row %d has %d values; there are %d names: %s"
                  .formatted(row, rows[row].length, names.size(), names));
        }
        values[row] = rows[row][column];
      }
      profiles.add(FeatureProfile.of(names.get(column), kind, values, mostEdges));
    }
    return profiles;
  }

  /** Reference rows. */
  public long rows() {
    return features.isEmpty() ? 0 : features.get(0).rows();
  }

  /**
   * Profile of a feature.
   *
   * @throws IllegalArgumentException when the baseline has no such feature
   */
  public FeatureProfile feature(String name) {
    return find(features, "feature", name);
  }

  /**
   * Profile of a model output.
   *
   * @throws IllegalArgumentException when the baseline has no such output
   */
  public FeatureProfile output(String name) {
    return find(outputs, "output", name);
  }

  /** Profiles of an event field, none or one. */
  public List<Profile> fields(String name) {
    List<Profile> found = new ArrayList<>();
    fields.stream().filter(profile -> profile.name().equals(name)).forEach(found::add);
    categories.stream().filter(profile -> profile.name().equals(name)).forEach(found::add);
    return found;
  }

  private static FeatureProfile find(List<FeatureProfile> profiles, String kind, String name) {
    for (FeatureProfile profile : profiles) {
      if (profile.name().equals(name)) {
        return profile;
      }
    }
    throw new IllegalArgumentException(
        "baseline has no %s %s; it has %s"
            .formatted(kind, name, profiles.stream().map(FeatureProfile::name).toList()));
  }

  /** Text that {@link #fromJson} reads back to the last bit. */
  public String toJson() {
    try {
      return JSON.writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("baseline profile cannot be written as JSON", e);
    }
  }

  /**
   * Reads what {@link #toJson} wrote.
   *
   * @throws IllegalArgumentException when the text is not a baseline profile
   */
  public static BaselineProfile fromJson(String json) {
    try {
      return JSON.readValue(json, BaselineProfile.class);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "not a baseline profile: " + e.getOriginalMessage() + "; publish the version again", e);
    }
  }
}
