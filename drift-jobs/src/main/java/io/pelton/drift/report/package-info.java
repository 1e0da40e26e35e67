/** Drift as one page for a browser: of the reports of a stream, or of two data sets. */
@NullMarked
package io.pelton.drift.report;

import org.jspecify.annotations.NullMarked;
