/** Which version of a model scores which event: plans, and how traffic is routed by them. */
@NullMarked
package io.pelton.rollout;

import org.jspecify.annotations.NullMarked;
