package io.pelton.registry;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.ByteArrayInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestInputStream;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Immutable model versions, and aliases that point to them, in a directory:
 *
 * <pre>
 * &lt;model&gt;/versions/&lt;n&gt;/manifest.json     written last: a version without one does not exist
 *                         golden.json, profile.json, calibration.json
 *                         model/...         the artifact's files
 *                         claim             whose number it is; kept, so that no number is used twice
 * &lt;model&gt;/aliases/&lt;alias&gt;.json             one file each, so that two changes cannot overwrite
 * </pre>
 *
 * Safe for concurrent publishers as far as {@link Storage#createExclusively} is.
 */
public final class Registry {
  /** Alias of the version that serves. */
  public static final String CHAMPION = "champion";

  /** Alias of the version that may serve next. */
  public static final String CHALLENGER = "challenger";

  private static final String MANIFEST = "manifest.json";
  private static final String PROFILE = "profile.json";
  private static final String CALIBRATION = "calibration.json";
  private static final String ARTIFACT = "model";

  private static final long LEAST_MEMORY = 16L << 20;
  private static final long MEMORY_A_BYTE = 2;

  /** What a model may be called. */
  public static final Pattern MODEL_NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]*");

  /** An alias. */
  public static final Pattern ALIAS_NAME = Pattern.compile("[a-z][a-z0-9_-]*");

  /** A version. */
  public static final Pattern NUMBER = Pattern.compile("[1-9][0-9]{0,8}");

  private final Storage storage;
  private final Clock clock;

  public Registry(Storage storage) {
    this(storage, Clock.systemUTC());
  }

  public Registry(Storage storage, Clock clock) {
    this.storage = storage;
    this.clock = clock;
  }

  /** Where it lies, for messages. */
  public String location() {
    return storage.location();
  }

  /** Models with at least one version, sorted. */
  public List<String> models() throws IOException {
    List<String> models = new ArrayList<>();
    for (String name : storage.list("")) {
      if (MODEL_NAME.matcher(name).matches() && !publishedVersions(name).isEmpty()) {
        models.add(name);
      }
    }
    return List.copyOf(models);
  }

  /** Versions of a model, ascending. */
  public List<Integer> versions(String model) throws IOException {
    List<Integer> versions = publishedVersions(checkedModelName(model));
    if (versions.isEmpty()) {
      throw new RegistryException(
          "registry "
              + location()
              + ": no model \""
              + model
              + "\""
              + NearestName.hint(model, models()));
    }
    return versions;
  }

  public ModelManifest manifest(String model, int version) throws IOException {
    requireVersion(model, version);
    return readJson(file(model, version, MANIFEST), ModelManifest.class);
  }

  /**
   * Bytes that a version takes when it is loaded: what it states, else an estimate from the size of
   * its artifact.
   */
  public long memory(String model, int version) throws IOException {
    ModelManifest manifest = manifest(model, version);
    if (manifest.memory() != null) {
      return manifest.memory();
    }
    long size = 0;
    for (String path : manifest.files().keySet()) {
      if (path.startsWith(ARTIFACT + "/")) {
        size += size(file(model, version, path));
      }
    }
    return LEAST_MEMORY + MEMORY_A_BYTE * size;
  }

  /** The version's baseline profile as it was published; empty when it has none. */
  public Optional<String> profileJson(String model, int version) throws IOException {
    return json(model, version, PROFILE);
  }

  /** The version's calibration as it was published; empty when it has none. */
  public Optional<String> calibrationJson(String model, int version) throws IOException {
    return json(model, version, CALIBRATION);
  }

  private Optional<String> json(String model, int version, String name) throws IOException {
    String expected = manifest(model, version).files().get(name);
    if (expected == null) {
      return Optional.empty();
    }
    byte[] content = readBytes(file(model, version, name));
    verify(file(model, version, name), expected, Sha256.of(content));
    return Optional.of(new String(content, UTF_8));
  }

  /**
   * The version that a reference means.
   *
   * @param reference {@code name} (its champion), {@code name@3} or {@code name@alias}
   */
  public ModelVersion resolve(String reference) throws IOException {
    int at = reference.indexOf('@');
    String model = at < 0 ? reference : reference.substring(0, at);
    String which = at < 0 ? CHAMPION : reference.substring(at + 1);
    if (NUMBER.matcher(which).matches()) {
      int version = Integer.parseInt(which);
      requireVersion(model, version);
      return new ModelVersion(model, version);
    }
    return new ModelVersion(model, alias(model, which));
  }

  /** The version an alias points to. */
  public int alias(String model, String alias) throws IOException {
    versions(model);
    String path = aliasFile(model, alias);
    if (!storage.exists(path)) {
      SortedMap<String, Integer> known = aliases(model);
      throw new RegistryException(
          "registry "
              + location()
              + ": model \""
              + model
              + "\" has no alias \""
              + alias
              + "\""
              + NearestName.hint(alias, known.keySet())
              + "; versions: "
              + numbers(versions(model)));
    }
    return readJson(path, AliasTarget.class).version();
  }

  /** Every alias of a model with the version it points to. */
  public SortedMap<String, Integer> aliases(String model) throws IOException {
    versions(model);
    SortedMap<String, Integer> aliases = new TreeMap<>();
    for (String file : storage.list(model + "/aliases")) {
      if (file.endsWith(".json")) {
        String alias = file.substring(0, file.length() - ".json".length());
        if (ALIAS_NAME.matcher(alias).matches()) {
          aliases.put(alias, readJson(aliasFile(model, alias), AliasTarget.class).version());
        }
      }
    }
    return aliases;
  }

  /** Points an alias to a version, at once for every reader. */
  public void setAlias(String model, String alias, int version) throws IOException {
    requireVersion(model, version);
    storage.write(aliasFile(model, alias), stream(RegistryJson.write(new AliasTarget(version))));
  }

  /**
   * Publishes a version under the next number. It exists for readers only once all of it is there;
   * when this throws, it does not exist.
   */
  public ModelManifest publish(NewVersion version) throws IOException {
    String model = checkedModelName(version.name());
    if (!Files.exists(version.artifact())) {
      throw new RegistryException(
          "artifact " + version.artifact() + " does not exist; give a model file or directory");
    }
    int number = claimNumber(model);
    try {
      return write(version, model, number);
    } catch (IOException | RuntimeException e) {
      deleteFiles(model, number, e);
      throw e;
    }
  }

  /**
   * Copies a version to a local directory and verifies every file.
   *
   * @throws RegistryException when a file's SHA-256 is not the manifest's
   */
  public ModelManifest fetch(String model, int version, Path directory) throws IOException {
    ModelManifest manifest = manifest(model, version);
    for (Map.Entry<String, String> file : manifest.files().entrySet()) {
      Path target = directory.resolve(file.getKey()).normalize();
      if (!target.startsWith(directory.normalize())) {
        throw new RegistryException(
            file(model, version, MANIFEST) + ": path \"" + file.getKey() + "\" leads out of it");
      }
      Files.createDirectories(target.getParent());
      String path = file(model, version, file.getKey());
      try (DigestInputStream content = Sha256.digesting(open(path))) {
        Files.copy(content, target, StandardCopyOption.REPLACE_EXISTING);
        verify(path, file.getValue(), Sha256.hex(content));
      }
    }
    return manifest;
  }

  private ModelManifest write(NewVersion version, String model, int number) throws IOException {
    SortedMap<String, String> artifactFiles = new TreeMap<>();
    String artifact = ARTIFACT;
    if (Files.isDirectory(version.artifact())) {
      for (Path file : filesUnder(version.artifact())) {
        String relative =
            version
                .artifact()
                .relativize(file)
                .toString()
                .replace(file.getFileSystem().getSeparator(), "/");
        copyIn(model, number, ARTIFACT + "/" + relative, file, artifactFiles);
      }
    } else {
      artifact = ARTIFACT + "/" + version.artifact().getFileName();
      copyIn(model, number, artifact, version.artifact(), artifactFiles);
    }
    if (artifactFiles.isEmpty()) {
      throw new RegistryException(
          "artifact " + version.artifact() + " is an empty directory; give a model");
    }
    SortedMap<String, String> files = new TreeMap<>(artifactFiles);
    writeIn(model, number, GoldenRows.FILE, RegistryJson.write(version.goldenRows()), files);
    if (version.profileJson() != null) {
      writeIn(model, number, PROFILE, version.profileJson().getBytes(UTF_8), files);
    }
    if (version.calibrationJson() != null) {
      writeIn(model, number, CALIBRATION, version.calibrationJson().getBytes(UTF_8), files);
    }
    ModelManifest manifest =
        new ModelManifest(
            model,
            number,
            version.engine(),
            artifact,
            files,
            Sha256.ofArtifact(artifactFiles),
            version.signature(),
            version.engineOptions(),
            version.evaluation(),
            version.provenance(),
            clock.instant().toString(),
            version.memory());
    storage.write(file(model, number, MANIFEST), stream(RegistryJson.write(manifest)));
    return manifest;
  }

  /** Takes the next free number; a publisher that dies here leaves a gap, never a half version. */
  private int claimNumber(String model) throws IOException {
    byte[] token = UUID.randomUUID().toString().getBytes(UTF_8);
    int number =
        storage.list(model + "/versions").stream()
            .filter(name -> NUMBER.matcher(name).matches())
            .mapToInt(Integer::parseInt)
            .max()
            .orElse(0);
    while (true) {
      number++;
      String claim = file(model, number, "claim");
      // Some object stores let two creators succeed; then the one whose token stayed has it.
      if (storage.createExclusively(claim, token) && Arrays.equals(readBytes(claim), token)) {
        return number;
      }
    }
  }

  private void deleteFiles(String model, int number, Exception failure) {
    try {
      storage.delete(versionDirectory(model, number));
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  private void copyIn(
      String model, int number, String path, Path source, Map<String, String> digests)
      throws IOException {
    try (DigestInputStream content = Sha256.digesting(Files.newInputStream(source))) {
      storage.write(file(model, number, path), content);
      digests.put(path, Sha256.hex(content));
    }
  }

  private void writeIn(
      String model, int number, String path, byte[] content, Map<String, String> digests)
      throws IOException {
    storage.write(file(model, number, path), stream(content));
    digests.put(path, Sha256.of(content));
  }

  private static List<Path> filesUnder(Path directory) throws IOException {
    try (Stream<Path> tree = Files.walk(directory)) {
      return tree.filter(Files::isRegularFile).sorted(Comparator.naturalOrder()).toList();
    }
  }

  private List<Integer> publishedVersions(String model) throws IOException {
    List<Integer> versions = new ArrayList<>();
    for (String name : storage.list(model + "/versions")) {
      if (NUMBER.matcher(name).matches()
          && storage.exists(file(model, Integer.parseInt(name), MANIFEST))) {
        versions.add(Integer.valueOf(name));
      }
    }
    return versions.stream().sorted().toList();
  }

  private void requireVersion(String model, int version) throws IOException {
    List<Integer> versions = versions(model);
    if (!versions.contains(version)) {
      throw new RegistryException(
          "registry "
              + location()
              + ": model \""
              + model
              + "\" has no version "
              + version
              + "; it has "
              + numbers(versions));
    }
  }

  private static String checkedModelName(String model) throws RegistryException {
    if (!MODEL_NAME.matcher(model).matches()) {
      throw new RegistryException(
          "model name \""
              + model
              + "\" must be letters, digits, '.', '_' and '-', a letter or digit first");
    }
    return model;
  }

  private static String numbers(List<Integer> versions) {
    List<Integer> newest = versions.subList(Math.max(0, versions.size() - 10), versions.size());
    String listed = String.join(", ", newest.stream().map(String::valueOf).toList());
    return newest.size() < versions.size() ? "..., " + listed : listed;
  }

  private static String versionDirectory(String model, int version) {
    return model + "/versions/" + version;
  }

  private static String file(String model, int version, String path) {
    return versionDirectory(model, version) + "/" + path;
  }

  private static String aliasFile(String model, String alias) throws RegistryException {
    if (!ALIAS_NAME.matcher(alias).matches()) {
      throw new RegistryException(
          "\""
              + alias
              + "\" is neither a version (1, 2, ...) nor an alias"
              + " (lower-case letters, digits, '_' and '-', a letter first)");
    }
    return model + "/aliases/" + alias + ".json";
  }

  private <T> T readJson(String path, Class<T> type) throws IOException {
    try {
      return RegistryJson.read(readBytes(path), type);
    } catch (JsonProcessingException e) {
      throw new RegistryException(
          "registry " + location() + ": " + path + ": " + e.getOriginalMessage(), e);
    }
  }

  private byte[] readBytes(String path) throws IOException {
    try (InputStream content = open(path)) {
      return content.readAllBytes();
    }
  }

  private InputStream open(String path) throws IOException {
    try {
      return storage.read(path);
    } catch (FileNotFoundException | NoSuchFileException e) {
      throw missing(path, e);
    }
  }

  private long size(String path) throws IOException {
    try {
      return storage.size(path);
    } catch (FileNotFoundException | NoSuchFileException e) {
      throw missing(path, e);
    }
  }

  private RegistryException missing(String path, IOException e) {
    return new RegistryException(
        "registry " + location() + ": file " + path + " is missing; publish the model again", e);
  }

  private void verify(String path, String expected, String actual) throws RegistryException {
    if (!expected.equals(actual)) {
      throw new RegistryException(
          "registry "
              + location()
              + ": "
              + path
              + " is corrupt: expected SHA-256 "
              + expected
              + ", actual "
              + actual
              + "; publish the model again");
    }
  }

  private static InputStream stream(byte[] content) {
    return new ByteArrayInputStream(content);
  }

  /** Content of an alias's file. */
  private record AliasTarget(int version) {}
}
