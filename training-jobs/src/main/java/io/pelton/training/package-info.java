/** Training: history with labels becomes an evaluated model, ready to be published. */
@NullMarked
package io.pelton.training;

import org.jspecify.annotations.NullMarked;
