package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pelton.cli.Pelton;
import io.pelton.job.JobOptions;
import io.pelton.pipeline.PipelineFile;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ExternalResourceOptions;
import org.apache.flink.configuration.HighAvailabilityOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.runtime.util.EnvironmentInformation;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/** The files under {@code deploy/} against what will read them, as far as that runs without it. */
final class DeployFilesTest {
  private static final Path DEPLOY = Path.of("..", "deploy");
  private static final Path EXAMPLE = Path.of("..", "examples", "card-fraud");
  private static final Path PIPELINE_MANIFEST = DEPLOY.resolve("kubernetes/pipeline.yaml");
  private static final Path CRON_JOB = DEPLOY.resolve("kubernetes/batch-scoring.yaml");
  private static final Path GPU_JOB = DEPLOY.resolve("kubernetes/inference-job.yaml");
  private static final String IMAGE = "pelton:0.1.0";
  private static final String JAR = "/opt/flink/usrlib/pelton-jobs.jar";
  private static final String GPU_AMOUNT = "external-resource.gpu.amount";

  private static OperatorValidator operator;

  @BeforeAll
  static void loadOperator() throws Exception {
    operator = new OperatorValidator();
  }

  @AfterAll
  static void closeOperator() throws IOException {
    operator.close();
  }

  static List<Path> manifests() throws IOException {
    try (Stream<Path> files = Files.list(DEPLOY.resolve("kubernetes"))) {
      return files.sorted().toList();
    }
  }

  static List<Path> jobs() throws IOException {
    return manifests().stream().filter(file -> file.toString().endsWith("-job.yaml")).toList();
  }

  @ParameterizedTest
  @MethodSource("manifests")
  void manifestsHaveOnlyFieldsThatKubernetesKnows(Path file) throws IOException {
    for (JsonNode document : Manifests.documents(file)) {
      assertThatCode(() -> Manifests.resource(asOperatorApiReads(document)))
          .doesNotThrowAnyException();
    }
  }

  @ParameterizedTest
  @MethodSource("jobs")
  void theOperatorTakesEveryDeployment(Path file) throws Exception {
    JsonNode job = only(file);

    assertThat(operator.refusal(job)).isEmpty();
    assertThat(job.at("/spec/flinkVersion").asText()).isEqualTo(flinkVersion());
  }

  @ParameterizedTest
  @MethodSource("jobs")
  void deploymentsStartAJobWithArgumentsThatItTakes(Path file) throws Exception {
    JsonNode spec = only(file).get("spec");

    assertThat(spec.get("image").asText()).isIn(IMAGE, IMAGE + "-gpu");
    assertThat(spec.at("/job/jarURI").asText()).isEqualTo("local://" + JAR);
    assertStarts(spec.at("/job/entryClass").asText(), texts(spec.at("/job/args")));
    assertThat(spec.at("/podTemplate/spec/containers/0/volumeMounts").findValuesAsText("mountPath"))
        .contains("/pipeline");
  }

  @ParameterizedTest
  @MethodSource("jobs")
  void deploymentsSetOnlyOptionsThatFlinkKnows(Path file) throws Exception {
    Set<String> keys = new TreeSet<>();
    only(file).at("/spec/flinkConfiguration").fieldNames().forEachRemaining(keys::add);

    assertThat(keys).isSubsetOf(flinkOptions());
  }

  @Test
  void inferenceAsksKubernetesForAsManyGpusAsFlinkHandsOut() throws Exception {
    JsonNode spec = only(GPU_JOB).get("spec");

    assertThat(
            spec.at("/taskManager/podTemplate/spec/containers/0/resources/limits")
                .get("nvidia.com/gpu")
                .asText())
        .isEqualTo(spec.get("flinkConfiguration").get(GPU_AMOUNT).asText());
  }

