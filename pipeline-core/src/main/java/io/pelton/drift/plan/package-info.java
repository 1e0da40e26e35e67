/** What drift settings will do: how often they alarm by chance, and what they will see. */
@NullMarked
package io.pelton.drift.plan;

import org.jspecify.annotations.NullMarked;
