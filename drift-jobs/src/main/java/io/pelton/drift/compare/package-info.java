/** Two data sets beside each other, column by column, by the statistics that streams get. */
@NullMarked
package io.pelton.drift.compare;

import org.jspecify.annotations.NullMarked;
