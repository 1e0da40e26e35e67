package io.pelton.pipeline;

import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** How often a record reaches its topic when a job fails, and from when on it shows there. */
public enum Delivery {
  /** Once; it shows to readers of committed records when a checkpoint completes. */
  EXACTLY_ONCE,
  /** It shows at once, and again after a failure if no checkpoint had completed since. */
  AT_LEAST_ONCE;

  /** Topics that jobs write their results to, but for shadows: what they say may be lost. */
  static final Set<Topic> TOPICS =
      Collections.unmodifiableSet(
          EnumSet.complementOf(
              EnumSet.of(
                  Topic.EVENTS, Topic.OUTCOMES, Topic.SHADOW, Topic.CONTROL, Topic.SCHEMAS)));

  /** As the pipeline file writes it. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** The same for every topic. */
  static Map<Topic, Delivery> everywhere(Delivery delivery) {
    Map<Topic, Delivery> all = new EnumMap<>(Topic.class);
    TOPICS.forEach(topic -> all.put(topic, delivery));
    return all;
  }

  /**
   * What an option says: {@code at-least-once}, or of some topics {@code
   * predictions=at-least-once,late=exactly-once}.
   *
   * @throws IllegalArgumentException that says what it may be
   */
  public static Map<Topic, Delivery> parse(String text) {
    if (!text.contains("=")) {
      return everywhere(named(text, text));
    }
    Map<Topic, Delivery> some = new EnumMap<>(Topic.class);
    for (String part : text.split(",", -1)) {
      String[] pair = part.strip().split("=", -1);
      if (pair.length != 2) {
        throw new IllegalArgumentException(
            "--delivery \"%s\": \"%s\" is not TOPIC=GUARANTEE; write predictions=at-least-once,features=exactly-once"
                .formatted(text, part));
      }
      Topic topic =
          TOPICS.stream()
              .filter(known -> known.suffix().equals(pair[0]))
              .findAny()
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          "--delivery \"%s\": no job writes a topic \"%s\"%s"
                              .formatted(text, pair[0], Names.suggest(pair[0], kinds()))));
      if (some.put(topic, named(text, pair[1])) != null) {
        throw new IllegalArgumentException(
            "--delivery \"%s\": %s is given twice; name it once".formatted(text, pair[0]));
      }
    }
    return some;
  }

  private static Delivery named(String text, String name) {
    for (Delivery delivery : values()) {
      if (delivery.label().equals(name)) {
        return delivery;
      }
    }
    throw new IllegalArgumentException(
        "--delivery \"%s\": unknown guarantee \"%s\"%s"
            .formatted(
                text,
                name,
                Names.suggest(name, Arrays.stream(values()).map(Delivery::label).toList())));
  }

  /** What {@link #TOPICS} are called in the pipeline file. */
  static List<String> kinds() {
    return TOPICS.stream().map(Topic::suffix).toList();
  }

  /** What a pipeline file says, of all topics or of some. */
  static Map<Topic, Delivery> read(Section file) {
    String key = "delivery";
    if (!file.isMapping(key)) {
      Delivery all = file.choice(key, EXACTLY_ONCE, Delivery.class);
      return file.has(key) ? everywhere(all) : Map.of();
    }
    Section section = file.section(key);
    section.allow(kinds());
    Map<Topic, Delivery> some = new EnumMap<>(Topic.class);
    for (Topic topic : TOPICS) {
      if (section.has(topic.suffix())) {
        some.put(topic, section.choice(topic.suffix(), EXACTLY_ONCE, Delivery.class));
      }
    }
    return some;
  }
}
