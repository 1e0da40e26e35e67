package io.pelton.benchmarks;

import java.util.Locale;

/** Who scores rows that lie in memory. */
enum Contender {
  BARE("ONNX Runtime alone"),
  BARE_WITH_ROWS("ONNX Runtime alone, rows copied in, scores out"),
  OPERATOR("Pelton's operator in a Flink job"),
  OPERATOR_OVERLAPPING("Pelton's operator, batch: {overlap: true}"),
  NAIVE("naive Flink job: a predict a row"),
  SERVER("model server, a call a row"),
  SERVER_IN_BATCHES("model server, calls with batches");

  final String title;

  Contender(String title) {
    this.title = title;
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
