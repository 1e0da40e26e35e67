/**
 * What two jobs or more need of Flink: types and serializers, sources and sinks, the environment.
 */
@NullMarked
package io.pelton.job;

import org.jspecify.annotations.NullMarked;
