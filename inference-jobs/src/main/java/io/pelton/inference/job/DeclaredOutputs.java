package io.pelton.inference.job;

import io.pelton.model.FallbackReason;
import io.pelton.model.ServedVersion;
import io.pelton.registry.NearestName;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** Rows that a version cannot score get the outputs that the pipeline file declares. */
final class DeclaredOutputs implements Rescue {
  private final double[] outputs;
  private final Map<ServedVersion, ServedVersion> declared = new HashMap<>();

  /**
   * @throws IllegalArgumentException when the version has other outputs
   */
  DeclaredOutputs(ServedVersion served, Map<String, Double> declared) {
    check(served.model() + "@" + served.version(), served.outputs(), declared);
    outputs = served.outputs().stream().mapToDouble(declared::get).toArray();
  }

  /**
   * @throws IllegalArgumentException that names each output that a version has and the pipeline
   *     file does not, or the other way round
   */
  static void check(String version, List<String> outputs, Map<String, Double> declared) {
    List<String> problems = new ArrayList<>();
    for (String output : outputs) {
      if (!declared.containsKey(output)) {
        problems.add("it lacks \"" + output + "\"");
      }
    }
    for (String output : new TreeSet<>(declared.keySet())) {
      if (!outputs.contains(output)) {
        problems.add("the version gives no \"" + output + "\"" + NearestName.hint(output, outputs));
      }
    }
    if (!problems.isEmpty()) {
      throw new IllegalArgumentException(
          "%s: model.fallback.outputs of the pipeline file must name the outputs of the version: %s"
              .formatted(version, String.join("; ", problems)));
    }
  }

  @Override
  public int rescue(RowBatch rows, FallbackReason reason, String why, BatchScorer.Results results) {
    for (int row = 0; row < rows.size(); row++) {
      ServedVersion as = declared.computeIfAbsent(rows.served(row), ServedVersion::declared);
      results.scored(rows.scored(row, as, outputs.clone(), reason));
    }
    return 0;
  }
}
