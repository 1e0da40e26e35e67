package io.pelton.job;

import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** The environment of every job: the invariants that hold whatever it runs on. */
public final class JobEnvironment {
  private JobEnvironment() {}

  /**
   * Adds what every job needs to {@code configuration}: no Kryo, and no copies between operators.
   */
  public static Configuration settings(Configuration configuration) {
    configuration.set(PipelineOptions.GENERIC_TYPES, false);
    configuration.set(PipelineOptions.OBJECT_REUSE, true);
    return configuration;
  }

  /** The same, and what every batch job needs. */
  public static Configuration batchSettings(Configuration configuration) {
    configuration.set(ExecutionOptions.RUNTIME_MODE, RuntimeExecutionMode.BATCH);
    return settings(configuration);
  }

  /** The environment that the job was submitted to, or a local one, for unbounded input. */
  public static StreamExecutionEnvironment streaming(Configuration configuration) {
    return StreamExecutionEnvironment.getExecutionEnvironment(settings(configuration));
  }

  /** The same for bounded input, in Flink's batch mode. */
  public static StreamExecutionEnvironment batch(Configuration configuration) {
    return StreamExecutionEnvironment.getExecutionEnvironment(batchSettings(configuration));
  }
}
