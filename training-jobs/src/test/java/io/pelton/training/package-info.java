@NullMarked
package io.pelton.training;

import org.jspecify.annotations.NullMarked;
