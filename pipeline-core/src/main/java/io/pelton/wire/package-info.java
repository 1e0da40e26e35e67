/**
 * Records on the wire: Avro single-object encoding, writer schemas found by fingerprint, and codecs
 * for the records whose schema depends on the pipeline.
 */
@NullMarked
package io.pelton.wire;

import org.jspecify.annotations.NullMarked;
