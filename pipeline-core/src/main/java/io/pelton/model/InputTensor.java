package io.pelton.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.pelton.registry.Signature;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/**
 * One input tensor of a model: its features out of the rows, in its own type. The buffer is kept
 * from batch to batch.
 */
final class InputTensor {
  private static final double TWO_POW_63 = 0x1p63;

  /** From here on a double is rounded to an infinite float. */
  private static final double BEYOND_FLOAT = 0x1.ffffffp127;

  private final String reference;
  private final Signature.Input input;
  private final DataType type;
  private final int offset;
  private final int size;

  /** A row on its way to the buffer, which takes it faster at once than value by value. */
  private final float[] floats;

  private ByteBuffer buffer;

  /**
   * @param offset where its features begin in a row
   */
  InputTensor(String reference, Signature.Input input, int offset) {
    this.reference = reference;
    this.input = input;
    this.type = DataType.valueOf(input.type().name());
    this.offset = offset;
    this.size = input.features().size();
    this.floats = new float[size];
    this.buffer = allocate(64);
  }

  /** The tensor of some rows; valid until the next call. */
  NDArray of(NDManager scope, double[][] rows, int from, int to) throws ScoringException {
    int count = to - from;
    int bytes = count * size * type.getNumOfBytes();
    if (buffer.capacity() < bytes) {
      buffer = allocate(count);
    }
    buffer.clear();
    switch (input.type()) {
      case FLOAT32 -> putFloats(rows, from, to);
      case FLOAT64 -> putDoubles(rows, from, to);
      case INT32 -> putInts(rows, from, to);
      case INT64 -> putLongs(rows, from, to);
      case BOOLEAN -> putBooleans(rows, from, to);
    }
    Shape shape = input.vector() ? new Shape(count) : new Shape(count, size);
    return scope.create(buffer.position(0).limit(bytes), shape, type);
  }

  private ByteBuffer allocate(int rows) {
    return ByteBuffer.allocateDirect(Math.multiplyExact(rows * size, type.getNumOfBytes()))
        .order(ByteOrder.nativeOrder());
  }

  private void putFloats(double[][] rows, int from, int to) throws ScoringException {
    FloatBuffer into = buffer.asFloatBuffer();
    for (int row = from; row < to; row++) {
      double[] values = rows[row];
      for (int i = 0; i < size; i++) {
        double value = values[offset + i];
        if (Math.abs(value) >= BEYOND_FLOAT && !Double.isInfinite(value)) {
          throw doesNotFit(i, value);
        }
        floats[i] = (float) value;
      }
      into.put(floats);
    }
  }

  private void putDoubles(double[][] rows, int from, int to) {
    for (int row = from; row < to; row++) {
      double[] values = rows[row];
      for (int i = 0; i < size; i++) {
        buffer.putDouble(values[offset + i]);
      }
    }
  }

  private void putInts(double[][] rows, int from, int to) throws ScoringException {
    for (int row = from; row < to; row++) {
      double[] values = rows[row];
      for (int i = 0; i < size; i++) {
        double value = values[offset + i];
        int whole = (int) value;
        if (whole != value) {
          throw doesNotFit(i, value);
        }
        buffer.putInt(whole);
      }
    }
  }

  private void putLongs(double[][] rows, int from, int to) throws ScoringException {
    for (int row = from; row < to; row++) {
      double[] values = rows[row];
      for (int i = 0; i < size; i++) {
        double value = values[offset + i];
        long whole = (long) value;
        // The cast stops at the largest long, which as a double is 2^63 and so would be equal.
        if (whole != value || value == TWO_POW_63) {
          throw doesNotFit(i, value);
        }
        buffer.putLong(whole);
      }
    }
  }

  private void putBooleans(double[][] rows, int from, int to) throws ScoringException {
    for (int row = from; row < to; row++) {
      double[] values = rows[row];
      for (int i = 0; i < size; i++) {
        double value = values[offset + i];
        if (value != 0 && value != 1) {
          throw doesNotFit(i, value);
        }
        buffer.put((byte) value);
      }
    }
  }

  private ScoringException doesNotFit(int feature, double value) {
    return new ScoringException(
        "%s: feature %s is %s, but its tensor \"%s\" of type %s takes %s; give the feature a default or bounds in the pipeline file, or the model a tensor of another type"
            .formatted(
                reference,
                input.features().get(feature),
                Double.isNaN(value) ? "missing" : value,
                input.tensor(),
                input.type(),
                switch (input.type()) {
                  case FLOAT32 -> "no numbers beyond ±" + Float.MAX_VALUE;
                  case FLOAT64 -> "all numbers";
                  case INT32 ->
                      "only whole numbers from " + Integer.MIN_VALUE + " to " + Integer.MAX_VALUE;
                  case INT64 -> "only whole numbers from -2^63 to 2^63 - 1";
                  case BOOLEAN -> "only 0 and 1";
                }));
  }
}
