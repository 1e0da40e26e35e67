/** Feature engine: windows and aggregates, exact and independent of any engine. */
@NullMarked
package io.pelton.feature;

import org.jspecify.annotations.NullMarked;
