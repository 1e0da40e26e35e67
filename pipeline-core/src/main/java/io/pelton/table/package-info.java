/** Reference tables: versions of rows by key, read as of a time. */
@NullMarked
package io.pelton.table;

import org.jspecify.annotations.NullMarked;
