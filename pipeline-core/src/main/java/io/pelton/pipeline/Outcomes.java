package io.pelton.pipeline;

import java.io.Serializable;

/**
 * The topic that tells what became of events, by fields of its records.
 *
 * @param within how long after the event an outcome counts
 */
public record Outcomes(String topic, String id, String time, String label, long within)
    implements Serializable {
  /** What expressions of features of outcomes call the label, whatever the records call it. */
  public static final String LABEL = "label";
}
