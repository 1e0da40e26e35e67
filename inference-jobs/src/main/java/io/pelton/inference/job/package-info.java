/** Features to predictions: the inference topology and its batching operator. */
@NullMarked
package io.pelton.inference.job;

import org.jspecify.annotations.NullMarked;
