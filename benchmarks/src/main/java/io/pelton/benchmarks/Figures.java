package io.pelton.benchmarks;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The figures of one run by name, as a process of the benchmark prints them on one line. */
record Figures(Map<String, Double> byName) {
  static Figures parse(String line) {
    Map<String, Double> figures = new LinkedHashMap<>();
    for (String value : line.split(";", -1)) {
      int equals = value.indexOf('=');
      figures.put(value.substring(0, equals), Double.valueOf(value.substring(equals + 1)));
    }
    return new Figures(figures);
  }

  double get(String name) {
    return byName.getOrDefault(name, Double.NaN);
  }

  static double median(List<Figures> runs, String name) {
    double[] sorted = runs.stream().mapToDouble(run -> run.get(name)).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1
        ? sorted[middle]
        : Arrays.stream(sorted, middle - 1, middle + 1).average().orElse(Double.NaN);
  }
}
