/**
 * Measurements of whole pipelines and of the feature engine, side by side in one run. Never
 * shipped, never a test.
 */
@NullMarked
package io.pelton.benchmarks;

import org.jspecify.annotations.NullMarked;
