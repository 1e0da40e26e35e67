package io.pelton.job;

import io.pelton.schemas.DeadLetter;
import org.apache.flink.streaming.api.datastream.DataStream;

/**
 * What a topic of rows gives.
 *
 * @param rows with event time and watermarks
 * @param deadLetters records that are not such rows, as they came
 */
public record Decoded<T>(DataStream<T> rows, DataStream<DeadLetter> deadLetters) {}
