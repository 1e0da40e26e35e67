/** CEL expressions over an event's fields. */
@NullMarked
package io.pelton.expression;

import org.jspecify.annotations.NullMarked;
