package io.pelton.training;

/**
 * Mean and standard deviation of each feature, missing values left out. A constant feature has
 * deviation 1, one that is always missing mean 0.
 */
@SuppressWarnings("ArrayRecordComponent") // Never compared.
record Standardisation(float[] mean, float[] deviation) {

  static Standardisation of(double[][] rows, int width) {
    var mean = new float[width];
    var deviation = new float[width];
    for (int column = 0; column < width; column++) {
      double sum = 0;
      int count = 0;
      for (double[] row : rows) {
        if (!Double.isNaN(row[column])) {
          sum += row[column];
          count++;
        }
      }
      double centre = count == 0 ? 0 : sum / count;
      double squares = 0;
      for (double[] row : rows) {
        if (!Double.isNaN(row[column])) {
          squares += (row[column] - centre) * (row[column] - centre);
        }
      }
      mean[column] = (float) centre;
      deviation[column] = count == 0 ? 1 : (float) Math.sqrt(squares / count);
      if (deviation[column] == 0) {
        deviation[column] = 1;
      }
    }
    return new Standardisation(mean, deviation);
  }

  int width() {
    return mean.length;
  }

  /** All rows one after another, as the graph computes them. */
  float[] apply(double[][] rows) {
    var values = new float[Math.multiplyExact(rows.length, width())];
    int next = 0;
    for (double[] row : rows) {
      for (int column = 0; column < row.length; column++) {
        float value = (float) row[column];
        values[next++] = Float.isNaN(value) ? 0 : (value - mean[column]) / deviation[column];
      }
    }
    return values;
  }
}
