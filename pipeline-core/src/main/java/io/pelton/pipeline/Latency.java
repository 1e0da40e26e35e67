package io.pelton.pipeline;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * How long records may be gathered at each step of a job: the longer, the less work is each. Times
 * are milliseconds.
 */
public enum Latency {
  /**
   * A record goes on at once. At thousands a second that is less work too than a timer that looks
   * for records each millisecond.
   */
  LOW(0, 0, 131_072, 1, 500, 20, 1),
  BALANCED(100, 10, 131_072, 1, 500, 200, 5),
  /** As many as possible at a time. */
  THROUGHPUT(200, 50, 524_288, 65_536, 200, 200, 20);

  private final int bufferTimeout;
  private final int linger;
  private final int batchBytes;
  private final int fetchMinBytes;
  private final int fetchMaxWait;
  private final int watermarkInterval;
  private final int batchDelay;

  Latency(
      int bufferTimeout,
      int linger,
      int batchBytes,
      int fetchMinBytes,
      int fetchMaxWait,
      int watermarkInterval,
      int batchDelay) {
    this.bufferTimeout = bufferTimeout;
    this.linger = linger;
    this.batchBytes = batchBytes;
    this.fetchMinBytes = fetchMinBytes;
    this.fetchMaxWait = fetchMaxWait;
    this.watermarkInterval = watermarkInterval;
    this.batchDelay = batchDelay;
  }

  /**
   * As the pipeline file writes it.
   *
   * @throws IllegalArgumentException that says what it may be
   */
  public static Latency named(String name) {
    for (Latency latency : values()) {
      if (latency.label().equals(name)) {
        return latency;
      }
    }
    List<String> known = Arrays.stream(values()).map(Latency::label).toList();
    throw new IllegalArgumentException(
        "--latency \"%s\": there is no such profile%s".formatted(name, Names.suggest(name, known)));
  }

  /** As the pipeline file writes it. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** How long a record waits between operators for others to go with it. */
  public int bufferTimeout() {
    return bufferTimeout;
  }

  /** How long a record waits in Kafka's producer for others to go with it. */
  public int linger() {
    return linger;
  }

  /** So many bytes for one partition go without waiting longer. */
  public int batchBytes() {
    return batchBytes;
  }

  /** A broker answers a consumer when it has so many bytes, */
  public int fetchMinBytes() {
    return fetchMinBytes;
  }

  /** or after so long. */
  public int fetchMaxWait() {
    return fetchMaxWait;
  }

  /** Between two watermarks of a source. */
  public int watermarkInterval() {
    return watermarkInterval;
  }

  /** How long a row waits for a model's batch to fill, where the pipeline file does not say. */
  public int batchDelay() {
    return batchDelay;
  }

  /** One line with all settings. */
  String describe() {
    return "%s: records wait up to %s between operators, and %s or for %d bytes to go to Kafka; they are fetched by %d bytes or after %s; watermarks every %s"
        .formatted(
            label(),
            PipelineSummary.duration(bufferTimeout),
            PipelineSummary.duration(linger),
            batchBytes,
            fetchMinBytes,
            PipelineSummary.duration(fetchMaxWait),
            PipelineSummary.duration(watermarkInterval));
  }
}
