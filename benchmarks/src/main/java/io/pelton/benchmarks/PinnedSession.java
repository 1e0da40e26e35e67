package io.pelton.benchmarks;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * ONNX Runtime by its own API, with one thread and with input and output buffers that are kept: as
 * fast as it can be called from Java. Used by one thread at a time.
 */
final class PinnedSession implements AutoCloseable {
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;
  private final ScoredModel model;
  private final ByteBuffer in;
  private final ByteBuffer out;
  private final Map<Integer, Batch> batches = new HashMap<>();

  private record Batch(Map<String, OnnxTensor> inputs, Map<String, OnnxTensor> outputs) {}

  PinnedSession(Path onnx, ScoredModel model, int maxRows) throws OrtException {
    this.model = model;
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      options.setInterOpNumThreads(1);
      session = environment.createSession(onnx.toString(), options);
    }
    in = buffer(maxRows * model.inputs());
    out = buffer(maxRows * model.columns());
  }

  private static ByteBuffer buffer(int floats) {
    return ByteBuffer.allocateDirect(floats * Float.BYTES).order(ByteOrder.nativeOrder());
  }

  /** Where the rows go, row-major floats. */
  ByteBuffer input() {
    return in;
  }

  /** Where the scores lie after {@link #run}, row-major floats. */
  ByteBuffer output() {
    return out;
  }

  /** Scores the first rows of the input. */
  void run(int rows) throws OrtException {
    Batch batch = batches.get(rows);
    if (batch == null) {
      batch =
          new Batch(
              Map.of(model.input(), tensor(in, rows, model.inputs())),
              Map.of(model.output(), tensor(out, rows, model.columns())));
      batches.put(rows, batch);
    }
    session.run(batch.inputs, batch.outputs).close();
  }

  private OnnxTensor tensor(ByteBuffer buffer, int rows, int columns) throws OrtException {
    FloatBuffer floats = buffer.duplicate().order(ByteOrder.nativeOrder()).clear().asFloatBuffer();
    floats.limit(rows * columns);
    return OnnxTensor.createTensor(environment, floats, new long[] {rows, columns});
  }

  @Override
  public void close() throws OrtException {
    for (Batch batch : batches.values()) {
      batch.inputs.values().forEach(OnnxTensor::close);
      batch.outputs.values().forEach(OnnxTensor::close);
    }
    session.close();
  }
}
