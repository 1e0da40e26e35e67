/** What an aggregate is; for Pelton's own and for those that a class path brings. */
@NullMarked
package io.pelton.aggregate;

import org.jspecify.annotations.NullMarked;
