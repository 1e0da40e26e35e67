/** The feature job: events to features. */
@NullMarked
package io.pelton.feature.job;

import org.jspecify.annotations.NullMarked;
