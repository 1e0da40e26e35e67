package io.pelton.registry;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Rows with the scores that the model gave when it was published; loading it again must reproduce
 * them to 1e-5.
 *
 * @param features one row each, in the signature's feature order; NaN is missing
 * @param outputs one row each, in the signature's output order
 */
public record GoldenRows(double[][] features, double[][] outputs) {
  /** Its file in a version's directory. */
  public static final String FILE = "golden.json";

  public GoldenRows {
    if (features.length != outputs.length) {
      throw new IllegalArgumentException(
          "golden rows: "
              + features.length
              + " rows of features but "
              + outputs.length
              + " rows of outputs; there must be one of each a row");
    }
  }

  /** Reads the golden rows of a version that was fetched to {@code directory}. */
  public static GoldenRows read(Path directory) throws IOException {
    Path file = directory.resolve(FILE);
    try {
      return RegistryJson.read(Files.readAllBytes(file), GoldenRows.class);
    } catch (JsonProcessingException e) {
      throw new RegistryException(file + ": not golden rows: " + e.getOriginalMessage(), e);
    }
  }

  /** Refuses rows that are wider or narrower than the signature. */
  void check(Signature signature) {
    int width = signature.features().size();
    int outputWidth = signature.outputs().size();
    for (int row = 0; row < features.length; row++) {
      if (features[row].length != width || outputs[row].length != outputWidth) {
        throw new IllegalArgumentException(
            "golden row %d has %d features and %d outputs; the signature has %d and %d"
                .formatted(row, features[row].length, outputs[row].length, width, outputWidth));
      }
    }
  }
}
