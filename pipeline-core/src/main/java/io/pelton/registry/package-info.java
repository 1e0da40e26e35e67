/** The model registry: immutable versions in a directory, and aliases that point to them. */
@NullMarked
package io.pelton.registry;

import org.jspecify.annotations.NullMarked;
