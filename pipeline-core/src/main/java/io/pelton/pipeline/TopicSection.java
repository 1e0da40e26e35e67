package io.pelton.pipeline;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Reads what a pipeline file says of topics' names. */
final class TopicSection {
  private static final Pattern TOPIC_NAME = Pattern.compile("[A-Za-z0-9._-]{1,249}");

  private TopicSection() {}

  /** Overrides of names by kind. */
  static Map<String, String> read(Section section) {
    List<String> kinds = List.copyOf(PipelineDefinition.topicKinds());
    section.allow(kinds);
    Map<String, String> topics = new LinkedHashMap<>();
    for (String kind : section.keys()) {
      String topic = section.required(kind, "a topic's name");
      check(section, kind, topic);
      topics.put(kind, topic);
    }
    return topics;
  }

  /** Notes what Kafka takes for no topic name. */
  static void check(Section section, String key, String topic) {
    if (topic.equals(".") || topic.equals("..")) {
      section.problem(key, "Kafka refuses a topic named \"" + topic + "\"; choose another name");
    } else if (!topic.isEmpty() && !TOPIC_NAME.matcher(topic).matches()) {
      section.problem(
          key, "\"" + topic + "\" is no topic name: letters, digits, dots, dashes and underscores");
    }
  }

  /** Notes two topics of one name at the key that can mend it. */
  static void checkDiffer(
      PipelineDefinition pipeline,
      Section events,
      Section topics,
      Section outcomes,
      Section tables) {
    Map<String, Topic> owners = new HashMap<>();
    for (Topic kind : Topic.values()) {
      if (kind == Topic.OUTCOMES) {
        continue; // below: their topic may be that of the events
      }
      String topic = pipeline.topic(kind);
      Topic owner = topic.isEmpty() ? null : owners.putIfAbsent(topic, kind);
      if (owner != null) {
        boolean kindIsSet = pipeline.topics().containsKey(kind.suffix());
        Topic told = kindIsSet ? kind : owner;
        Topic other = kindIsSet ? owner : kind;
        (told == Topic.EVENTS ? events : topics)
            .problem(told == Topic.EVENTS ? "topic" : told.suffix(), clash(topic, other));
      }
    }
    if (pipeline.outcomes() != null) {
      String topic = pipeline.outcomes().topic();
      Topic owner = owners.get(topic);
      if (owner != null && (owner != Topic.EVENTS || !pipeline.featuresOfOutcomes().isEmpty())) {
        outcomes.problem("topic", clash(topic, owner));
      }
      owners.putIfAbsent(topic, Topic.OUTCOMES);
    }
    // Two tables may be of one topic: the same rows, joined by two fields of the event.
    for (Table table : pipeline.tables()) {
      String topic = table.topic();
      Topic owner = topic == null ? null : owners.get(topic);
      if (topic != null && owner != null) {
        tables.section(table.name()).problem("topic", clash(topic, owner));
      }
    }
  }

  private static String clash(String topic, Topic other) {
    return "\"" + topic + "\" is also the topic of " + other.suffix() + "; each needs its own";
  }
}
