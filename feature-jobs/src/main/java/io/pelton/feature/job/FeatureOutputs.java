package io.pelton.feature.job;

import io.pelton.feature.FeatureRow;
import io.pelton.schemas.DeadLetter;
import io.pelton.schemas.LateEvent;
import org.apache.flink.streaming.api.datastream.DataStream;

/**
 * What the feature topology gives; every record that came in is in exactly one of them.
 *
 * @param features rows with all features, in the pipeline's order
 * @param late events later than the declared out-of-orderness
 * @param deadLetters records that could not be used
 */
public record FeatureOutputs(
    DataStream<FeatureRow> features,
    DataStream<LateEvent> late,
    DataStream<DeadLetter> deadLetters) {}
