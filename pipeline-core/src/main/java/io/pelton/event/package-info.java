/** Events as they come: their schema and the readers of their encodings. */
@NullMarked
package io.pelton.event;

import org.jspecify.annotations.NullMarked;
