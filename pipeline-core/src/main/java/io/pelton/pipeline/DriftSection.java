package io.pelton.pipeline;

import io.pelton.drift.Persistence;
import io.pelton.drift.Thresholds;
import io.pelton.pipeline.Drift.Segments;
import io.pelton.pipeline.Drift.Window;
import io.pelton.pipeline.PipelineDefinition.Entity;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads what a pipeline file says of drift. */
final class DriftSection {
  static final List<String> KEYS =
      List.of(
          "window",
          "reference",
          "segments",
          "dependence",
          "cool-down",
          "allowed-lateness",
          "thresholds",
          "false-discovery-rate",
          "minimum-count",
          "persistence",
          "edges");
  static final List<String> THRESHOLD_KEYS = List.of("psi", "ks", "cramers-v");
  static final List<String> PERSISTENCE_KEYS = List.of("windows", "of");
  static final List<String> REFERENCE_KEYS = List.of("previous");
  static final List<String> SEGMENT_KEYS = List.of("by", "values", "cap");

  private static final Pattern SLIDING = Pattern.compile("(.+?)\\s+every\\s+(.+)");
  private static final String INDEPENDENT = "none";

  /** Panes of one window: what a sliding one is put together from. */
  private static final long MOST_PANES = 10_000;

  private final Section section;

  private DriftSection(Section section) {
    this.section = section;
  }

  /**
   * @param carry the fields that travel with predictions
   */
  static Drift read(Section section, List<String> carry, List<Entity> entities) {
    section.allow(KEYS);
    DriftSection drift = new DriftSection(section);
    List<Window> windows = drift.windows();
    return new Drift(
        windows,
        section.duration("allowed-lateness", 60_000, 0),
        drift.thresholds(),
        section.whole("minimum-count", 200, 1, Long.MAX_VALUE),
        drift.persistence(),
        section.duration("cool-down", 0, 0),
        drift.previous(),
        section.has("segments") ? segments(section.section("segments"), carry) : null,
        drift.dependence(entities),
        (int) section.whole("edges", 2_048, 16, 1_000_000));
  }

  private List<Window> windows() {
    List<Window> windows = new ArrayList<>();
    Set<Long> widths = new LinkedHashSet<>();
    for (String text : section.someTexts("window", "a width, 1h, or a list of them")) {
      Window window = window(text);
      if (window != null && widths.add(window.width())) {
        windows.add(window);
      } else if (window != null) {
        section.problem(
            "window", "\"" + text + "\" is as wide as another; windows must differ in their width");
      }
    }
    if (!section.has("window")) {
      section.problem("window", "is missing: the width of a drift window, 1h");
    }
    return windows.isEmpty() ? List.of(new Window(3_600_000, 3_600_000)) : windows;
  }

  /** Null when it is none; that is a problem noted. */
  private @Nullable Window window(String text) {
    Matcher sliding = SLIDING.matcher(text.strip());
    boolean slides = sliding.matches();
    Long width = Section.millis(slides ? sliding.group(1) : text);
    Long every = slides ? Section.millis(sliding.group(2)) : width;
    if (width == null || every == null) {
      section.problem(
          "window",
          "\"" + text + "\" is no window; write a duration, 1h, or one that slides, 24h every 1h");
    } else if (every < 1_000 || width > Section.LONGEST) {
      section.problem(
          "window", "\"" + text + "\" is too " + (every < 1_000 ? "short; at least 1s" : "long"));
    } else if (width % every != 0 || width / every > MOST_PANES) {
      section.problem(
          "window",
          "\"%s\" cannot be put together: the width must be a multiple of what it slides by, at most %,d times"
              .formatted(text, MOST_PANES));
    } else {
      return new Window(width, every);
    }
    return null;
  }

  private Thresholds thresholds() {
    Section thresholds = section.section("thresholds");
    thresholds.allow(THRESHOLD_KEYS);
    Thresholds usual = Thresholds.USUAL;
    double psi = thresholds.number("psi", usual.psi(), Double.MIN_VALUE, 1_000);
    double ks = thresholds.number("ks", usual.ks(), Double.MIN_VALUE, Math.nextDown(1.0));
    double v = thresholds.number("cramers-v", usual.cramersV(), Double.MIN_VALUE, 1);
    double level = section.number("false-discovery-rate", usual.level(), 1e-12, 1);
    return new Thresholds(psi, ks, v, level);
  }

  private Persistence persistence() {
    Section persistence = section.section("persistence");
    persistence.allow(PERSISTENCE_KEYS);
    int windows = (int) persistence.whole("windows", 2, 1, 1_000);
    int of = (int) persistence.whole("of", Math.max(3, windows), 1, 1_000);
    if (windows > of) {
      persistence.problem("windows", windows + " of the last " + of + " windows can never be");
      return new Persistence(of, of);
    }
    return new Persistence(windows, of);
  }

  private @Nullable Long previous() {
    if (!section.has("reference")) {
      return null;
    }
    if (section.isMapping("reference")) {
      Section reference = section.section("reference");
      reference.allow(REFERENCE_KEYS);
      reference.required("previous", "how much before each window it is compared with, 7d");
      return reference.duration("previous", 7L * 86_400_000, 1_000);
    }
    String text = section.text("reference");
    if (text != null && !text.equals("training")) {
      section.problem(
          "reference",
          "\"" + text + "\" is no reference; write training, or previous: 7d for the time before");
    }
    return null;
  }

  private static @Nullable Segments segments(Section segments, List<String> carry) {
    segments.allow(SEGMENT_KEYS);
    String by = segments.required("by", "a carried field");
    if (!by.isEmpty() && !carry.contains(by)) {
      segments.problem(
          "by",
          "\"%s\" must be named under carry, too, for predictions to have it%s"
              .formatted(by, Names.suggest(by, carry)));
    }
    int cap = (int) segments.whole("cap", 20, 1, 1_000);
    List<String> values = segments.texts("values");
    if (values.size() > cap) {
      segments.problem("values", values.size() + " are more than the cap of " + cap);
    }
    return new Segments(by, values, cap);
  }

  private @Nullable String dependence(List<Entity> entities) {
    List<String> names = entities.stream().map(Entity::name).toList();
    String text = section.text("dependence");
    if (text == null) {
      return names.isEmpty() ? null : names.get(0);
    }
    if (text.equals(INDEPENDENT)) {
      return null;
    }
    if (!names.contains(text)) {
      section.problem(
          "dependence",
          "\"%s\" must be an entity, or none%s".formatted(text, Names.suggest(text, names)));
    }
    return text;
  }
}
