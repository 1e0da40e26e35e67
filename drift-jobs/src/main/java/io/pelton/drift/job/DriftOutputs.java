package io.pelton.drift.job;

import io.pelton.schemas.DeadLetter;
import io.pelton.schemas.DriftAlert;
import io.pelton.schemas.DriftReport;
import io.pelton.schemas.LateEvent;
import org.apache.flink.streaming.api.datastream.DataStream;

/**
 * What comes out of the drift job.
 *
 * @param reports one a window, model version and feature or output
 * @param alerts opened and resolved, of a stable id
 * @param late predictions whose window was closed
 * @param deadLetters predictions of versions without a baseline profile
 */
public record DriftOutputs(
    DataStream<DriftReport> reports,
    DataStream<DriftAlert> alerts,
    DataStream<LateEvent> late,
    DataStream<DeadLetter> deadLetters) {}
