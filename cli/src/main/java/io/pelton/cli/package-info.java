/** The {@code pelton} command. */
@NullMarked
package io.pelton.cli;

import org.jspecify.annotations.NullMarked;
