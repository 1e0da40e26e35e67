/** Comparing what was served with what history gives. */
@NullMarked
package io.pelton.parity;

import org.jspecify.annotations.NullMarked;
