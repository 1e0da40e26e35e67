package io.pelton.pipeline;

/** The topics of a pipeline, with the suffix that their names end in by default. */
public enum Topic {
  EVENTS("events"),
  OUTCOMES("outcomes"),
  FEATURES("features"),
  PREDICTIONS("predictions"),
  SHADOW("shadow"),
  LATE("late"),
  DEAD_LETTERS("dead-letters"),
  DRIFT("drift"),
  ALERTS("alerts"),
  PERFORMANCE("performance"),
  CONTROL("control"),
  STATUS("status"),
  AUDIT("audit"),
  SCHEMAS("schemas");

  private final String suffix;

  Topic(String suffix) {
    this.suffix = suffix;
  }

  public String suffix() {
    return suffix;
  }

  /** Whether only the newest record of a key counts. */
  public boolean compacted() {
    return this == CONTROL || this == SCHEMAS;
  }
}
