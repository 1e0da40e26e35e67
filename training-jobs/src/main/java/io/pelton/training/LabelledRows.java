package io.pelton.training;

/**
 * Features joined with labels by event id.
 *
 * @param set the rows with a label, in the feature files' order
 * @param unlabelled how many rows have no label yet
 */
public record LabelledRows(TrainingSet set, int unlabelled) {}
