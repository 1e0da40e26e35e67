package io.pelton.benchmarks;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Feature rows to score, again and again, that a file brings into another process. */
final class HeldRows {
  private HeldRows() {}

  static void save(double[][] rows, Path file) throws IOException {
    try (DataOutputStream out =
        new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file)))) {
      out.writeInt(rows.length);
      out.writeInt(rows[0].length);
      for (double[] row : rows) {
        for (double value : row) {
          out.writeDouble(value);
        }
      }
    }
  }

  static double[][] load(Path file) throws IOException {
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
      double[][] rows = new double[in.readInt()][];
      int width = in.readInt();
      for (int i = 0; i < rows.length; i++) {
        rows[i] = new double[width];
        for (int j = 0; j < width; j++) {
          rows[i][j] = in.readDouble();
        }
      }
      return rows;
    }
  }
}
