/** How often drift decisions are wrong, and how soon right: {@code benchmarks/run calibration}. */
@NullMarked
package io.pelton.benchmarks.calibration;

import org.jspecify.annotations.NullMarked;
