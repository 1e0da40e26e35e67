package io.pelton.drift.job;

import io.pelton.drift.BaselineProfile;
import io.pelton.drift.FeatureProfile;
import io.pelton.drift.Profile;
import io.pelton.drift.Segment;
import io.pelton.model.ServedVersion;
import io.pelton.pipeline.Drift;
import io.pelton.registry.RegistryException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The baseline profiles that a subtask used last, and why others could not be had. */
final class Baselines {
  /** Versions kept; a profile takes about 50 KB a feature. */
  private static final int KEPT = 32;

  /**
   * @param features of the version's features, in its order
   * @param outputs of its outputs
   * @param fields of carried fields
   * @param carried index of each of these among the carried fields
   * @param ranks of all of them in this order, {@link Profile#ranks}
   */
  record Profiles(
      List<FeatureProfile> features,
      List<FeatureProfile> outputs,
      List<Profile> fields,
      List<Integer> carried,
      List<int[]> ranks) {

    static Profiles of(BaselineProfile baseline, ServedVersion served, List<String> carry) {
      List<Profile> fields = new ArrayList<>();
      List<Integer> carried = new ArrayList<>();
      for (int i = 0; i < carry.size(); i++) {
        for (Profile field : baseline.fields(carry.get(i))) {
          fields.add(field);
          carried.add(i);
        }
      }
      List<FeatureProfile> features = served.features().stream().map(baseline::feature).toList();
      List<FeatureProfile> outputs = served.outputs().stream().map(baseline::output).toList();
      return new Profiles(
          features,
          outputs,
          List.copyOf(fields),
          List.copyOf(carried),
          Stream.of(features, outputs, fields)
              .flatMap(List::stream)
              .map(Profile.class::cast)
              .map(Profile::ranks)
              .toList());
    }

    /**
     * @throws IllegalStateException when the baseline has no profile of that name
     */
    Profile of(String reportName) {
      return Stream.of(features, outputs, fields)
          .flatMap(List::stream)
          .map(Profile.class::cast)
          .filter(profile -> profile.reportName().equals(reportName))
          .findFirst()
          .orElseThrow(
              () ->
                  new IllegalStateException(
                      "counts of %s have no baseline profile; the baseline was changed after the version served"
                          .formatted(reportName)));
    }
  }

  /**
   * @param profiles empty when the baseline could not be had
   * @param segments profiles by {@link Segment} of those that are measured apart
   * @param named segments by the value that they have
   * @param problem why it could not be had, else empty
   * @param window start of the newest pane that asked in vain
   */
  record Baseline(
      Profiles profiles,
      Map<String, Profiles> segments,
      Map<String, String> named,
      String problem,
      long window) {
    boolean found() {
      return problem.isEmpty();
    }

    /** The segment of a row by what it holds. */
    String segment(@Nullable Object value) {
      return value == null
          ? Segment.MISSING
          : named.getOrDefault(String.valueOf(value), Segment.OTHER);
    }

    /**
     * @throws IllegalStateException when the baseline has no such segment
     */
    Profiles of(String segment) {
      Profiles found = segment.equals(Segment.ALL) ? profiles : segments.get(segment);
      if (found == null) {
        throw new IllegalStateException(
            "counts of segment %s have no baseline profile; the baseline was changed after the version served"
                .formatted(segment));
      }
      return found;
    }
  }

  private static final Logger LOG = LoggerFactory.getLogger(Baselines.class);