  @Test
  void configMapHoldsTheExamplesFiles(@TempDir Path directory) throws Exception {
    JsonNode data = Manifests.documents(PIPELINE_MANIFEST).get(0).get("data");

    for (String file : List.of("pipeline.yaml", "transaction.avsc")) {
      String text = data.get(file).asText();
      assertThat(text.strip()).isEqualTo(Files.readString(EXAMPLE.resolve(file)).strip());
      Files.writeString(directory.resolve(file), text);
    }
    assertThatCode(() -> PipelineFile.read(directory.resolve("pipeline.yaml")))
        .doesNotThrowAnyException();
  }

  @Test
  void cronJobRunsACommandThatExists() throws IOException {
    JsonNode container = only(CRON_JOB).at("/spec/jobTemplate/spec/template/spec/containers/0");

    assertThat(container.get("image").asText()).isEqualTo(IMAGE);
    assertRuns(ShellWords.of(container.at("/args/0").asText()));
  }

  @Test
  void composeSubmitsJobsWithArgumentsThatTheyTake() throws Exception {
    JsonNode compose = only(DEPLOY.resolve("compose.yaml"));
    List<String> started = new ArrayList<>();

    for (JsonNode service : compose.get("services")) {
      assertThat(service.get("image").asText()).isIn(IMAGE, "apache/kafka:4.2.0");
      List<String> command =
          service.path("command").isTextual()
              ? ShellWords.of(service.get("command").asText())
              : List.of();
      if (command.size() > 1) {
        assertThat(command).startsWith("flink", "run").contains(JAR);
        String main = command.get(command.indexOf("-c") + 1);
        assertStarts(main, command.subList(command.indexOf(JAR) + 1, command.size()));
        started.add(main);
      }
    }
    assertThat(started).hasSize(3).doesNotHaveDuplicates();
  }

  @Test
  void composeRefersToWhatItDeclares() throws IOException {
    JsonNode compose = only(DEPLOY.resolve("compose.yaml"));
    Set<String> services = names(compose.get("services"));
    Set<String> volumes = names(compose.get("volumes"));

    for (JsonNode service : compose.get("services")) {
      assertThat(names(service))
          .isSubsetOf(
              "image",
              "build",
              "command",
              "entrypoint",
              "environment",
              "volumes",
              "ports",
              "user",
              "depends_on",
              "profiles",
              "healthcheck");
      assertThat(services).containsAll(names(service.path("depends_on")));
      for (String volume : texts(service.path("volumes"))) {
        String source = volume.substring(0, volume.indexOf(':'));
        if (source.startsWith(".")) {
          assertThat(DEPLOY.resolve(source)).exists();
        } else {
          assertThat(volumes).contains(source);
        }
      }
    }
  }

  @Test
  void imageHasTheFlinkThatTheJobsAreBuiltFor() throws IOException {
    String dockerfile = Files.readString(DEPLOY.resolve("Dockerfile"));

    assertThat(dockerfile)
        .contains("FROM flink:" + EnvironmentInformation.getVersion() + "-java17")
        .contains(" " + JAR + "\n");
  }

