package io.pelton.pipeline;

/** What becomes of an event or a row that breaks a rule. */
public enum Otherwise {
  /** It becomes a dead letter with the rule's name. */
  DEAD_LETTER,
  /** A value that is declared takes the place of the one that broke the rule. */
  DEFAULT,
  /** The job stops. */
  FAIL
}
