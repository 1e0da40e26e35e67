/**
 * The whole stack in one process: a real Kafka broker and a real Flink cluster, without a network.
 */
@NullMarked
package io.pelton.cli.embedded;

import org.jspecify.annotations.NullMarked;
