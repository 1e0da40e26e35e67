@NullMarked
package io.pelton.cli.simulator;

import org.jspecify.annotations.NullMarked;
