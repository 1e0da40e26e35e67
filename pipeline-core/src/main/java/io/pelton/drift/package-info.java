/** Drift: baseline profiles, mergeable counts against them, and the measures taken from both. */
@NullMarked
package io.pelton.drift;

import org.jspecify.annotations.NullMarked;
