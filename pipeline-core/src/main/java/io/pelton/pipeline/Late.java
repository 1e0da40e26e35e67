package io.pelton.pipeline;

/** What becomes of an event that comes later than the bound; no row is ever made of it. */
public enum Late {
  /** It goes to the late topic and nowhere else. */
  SIDE_OUTPUT,
  /** It goes to the late topic, and features of later events count it. */
  INCLUDE
}
