package io.pelton.it;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * The Flink Kubernetes Operator's own validation, which its admission webhook runs. The operator
 * brings a Flink 1 with it, so it lives in a class loader of its own, over the jars that the build
 * wrote to {@code target/operator.classpath}.
 */
final class OperatorValidator implements AutoCloseable {
  private static final String OPERATOR = "org.apache.flink.kubernetes.operator.";

  /** The newest Flink that this operator knows. */
  private static final String ITS_FLINK = "v1_18";

  /** Flink 2's names for what this operator looks up under Flink 1's. */
  private static final Map<String, String> ITS_KEYS =
      Map.of(
          "execution.checkpointing.dir", "state.checkpoints.dir",
          "execution.checkpointing.savepoint-dir", "state.savepoints.dir");

  private final URLClassLoader loader;
  private final Object mapper;
  private final Object validator;

  OperatorValidator() throws IOException, ReflectiveOperationException {
    URL[] jars =
        Files.readAllLines(Path.of("target", "operator.classpath")).stream()
            .map(OperatorValidator::url)
            .toArray(URL[]::new);
    loader = new URLClassLoader(jars, ClassLoader.getPlatformClassLoader());
    mapper = type("com.fasterxml.jackson.databind.ObjectMapper").getConstructor().newInstance();
    Class<?> configuration = type("org.apache.flink.configuration.Configuration");
    Class<?> manager = type(OPERATOR + "config.FlinkConfigManager");
    validator =
        type(OPERATOR + "validation.DefaultValidator")
            .getConstructor(manager)
            .newInstance(
                manager
                    .getConstructor(configuration)
                    .newInstance(configuration.getConstructor().newInstance()));
  }

  /** Why the operator would refuse a deployment; empty if it would take it. */
  Optional<?> refusal(JsonNode deployment) throws ReflectiveOperationException {
    Class<?> type = type(OPERATOR + "api.FlinkDeployment");
    Object resource =
        mapper
            .getClass()
            .getMethod("readValue", String.class, Class.class)
            .invoke(mapper, asItReads(deployment).toString(), type);
    return (Optional<?>)
        validator.getClass().getMethod("validateDeployment", type).invoke(validator, resource);
  }

  private static JsonNode asItReads(JsonNode deployment) {
    ObjectNode copy = deployment.deepCopy();
    ((ObjectNode) copy.get("spec")).put("flinkVersion", ITS_FLINK);
    ObjectNode configuration = (ObjectNode) copy.at("/spec/flinkConfiguration");
    ITS_KEYS.forEach(
        (key, its) ->
            Optional.ofNullable(configuration.remove(key))
                .ifPresent(value -> configuration.set(its, value)));
    return copy;
  }

  private Class<?> type(String name) throws ClassNotFoundException {
    return Class.forName(name, true, loader);
  }

  private static URL url(String jar) {
    try {
      return Path.of(jar).toUri().toURL();
    } catch (IOException e) {
      throw new IllegalArgumentException(jar, e);
    }
  }

  @Override
  public void close() throws IOException {
    loader.close();
  }
}
