package io.pelton.benchmarks;

import java.util.Locale;

/** A job that scores tensors from Kafka to Kafka. */
enum TensorJob {
  /** An event is an array of floats, one row or several behind each other. */
  PELTON_AVRO("Pelton's operator, Avro tensors", TensorFormat.AVRO),

  /** An event is what {@link #BY_HAND} takes. */
  PELTON_JSON("Pelton's operator, JSON tensors", TensorFormat.JSON),

  /** The job as it is shipped, from the features topic to the predictions topic. */
  INFERENCE_JOB("Pelton's inference job, as it is", TensorFormat.FEATURES),

  /** Lists of boxed numbers, as Crayfish has them. */
  BY_HAND("as Crayfish does it, JSON tensors", TensorFormat.JSON);

  static final String SINK = "out";

  final String title;
  final TensorFormat format;

  TensorJob(String title, TensorFormat format) {
    this.title = title;
    this.format = format;
  }

  /** Whether a record may have several rows. */
  boolean takesRows() {
    return this != INFERENCE_JOB;
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
