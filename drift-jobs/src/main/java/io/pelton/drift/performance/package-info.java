/** Predictions joined with outcomes, and how well they did; see {@code docs/performance.md}. */
@NullMarked
package io.pelton.drift.performance;

import org.jspecify.annotations.NullMarked;