  @Test
  void gpuCheckSaysThatAMachineHasNone(@TempDir Path directory) throws Exception {
    Path noDriver =
        Files.writeString(
            directory.resolve("nvidia-smi"), "#!/bin/sh\necho 'NVIDIA-SMI: no driver'; exit 9\n");
    Files.setPosixFilePermissions(noDriver, PosixFilePermissions.fromString("rwx------"));
    ProcessBuilder check =
        new ProcessBuilder(DEPLOY.resolve("gpu/check.sh").toString()).redirectErrorStream(true);
    check.environment().merge("PATH", directory.toString(), (path, first) -> first + ":" + path);
    Process process = check.start();

    assertThat(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
        .isEqualTo(
            "check.sh: this machine has no GPU that NVIDIA's driver knows; nothing was run"
                + " (nvidia-smi -L: no driver)\n");
    assertThat(process.waitFor()).isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource({
    "/spec,                                     paralelism",
    "/spec/job,                                 entryclass",
    "/spec/podTemplate/spec,                    toleration",
    "/spec/taskManager/podTemplate/spec/containers/0, resource"
  })
  void refusesAnUnknownField(String at, String field) throws IOException {
    JsonNode broken = only(GPU_JOB);
    ((ObjectNode) broken.at(at)).put(field, 1);

    assertThatThrownBy(() -> Manifests.resource(asOperatorApiReads(broken)))
        .isInstanceOf(UnrecognizedPropertyException.class)
        .hasMessageContaining(field);
  }

  @ParameterizedTest
  @CsvSource({
    "/spec/job,                  parallelism,          0,           Job parallelism must be larger",
    "/spec/flinkConfiguration,   high-availability.type, NONE,      last-state",
    "/spec/jobManager/resource,  memory,               much,        memory",
    "/spec/flinkConfiguration,   kubernetes.namespace, elsewhere,   Forbidden Flink config key",
    "/metadata,                  name,                 Card_Fraud,  must consist of lower case"
  })
  void theOperatorRefusesABrokenCopy(String at, String field, String value, String reason)
      throws Exception {
    JsonNode broken = only(GPU_JOB);
    ((ObjectNode) broken.at(at)).put(field, value);

    Optional<?> refusal = operator.refusal(broken);

    assertThat(refusal).isPresent();
    assertThat(refusal.get().toString()).containsIgnoringCase(reason);
  }

  @Test
  void refusesArgumentsThatTheJobDoesNotKnow() throws Exception {
    JsonNode job = only(GPU_JOB).at("/spec/job");
    List<String> arguments = new ArrayList<>(texts(job.get("args")));
    arguments.set(0, "--pipelin");

    assertThatThrownBy(() -> assertStarts(job.get("entryClass").asText(), arguments))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("--pipeline");
  }

  private static void assertStarts(String mainClass, List<String> arguments)
      throws ReflectiveOperationException {
    Class<?> main = Class.forName(mainClass);
    assertThat(main.getMethod("main", String[].class).getModifiers()).matches(Modifier::isStatic);
    JobOptions.parse(main.getSimpleName(), arguments.toArray(String[]::new));
    assertThat(arguments).containsSequence("--pipeline", "/pipeline/pipeline.yaml");
  }

  private static void assertRuns(List<String> command) {
    assertThat(command).startsWith("pelton");
    CommandLine.ParseResult parsed =
        Pelton.commandLine().parseArgs(command.stream().skip(1).toArray(String[]::new));
    assertThat(parsed.hasSubcommand()).isTrue();
  }

  /** The newest operator API on Maven Central does not know Flink 2.2, though its schema fits. */
  private static JsonNode asOperatorApiReads(JsonNode document) {
    ObjectNode copy = document.deepCopy();
    if (copy.path("spec").has("flinkVersion")) {
      ((ObjectNode) copy.get("spec")).put("flinkVersion", "v1_20");
    }
    return copy;
  }

  private static String flinkVersion() {
    String[] version = EnvironmentInformation.getVersion().split(Pattern.quote("."));
    return "v" + version[0] + "_" + version[1];
  }

  private static Set<String> flinkOptions() throws IllegalAccessException {
    Set<String> keys = new HashSet<>();
    keys.add(ExternalResourceOptions.EXTERNAL_RESOURCE_LIST.key());
    keys.add(ExternalResourceOptions.getAmountConfigOptionForResource("gpu"));
    keys.add(
        ExternalResourceOptions.getExternalResourceDriverFactoryConfigOptionForResource("gpu"));
    keys.add(
        ExternalResourceOptions.getSystemConfigKeyConfigOptionForResource(
            "gpu", "kubernetes.config-key"));
    for (Class<?> options :
        List.of(
            TaskManagerOptions.class,
            StateBackendOptions.class,
            CheckpointingOptions.class,
            HighAvailabilityOptions.class)) {
      for (Field field : options.getFields()) {
        if (field.getType() == ConfigOption.class) {
          keys.add(((ConfigOption<?>) field.get(null)).key());
        }
      }
    }
    return keys;
  }

  private static JsonNode only(Path file) throws IOException {
    List<JsonNode> documents = Manifests.documents(file);
    assertThat(documents).hasSize(1);
    return documents.get(0);
  }

  private static List<String> texts(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).map(JsonNode::asText).toList();
  }

  private static Set<String> names(JsonNode object) {
    Set<String> names = new TreeSet<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }
}
