/** The pipeline file: its definition, parsing and validation. */
@NullMarked
package io.pelton.pipeline;

import org.jspecify.annotations.NullMarked;
