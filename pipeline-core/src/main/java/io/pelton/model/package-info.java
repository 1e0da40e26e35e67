/** Models: loading and scoring them through DJL. */
@NullMarked
package io.pelton.model;

import org.jspecify.annotations.NullMarked;
