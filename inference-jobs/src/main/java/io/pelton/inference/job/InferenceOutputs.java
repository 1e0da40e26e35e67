package io.pelton.inference.job;

import io.pelton.model.ScoredRow;
import io.pelton.schemas.DeadLetter;
import org.apache.flink.streaming.api.datastream.DataStream;

/**
 * What the inference topology gives.
 *
 * @param predictions in the order of the features, with their event times
 * @param shadows what versions beside those that serve predict, in no order
 * @param deadLetters rows that the model could not score
 */
public record InferenceOutputs(
    DataStream<ScoredRow> predictions,
    DataStream<ScoredRow> shadows,
    DataStream<DeadLetter> deadLetters) {}
