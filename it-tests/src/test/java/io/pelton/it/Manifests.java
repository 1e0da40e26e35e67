package io.pelton.it;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.MapperConfig;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.batch.v1.CronJob;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.kubernetes.operator.api.FlinkDeployment;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** Kubernetes manifests, read into the classes of their kinds; an unknown field is an error. */
final class Manifests {
  private static final Map<String, Class<?>> KINDS =
      Map.of(
          "FlinkDeployment", FlinkDeployment.class,
          "CronJob", CronJob.class,
          "ConfigMap", ConfigMap.class,
          "PersistentVolumeClaim", PersistentVolumeClaim.class);

  private static final ObjectMapper STRICT =
      new ObjectMapper().setAnnotationIntrospector(new UnknownFieldsRefused());

  private Manifests() {}

  static List<JsonNode> documents(Path file) throws IOException {
    LoaderOptions options = new LoaderOptions();
    options.setAllowDuplicateKeys(false);
    List<JsonNode> documents = new ArrayList<>();
    new Yaml(new SafeConstructor(options))
        .loadAll(Files.readString(file))
        .forEach(document -> documents.add(STRICT.valueToTree(document)));
    return documents;
  }

  /** Reads a document into its kind's class. */
  static Object resource(JsonNode document) throws JsonProcessingException {
    String kind = document.path("kind").asText();
    if (!KINDS.containsKey(kind)) {
      throw new IllegalArgumentException("unknown kind " + kind);
    }
    return STRICT.treeToValue(document, KINDS.get(kind));
  }

  /** The classes put unknown fields aside silently; here they must fail. */
  private static final class UnknownFieldsRefused extends JacksonAnnotationIntrospector {
    private static final long serialVersionUID = 1L;

    @Override
    public Boolean hasAnySetter(Annotated annotated) {
      return false;
    }

    @Override
    public JsonIgnoreProperties.Value findPropertyIgnoralByName(
        MapperConfig<?> config, Annotated annotated) {
      return super.findPropertyIgnoralByName(config, annotated).withoutIgnoreUnknown();
    }
  }
}
