/** Made-up card payments, for demonstrations and load without anybody's data. */
@NullMarked
package io.pelton.cli.simulator;

import org.jspecify.annotations.NullMarked;
