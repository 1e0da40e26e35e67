package io.pelton.benchmarks;

import ai.onnxruntime.OrtException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/** ONNX Runtime in a loop: the ceiling. The rows come round as they do in the jobs. */
final class BareLoop implements Runnable {
  private final ScoringRun run;
  private final double[][] rows = PacedRows.held();
  private volatile long count;

  /** The scores are read, so that reading them cannot be left out. */
  private volatile double last;

  BareLoop(ScoringRun run) {
    this.run = run;
  }

  long count() {
    return count;
  }

  double last() {
    return last;
  }

  @Override
  public void run() {
    int batch = run.batch();
    boolean copying = run.contender() == Contender.BARE_WITH_ROWS;
    try (PinnedSession session = new PinnedSession(run.onnx(), run.model(), batch)) {
      double[] scores = new double[batch * run.model().columns()];
      FloatBuffer input = session.input().asFloatBuffer();
      float[] floats = new float[run.model().inputs()];
      int next = copyIn(input, floats, 0, batch);
      long done = 0;
      while (true) {
        session.run(batch);
        if (copying) {
          ByteBuffer output = session.output();
          for (int i = 0; i < scores.length; i++) {
            scores[i] = output.getFloat(i * Float.BYTES);
          }
          last = scores[scores.length - 1];
          next = copyIn(input, floats, next, batch);
        }
        done += batch;
        count = done;
      }
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Returns the row after the last one. */
  private int copyIn(FloatBuffer input, float[] floats, int first, int batch) {
    int next = first;
    input.clear();
    for (int i = 0; i < batch; i++) {
      double[] row = rows[next];
      for (int j = 0; j < floats.length; j++) {
        floats[j] = (float) row[j];
      }
      input.put(floats);
      next = next + 1 == rows.length ? 0 : next + 1;
    }
    return next;
  }
}