  private final BaselineProvider provider;
  private final Drift.@Nullable Segments segments;
  private final boolean previous;
  private final List<String> carry;
  private final Map<VersionKey, Baseline> known =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<VersionKey, Baseline> eldest) {
          return size() > KEPT;
        }
      };

  /**
   * @param segments that are measured apart; null for none
   * @param previous whether windows are compared with the time before them
   * @param carry the fields that predictions carry
   */
  Baselines(
      BaselineProvider provider,
      Drift.@Nullable Segments segments,
      boolean previous,
      List<String> carry) {
    this.provider = provider;
    this.carry = carry;
    this.segments = segments;
    this.previous = previous;
  }

  /** The baseline of a version; one that could not be had is asked for again by a later window. */
  Baseline get(ServedVersion served, long window) {
    VersionKey key = VersionKey.of(served);
    Baseline baseline = known.get(key);
    if (baseline == null || (!baseline.found() && baseline.window() < window)) {
      baseline = load(served, window);
      known.put(key, baseline);
    }
    return baseline;
  }

  private Baseline load(ServedVersion served, long window) {
    try {
      BaselineProfile baseline = provider.load(served);
      Map<String, Profiles> profiles =
          segments == null ? Map.of() : segments(baseline, served, segments);
      Map<String, String> named = new HashMap<>();
      for (String segment : segmentsApart(baseline, profiles.keySet())) {
        String value = Segment.value(segment);
        if (value != null) {
          named.put(value, segment);
        }
      }
      return new Baseline(Profiles.of(baseline, served, carry), profiles, named, "", window);
    } catch (FileNotFoundException
        | NoSuchFileException
        | RegistryException
        | IllegalArgumentException e) {
      return new Baseline(
          new Profiles(List.of(), List.of(), List.of(), List.of(), List.of()),
          Map.of(),
          Map.of(),
          "no baseline profile of %s@%d: %s; publish the version with one"
              .formatted(served.model(), served.version(), e.getMessage()),
          window);
    } catch (IOException e) {
      // A registry that cannot be read is no fault of the rows: the task is tried again.
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Profiles of the segments. Compared with the time before, any value has a reference: then the
   * edges of all rows will do where the baseline has none of the value.
   */
  private Map<String, Profiles> segments(
      BaselineProfile baseline, ServedVersion served, Drift.Segments by) {
    BaselineProfile.Segments known = baseline.segments();
    Map<String, BaselineProfile> own =
        known != null && known.by().equals(by.by()) ? known.profiles() : Map.of();
    Map<String, Profiles> profiles = new HashMap<>();
    own.entrySet().stream()
        .filter(segment -> isChosen(segment.getKey(), by.values()))
        .sorted(
            Comparator.<Map.Entry<String, BaselineProfile>>comparingLong(
                    segment -> -segment.getValue().rows())
                .thenComparing(Map.Entry.comparingByKey()))
        .limit(by.cap())
        .forEach(
            segment ->
                profiles.put(segment.getKey(), Profiles.of(segment.getValue(), served, List.of())));
    for (String rest : List.of(Segment.OTHER, Segment.MISSING)) {
      BaselineProfile profile = own.get(rest);
      if (profile != null) {
        profiles.put(rest, Profiles.of(profile, served, List.of()));
      }
    }
    if (previous) {
      Profiles all = Profiles.of(baseline, served, List.of());
      by.values().forEach(value -> profiles.putIfAbsent(Segment.ofValue(value), all));
      profiles.putIfAbsent(Segment.OTHER, all);
      profiles.putIfAbsent(Segment.MISSING, all);
    } else if (own.isEmpty()) {
      LOG.warn(
          "{}@{} was published without a baseline by {}: its segments are not measured; publish it with segments, or compare with the time before (drift.reference: {previous: 7d})",
          served.model(),
          served.version(),
          by.by());
    }
    return profiles;
  }

  private static boolean isChosen(String segment, List<String> values) {
    String value = Segment.value(segment);
    return value != null && (values.isEmpty() || values.contains(value));
  }

  /**
   * Those whose rows are no part of {@link Segment#OTHER}. The baseline's own other rows have no
   * value that it names, so a value that it names and that is not measured must not join them.
   */
  private Set<String> segmentsApart(BaselineProfile baseline, Set<String> measured) {
    BaselineProfile.Segments known = baseline.segments();
    if (previous || segments == null || known == null || !known.by().equals(segments.by())) {
      return measured;
    }
    return known.profiles().keySet();
  }
}
