package io.pelton.cli.embedded;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;

/**
 * A real Kafka broker (KRaft, broker and controller in one) in this process, on 127.0.0.1 only. Its
 * data lives in a directory; started there again it has all its topics, offsets and transactions.
 */
public final class EmbeddedKafka implements AutoCloseable {
  private static final String HOST = "127.0.0.1";
  private static final int NODE = 1;
  // Fixed, so that a directory is known again.
  private static final String CLUSTER = new Uuid(0x70656C746F6EL, NODE).toString();

  private final int port;
  private final KafkaRaftServer server;

  private EmbeddedKafka(int port, KafkaRaftServer server) {
    this.port = port;
    this.server = server;
  }

  /**
   * Starts on a free port.
   *
   * @throws IOException when the directory cannot be prepared
   */
  public static EmbeddedKafka start(Path directory) throws IOException {
    return start(directory, freePort());
  }

  /**
   * Starts on a given port, as clients of a broker that comes back expect it.
   *
   * @throws IOException when the directory cannot be prepared, or the port is taken
   */
  public static EmbeddedKafka start(Path directory, int port) throws IOException {
    return start(directory, port, Map.of());
  }

  /**
   * @param settings broker settings that replace the ones chosen here
   * @throws IOException when the directory cannot be prepared, or the port is taken
   */
  public static EmbeddedKafka start(Path directory, int port, Map<String, String> settings)
      throws IOException {
    Path logs = Files.createDirectories(directory).toAbsolutePath().resolve("kafka-logs");
    Properties properties = settings(logs, port, freePort());
    properties.putAll(settings);
    format(logs);
    try {
      KafkaRaftServer server = new KafkaRaftServer(new KafkaConfig(properties), Time.SYSTEM);
      server.startup();
      return new EmbeddedKafka(port, server);
    } catch (RuntimeException e) {
      throw new IOException(
          "embedded Kafka broker did not start on "
              + HOST
              + ":"
              + port
              + " with data in "
              + logs
              + ": "
              + e.getMessage()
              + "; check that the port is free and no other broker uses the directory",
          e);
    }
  }

  /** Address for clients: {@code host:port}. */
  public String bootstrapServers() {
    return HOST + ":" + port;
  }

  public int port() {
    return port;
  }

  /** Stops the broker; its data stays. */
  @Override
  public void close() {
    server.shutdown();
    server.awaitShutdown();
  }

  private static void format(Path logs) throws IOException {
    try (PrintStream quiet =
        new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8)) {
      new Formatter()
          .setPrintStream(quiet)
          .setNodeId(NODE)
          .setClusterId(CLUSTER)
          .setReleaseVersion(MetadataVersion.latestProduction())
          .setControllerListenerName("CONTROLLER")
          .setMetadataLogDirectory(Optional.of(logs.toString()))
          .addDirectory(logs.toString())
          .setIgnoreFormatted(true)
          .run();
    } catch (IOException e) {
      throw e;
    } catch (Exception e) {
      throw new IOException(logs + ": cannot be formatted as a Kafka log directory: " + e, e);
    }
  }

  private static Properties settings(Path logs, int port, int controllerPort) {
    Properties p = new Properties();
    p.put("process.roles", "broker,controller");
    p.put("node.id", Integer.toString(NODE));
    p.put("controller.quorum.voters", NODE + "@" + HOST + ":" + controllerPort);
    p.put("controller.listener.names", "CONTROLLER");
    p.put("inter.broker.listener.name", "PLAINTEXT");
    p.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
    p.put(
        "listeners",
        "PLAINTEXT://" + HOST + ":" + port + ",CONTROLLER://" + HOST + ":" + controllerPort);
    p.put("advertised.listeners", "PLAINTEXT://" + HOST + ":" + port);
    p.put("log.dirs", logs.toString());

    // One broker: nothing to replicate to.
    p.put("default.replication.factor", "1");
    p.put("offsets.topic.replication.factor", "1");
    p.put("transaction.state.log.replication.factor", "1");
    p.put("transaction.state.log.min.isr", "1");
    p.put("share.coordinator.state.topic.replication.factor", "1");
    p.put("share.coordinator.state.topic.min.isr", "1");

    // Small and quick: few internal partitions, no waiting for more members or for other brokers.
    p.put("offsets.topic.num.partitions", "2");
    p.put("transaction.state.log.num.partitions", "2");
    p.put("group.initial.rebalance.delay.ms", "0");
    p.put("num.network.threads", "2");
    p.put("num.io.threads", "4");
    p.put("background.threads", "2");
    p.put("log.cleaner.dedupe.buffer.size", "8388608");

    // Topics are made on purpose, with settings; a mistyped name is an error.
    p.put("auto.create.topics.enable", "false");
    // A job that was down overnight still commits what it had prepared.
    p.put("transaction.max.timeout.ms", "86400000");
    return p;
  }

  private static int freePort() {
    try (ServerSocket socket = new ServerSocket()) {
      socket.bind(new InetSocketAddress(InetAddress.getByName(HOST), 0));
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException("no free port on " + HOST, e);
    }
  }
}
