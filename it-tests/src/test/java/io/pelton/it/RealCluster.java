package io.pelton.it;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A real Flink cluster: a JobManager and TaskManagers as processes of their own, and each
 * submission through Flink's own client in a third. The libraries of the test class path are the
 * cluster's; Pelton's classes (and the tests') are the job jar, so they live in the user class
 * loader as on any session cluster. All logs are in the directory. As in Flink's distribution, the
 * GPU driver lies among the plugins.
 */
final class RealCluster implements AutoCloseable {
  private static final Path PLUGINS = Path.of("target/plugins").toAbsolutePath();
  private static final String HOST = "127.0.0.1";
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final Pattern JOB_ID = Pattern.compile("JobID ([0-9a-f]{32})");
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path directory;
  private final String libraries;
  private final Path jobJar;
  private final int restPort;
  private final HttpClient http = HttpClient.newHttpClient();
  private final List<Process> taskManagers = new ArrayList<>();
  private final Process jobManager;

  private RealCluster(Path directory, int slots, String configuration) throws IOException {
    this.directory = Files.createDirectories(directory.toAbsolutePath());
    this.restPort = freePort();
    List<Path> ours = new ArrayList<>();
    List<String> theirs = new ArrayList<>();
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    for (String entry : classPath.split(File.pathSeparator)) {
      Path path = Path.of(entry);
      boolean pelton =
          Files.isDirectory(path) || path.getFileName().toString().startsWith("pelton-");
      if (!Files.exists(path)) {
        continue; // a module without classes
      }
      if (pelton) {
        ours.add(path);
      } else {
        theirs.add(entry);
      }
    }
    this.libraries = String.join(File.pathSeparator, theirs);
    // Where Flink keeps jars that come by REST.
    Path jars = Files.createDirectories(this.directory.resolve("flink-web-upload"));
    this.jobJar = jar(ours, jars.resolve("job.jar"));
    configure(slots, configuration);
    this.jobManager =
        java(
            "jobmanager",
            "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
            List.of("-Xmx512m"),
            List.of("--configDir", conf().toString()));
  }

  /** Starts the processes and waits until all TaskManagers have registered. */
  static RealCluster start(Path directory, int taskManagers, int slotsEach) throws IOException {
    return start(directory, taskManagers, slotsEach, "");
  }

  /**
   * @param configuration more lines for Flink's {@code config.yaml}
   */
  static RealCluster start(Path directory, int taskManagers, int slotsEach, String configuration)
      throws IOException {
    RealCluster cluster = new RealCluster(directory, slotsEach, configuration);
    try {
      for (int i = 0; i < taskManagers; i++) {
        cluster.startTaskManager();
      }
      cluster.awaitTaskManagers(taskManagers);
      return cluster;
    } catch (IOException | RuntimeException | Error e) {
      cluster.close();
      throw e;
    }
  }

  private Path conf() {
    return directory.resolve("conf");
  }

  private void configure(int slots, String more) throws IOException {
    Files.createDirectories(conf());
    Files.createDirectories(directory.resolve("tmp"));
    Files.writeString(
        conf().resolve("config.yaml"),
        """
        jobmanager.rpc.address: %1$s
        jobmanager.bind-host: %1$s
        jobmanager.rpc.port: %2$d
        rest.address: %1$s
        rest.bind-address: %1$s
        rest.port: %3$d
        web.refresh-interval: 200
        web.upload.dir: %6$s
        taskmanager.host: %1$s
        taskmanager.bind-host: %1$s
        taskmanager.numberOfTaskSlots: %4$d
        taskmanager.cpu.cores: 1.0
        taskmanager.memory.framework.heap.size: 128m
        taskmanager.memory.framework.off-heap.size: 128m
        taskmanager.memory.task.heap.size: 512m
        taskmanager.memory.task.off-heap.size: 128m
        taskmanager.memory.network.min: 64m
        taskmanager.memory.network.max: 64m
        taskmanager.memory.managed.size: 128m
        taskmanager.memory.jvm-metaspace.size: 256m
        taskmanager.memory.jvm-overhead.min: 192m
        taskmanager.memory.jvm-overhead.max: 192m
        heartbeat.interval: 2000
        heartbeat.timeout: 8000
        io.tmp.dirs: %5$s
        execution.checkpointing.dir: file://%6$s/checkpoints
        execution.checkpointing.savepoint-dir: file://%6$s/savepoints
        restart-strategy.type: fixed-delay
        restart-strategy.fixed-delay.attempts: 100
        restart-strategy.fixed-delay.delay: 500ms
        pipeline.generic-types: false
        """
                .formatted(HOST, freePort(), restPort, slots, directory.resolve("tmp"), directory)
            + more);
    Files.writeString(
        conf().resolve("log4j2.properties"),
        """
        rootLogger.level = INFO
        rootLogger.appenderRef.console.ref = console
        appender.console.name = console
        appender.console.type = CONSOLE
        appender.console.layout.type = PatternLayout
        appender.console.layout.pattern = %d{HH:mm:ss.SSS} %-5p %c{1} %m%n
        """);
  }

  /** One jar of all class directories and jars; of entries with one name, the first. */
  private static Path jar(List<Path> sources, Path target) throws IOException {
    Set<String> seen = new HashSet<>();
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(target))) {
      for (Path source : sources) {
        if (Files.isDirectory(source)) {
          try (Stream<Path> files = Files.walk(source)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
              String name = source.relativize(file).toString().replace(File.separatorChar, '/');
              if (seen.add(name)) {
                out.putNextEntry(new JarEntry(name));
                Files.copy(file, out);
              }
            }
          }
        } else {
          try (JarFile jar = new JarFile(source.toFile())) {
            for (Enumeration<JarEntry> entries = jar.entries(); entries.hasMoreElements(); ) {
              JarEntry entry = entries.nextElement();
              if (!entry.isDirectory() && seen.add(entry.getName())) {
                out.putNextEntry(new JarEntry(entry.getName()));
                try (InputStream in = jar.getInputStream(entry)) {
                  in.transferTo(out);
                }
              }
            }
          }
        }
      }
    }
    return target;
  }

  private Process java(String log, String main, List<String> jvm, List<String> arguments)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(jvm);
    command.add("-XX:TieredStopAtLevel=1"); // starts sooner
    command.add("--add-opens=java.base/java.util=ALL-UNNAMED");
    command.add("--add-opens=java.base/java.lang=ALL-UNNAMED");
    command.add("-Dlog4j.configurationFile=" + conf().resolve("log4j2.properties"));
    command.add("-cp");
    command.add(libraries);
    command.add(main);
    command.addAll(arguments);
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve(log + ".log").toFile());
    builder.environment().put("FLINK_CONF_DIR", conf().toString());
    builder.environment().put("FLINK_PLUGINS_DIR", PLUGINS.toString());
    return builder.start();
  }

  /** Starts one more TaskManager; does not wait for it. */
  void startTaskManager() throws IOException {
    String id = "tm-" + (taskManagers.size() + 1);
    taskManagers.add(
        java(
            id,
            "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
            List.of(
                "-Xmx768m",
                "-XX:MaxDirectMemorySize=512m",
                // What the JDK's caches hold softly goes with the first collection, so that what
                // lives after one is held by something.
                "-XX:SoftRefLRUPolicyMSPerMB=0"),
            List.of("--configDir", conf().toString(), "-D", "taskmanager.resource-id=" + id)));
  }

  /** The process of a TaskManager, which REST knows as {@code tm-1} for index 0, and so on. */
  ProcessHandle taskManager(int index) {
    return taskManagers.get(index).toHandle();
  }

  /** Kills a TaskManager as kill -9 does, and waits until the process is gone. */
  void killTaskManager(int index) throws InterruptedException {
    taskManagers.get(index).destroyForcibly().waitFor();
  }

  void awaitTaskManagers(int count) {
    Await.until(
        count + " TaskManagers registered (logs in " + directory + ")",
        PATIENCE,
        () -> {
          if (!jobManager.isAlive()) {
            throw new IllegalStateException(
                "JobManager has ended:\n" + Files.readString(directory.resolve("jobmanager.log")));
          }
          return get("/overview").get("taskmanagers").intValue() == count;
        });
  }

  String restUrl() {
    return "http://" + HOST + ":" + restPort;
  }

  /** What Flink's REST API answers to a GET. */
  JsonNode get(String path) throws IOException {
    return send(HttpRequest.newBuilder(URI.create(restUrl() + path)).GET());
  }

  private JsonNode send(HttpRequest.Builder request) throws IOException {
    try {
      HttpResponse<String> response =
          http.send(
              request.timeout(Duration.ofSeconds(30)).build(),
              HttpResponse.BodyHandlers.ofString());
      if (response.statusCode() >= 300) {
        throw new IOException(response.uri() + ": " + response.statusCode() + response.body());
      }
      return JSON.readTree(response.body());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  /**
   * What a client process said.
   *
   * @param exitCode of the process
   * @param output standard output and error
   */
  record Client(int exitCode, String output) {
    /**
     * @throws AssertionError when no job was submitted
     */
    String jobId() {
      Matcher matcher = JOB_ID.matcher(output);
      if (!matcher.find()) {
        throw new AssertionError("no job was submitted:\n" + output);
      }
      return matcher.group(1);
    }
  }

  /** Submits with {@code flink run -d} and returns when the cluster has the job. */
  Client submit(Class<?> main, String... arguments) throws IOException, InterruptedException {
    return run(List.of("run", "-d"), main, arguments);
  }

  /**
   * Submits by REST: {@code main} runs in the JobManager, which spares a process.
   *
   * @return id of the job
   */
  String submitByRest(Class<?> main, String... arguments) throws IOException {
    ObjectNode body = JSON.createObjectNode().put("entryClass", main.getName());
    ArrayNode list = body.putArray("programArgsList");
    for (String argument : arguments) {
      list.add(argument);
    }
    return send(HttpRequest.newBuilder(
                URI.create(restUrl() + "/jars/" + jobJar.getFileName() + "/run"))
            .POST(HttpRequest.BodyPublishers.ofString(body.toString())))
        .get("jobid")
        .textValue();
  }

  /** Submits with {@code flink run} and returns when {@code main} has returned. */
  Client run(Class<?> main, String... arguments) throws IOException, InterruptedException {
    return run(List.of("run"), main, arguments);
  }

  private Client run(List<String> action, Class<?> main, String... arguments)
      throws IOException, InterruptedException {
    List<String> all = new ArrayList<>(action);
    all.addAll(List.of("-c", main.getName(), jobJar.toString()));
    all.addAll(List.of(arguments));
    return client(all.toArray(new String[0]));
  }

  /** Runs Flink's command line client, e.g. {@code stop --drain JOB}. */
  Client client(String... arguments) throws IOException, InterruptedException {
    String log = "client-" + System.nanoTime();
    Process process =
        java(
            log,
            "org.apache.flink.client.cli.CliFrontend",
            List.of("-Xmx512m"),
            List.of(arguments));
    if (!process.waitFor(5, TimeUnit.MINUTES)) {
      process.destroyForcibly().waitFor();
    }
    return new Client(
        process.exitValue(),
        Files.readString(directory.resolve(log + ".log"), StandardCharsets.UTF_8));
  }

  /** What a TaskManager has logged so far; the first is number 1. */
  List<String> log(int taskManager) throws IOException {
    return Files.readAllLines(directory.resolve("tm-" + taskManager + ".log"));
  }

  /** Status as REST gives it: RUNNING, FINISHED, RESTARTING, FAILED, CANCELED. */
  String status(String jobId) throws IOException {
    return get("/jobs/" + jobId).get("state").textValue();
  }

  void awaitStatus(String jobId, String status) {
    Await.until(
        "job " + jobId + " " + status + " (logs in " + directory + ")",
        PATIENCE,
        () -> status(jobId).equals(status));
  }

  /** Waits until every task of the job runs. */
  void awaitAllTasksRunning(String jobId) {
    Await.until(
        "all tasks of job " + jobId + " running (logs in " + directory + ")",
        PATIENCE,
        () -> {
          for (JsonNode vertex : get("/jobs/" + jobId).get("vertices")) {
            if (!vertex.get("status").textValue().equals("RUNNING")) {
              return false;
            }
          }
          return true;
        });
  }

  void cancel(String jobId) throws IOException {
    send(
        HttpRequest.newBuilder(URI.create(restUrl() + "/jobs/" + jobId + "?mode=cancel"))
            .method("PATCH", HttpRequest.BodyPublishers.noBody()));
    awaitStatus(jobId, "CANCELED");
  }

  @Override
  public void close() {
    List<Process> all = new ArrayList<>(taskManagers);
    all.add(jobManager);
    all.forEach(Process::destroyForcibly);
    for (Process process : all) {
      try {
        process.waitFor();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static int freePort() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName(HOST))) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
