package io.pelton.cli.embedded;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.apache.flink.client.deployment.executors.PipelineExecutorUtils;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.DeploymentOptions;
import org.apache.flink.configuration.HeartbeatManagerOptions;
import org.apache.flink.configuration.JobManagerOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.configuration.WebOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.PipelineExecutor;
import org.apache.flink.core.execution.PipelineExecutorFactory;
import org.apache.flink.core.execution.PipelineExecutorServiceLoader;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.runtime.minicluster.MiniClusterJobClient;
import org.apache.flink.runtime.minicluster.MiniClusterJobClient.JobFinalizationBehavior;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamGraph;

/**
 * A real Flink cluster in this process, with its web page, on 127.0.0.1 only. Several jobs may run
 * on it at once; each is steered by the {@link JobClient} that its submission returns: status,
 * accumulators, savepoint, stop with or without drain, cancel.
 */
public final class EmbeddedFlink implements AutoCloseable {
  /** Where keyed state lives. */
  public enum State {
    HEAP("hashmap"),
    ROCKSDB("rocksdb");

    private final String backend;

    State(String backend) {
      this.backend = backend;
    }
  }

  private static final String TARGET = "pelton-embedded";

  private final MiniCluster cluster;
  private final URI web;

  private EmbeddedFlink(MiniCluster cluster, URI web) {
    this.cluster = cluster;
    this.web = web;
  }

  /**
   * @param slots parallelism of all jobs together
   * @param directory checkpoints and savepoints go to {@code checkpoints} and {@code savepoints}
   *     below it, and stay
   * @param more Flink settings that replace the ones chosen here, e.g. {@code rest.port}
   * @throws Exception when the cluster does not start
   */
  public static EmbeddedFlink start(int slots, Path directory, State state, Configuration more)
      throws Exception {
    // Of a directory that is not there the URI lacks the slash that others are resolved below.
    URI root = Files.createDirectories(directory).toAbsolutePath().toUri();
    Configuration settings = new Configuration();
    settings.set(RestOptions.ADDRESS, "127.0.0.1");
    settings.set(RestOptions.BIND_ADDRESS, "127.0.0.1");
    settings.set(RestOptions.BIND_PORT, "0");
    settings.set(WebOptions.SUBMIT_ENABLE, false);
    settings.set(JobManagerOptions.ADDRESS, "127.0.0.1");
    settings.set(StateBackendOptions.STATE_BACKEND, state.backend);
    settings.set(
        CheckpointingOptions.CHECKPOINTS_DIRECTORY, root.resolve("checkpoints").toString());
    settings.set(CheckpointingOptions.SAVEPOINT_DIRECTORY, root.resolve("savepoints").toString());
    settings.set(TaskManagerOptions.NETWORK_MEMORY_MIN, MemorySize.ofMebiBytes(64));
    settings.set(TaskManagerOptions.NETWORK_MEMORY_MAX, MemorySize.ofMebiBytes(64));
    settings.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(128));
    settings.set(PipelineOptions.GENERIC_TYPES, false);
    // Accumulators travel with heartbeats.
    settings.set(HeartbeatManagerOptions.HEARTBEAT_INTERVAL, Duration.ofSeconds(1));
    settings.set(CoreOptions.DEFAULT_PARALLELISM, 1);
    settings.addAll(more);

    MiniCluster cluster =
        new MiniCluster(
            new MiniClusterConfiguration.Builder()
                .setConfiguration(settings)
                .setNumTaskManagers(1)
                .setNumSlotsPerTaskManager(slots)
                .build());
    try {
      cluster.start();
      return new EmbeddedFlink(cluster, cluster.getRestAddress().get());
    } catch (Exception e) {
      cluster.close();
      throw e;
    }
  }

  /**
   * A new environment whose {@code execute} and {@code executeAsync} run on this cluster.
   *
   * @param settings of the job; the cluster's hold where it has none
   */
  public StreamExecutionEnvironment environment(Configuration settings) {
    Configuration job = new Configuration(cluster.getConfiguration());
    job.addAll(settings);
    job.set(DeploymentOptions.TARGET, TARGET);
    job.set(DeploymentOptions.ATTACHED, true);
    return new StreamExecutionEnvironment(
        new Submission(), job, EmbeddedFlink.class.getClassLoader());
  }

  /** The web page, e.g. {@code http://127.0.0.1:40123}. */
  public String webUrl() {
    return web.toString();
  }

  /**
   * The cluster itself, for what this class does not wrap: killing a task manager, listing jobs.
   */
  public MiniCluster cluster() {
    return cluster;
  }

  /** Cancels what still runs and stops the cluster; checkpoints stay. */
  @Override
  public void close() throws Exception {
    cluster.close();
  }

  /** Brings an environment's jobs to this cluster instead of making a cluster for each. */
  private final class Submission implements PipelineExecutorServiceLoader, PipelineExecutorFactory {
    @Override
    public PipelineExecutorFactory getExecutorFactory(Configuration configuration) {
      return this;
    }

    @Override
    public Stream<String> getExecutorNames() {
      return Stream.of(TARGET);
    }

    @Override
    public String getName() {
      return TARGET;
    }

    @Override
    public boolean isCompatibleWith(Configuration configuration) {
      return TARGET.equals(configuration.get(DeploymentOptions.TARGET));
    }

    @Override
    public PipelineExecutor getExecutor(Configuration configuration) {
      return (pipeline, settings, loader) -> {
        StreamGraph graph = PipelineExecutorUtils.getStreamGraph(pipeline, settings);
        graph.serializeUserDefinedInstances();
        return cluster
            .submitJob(graph)
            .thenApply(
                submitted ->
                    new MiniClusterJobClient(
                        submitted.getJobID(), cluster, loader, JobFinalizationBehavior.NOTHING));
      };
    }
  }
}
