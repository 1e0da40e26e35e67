/** The drift job: predictions to drift reports and alerts. */
@NullMarked
package io.pelton.drift.job;

import org.jspecify.annotations.NullMarked;
