package io.pelton.pipeline;

import io.pelton.drift.Persistence;
import java.io.Serializable;

/**
 * How drift is measured, and when it is told of.
 *
 * @param window width of a tumbling window
 * @param allowedLateness how long after its end a window stays open
 * @param psi threshold of the bias-adjusted PSI
 * @param ks threshold of the Kolmogorov-Smirnov distance
 * @param falseDiscoveryRate level of the Benjamini-Hochberg procedure
 * @param minimumCount windows with fewer rows decide nothing
 * @param persistence an alert opens when {@code k} of the last {@code n} windows drifted
 * @param edges most edges a baseline profile keeps
 */
public record Drift(
    long window,
    long allowedLateness,
    double psi,
    double ks,
    double falseDiscoveryRate,
    long minimumCount,
    Persistence persistence,
    int edges)
    implements Serializable {}
