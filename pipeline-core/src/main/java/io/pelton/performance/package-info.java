/** How well a model's predictions did, from counts that merge; see {@code docs/performance.md}. */
@NullMarked
package io.pelton.performance;

import org.jspecify.annotations.NullMarked;
