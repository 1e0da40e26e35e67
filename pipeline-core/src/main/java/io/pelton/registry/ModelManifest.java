package io.pelton.registry;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Everything that identifies one immutable model version.
 *
 * @param engine DJL's name of the engine: {@code OnnxRuntime}, {@code TensorFlow} or {@code
 *     PyTorch}
 * @param artifact path of the model inside the version's directory: an {@code .onnx} file, a
 *     SavedModel directory or a TorchScript file
 * @param files SHA-256 (hex) of every artifact file, golden rows and baseline profile, by path
 *     relative to the version's directory
 * @param artifactDigest SHA-256 (hex) over the artifact's sorted paths and digests
 * @param engineOptions options for the engine, e.g. {@code Tags}, {@code SignatureDefKey}
 * @param evaluation metrics on held-out data by name
 * @param createdAt ISO 8601 instant
 * @param memory bytes that it takes when it is loaded, null when nobody said
 */
public record ModelManifest(
    String name,
    int version,
    String engine,
    String artifact,
    Map<String, String> files,
    String artifactDigest,
    Signature signature,
    Map<String, String> engineOptions,
    Map<String, Double> evaluation,
    Provenance provenance,
    String createdAt,
    @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Long memory) {
  public ModelManifest {
    files = Collections.unmodifiableMap(new TreeMap<>(files));
    engineOptions = Collections.unmodifiableMap(new TreeMap<>(engineOptions));
    evaluation = Collections.unmodifiableMap(new TreeMap<>(evaluation));
  }

  /** {@code name@version}. */
  public String reference() {
    return name + "@" + version;
  }
}
