package io.pelton.registry;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where a model version comes from.
 *
 * @param trainer what trained it, e.g. {@code tribuo-xgboost}; {@code import} for a model made
 *     elsewhere
 * @param seed seed of the training run, null when unknown
 * @param dataFrom first event time of the training data, ISO 8601, null when unknown
 * @param dataTo end of the training data (exclusive), ISO 8601, null when unknown
 * @param dataDigest SHA-256 of the training rows, hex, null when unknown
 * @param codeVersion version of Pelton that published it
 */
public record Provenance(
    String trainer,
    Map<String, String> hyperParameters,
    @Nullable Long seed,
    @Nullable String dataFrom,
    @Nullable String dataTo,
    @Nullable String dataDigest,
    String codeVersion) {}
