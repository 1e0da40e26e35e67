package io.pelton.feature.job;

import io.pelton.feature.FeatureRow;
import io.pelton.schemas.DeadLetter;
import io.pelton.schemas.LateEvent;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.jspecify.annotations.Nullable;

/**
 * What the feature topology gives; every record that came in is in exactly one of them.
 *
 * @param features rows with all features, in the pipeline's order
 * @param late events and outcomes later than the declared out-of-orderness
 * @param deadLetters records that could not be used
 * @param outcomes those that could be read, in the order that they came; null when no feature
 *     aggregates them
 */
public record FeatureOutputs(
    DataStream<FeatureRow> features,
    DataStream<LateEvent> late,
    DataStream<DeadLetter> deadLetters,
    @Nullable DataStream<FeatureRow> outcomes) {}
