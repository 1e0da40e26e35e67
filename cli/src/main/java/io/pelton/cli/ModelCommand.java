package io.pelton.cli;

import io.pelton.job.FlinkStorage;
import io.pelton.pipeline.MemorySize;
import io.pelton.registry.LocalStorage;
import io.pelton.registry.ModelManifest;
import io.pelton.registry.ModelVersion;
import io.pelton.registry.Provenance;
import io.pelton.registry.Registry;
import io.pelton.registry.Signature;
import io.pelton.registry.Storage;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code pelton model}: looks into the registry and changes what its aliases point to. */
@Command(
    name = "model",
    description = "Models in the registry: list, show, promote, import.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = ModelImportCommand.class)
final class ModelCommand implements Runnable {
  @Spec private CommandSpec command;

  @SuppressWarnings("NullAway.Init") // picocli sets the fields
  ModelCommand() {}

  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        command.commandLine(), "Missing command: one of list, show, promote, import");
  }

  @Command(
      description = "All versions of all models, with their aliases.",
      mixinStandardHelpOptions = true)
  int list(@Option(names = "--registry", required = true, paramLabel = "DIR") String directory)
      throws Exception {
    Registry registry = open(directory);
    List<String> models = registry.models();
    if (models.isEmpty()) {
      out().printf("no models in registry %s%n", registry.location());
      out().flush();
      return CommandLine.ExitCode.OK;
    }
    List<String[]> table = new ArrayList<>();
    table.add(new String[] {"MODEL", "VERSION", "ENGINE", "CREATED", "ALIASES"});
    for (String model : models) {
      SortedMap<String, Integer> aliases = registry.aliases(model);
      for (int version : registry.versions(model)) {
        ModelManifest manifest = registry.manifest(model, version);
        table.add(
            new String[] {
              model,
              String.valueOf(version),
              manifest.engine(),
              manifest.createdAt(),
              String.join(",", aliasesOf(aliases, version))
            });
      }
    }
    print(table);
    return CommandLine.ExitCode.OK;
  }

  @Command(
      description = "One version: its signature, evaluation and provenance.",
      mixinStandardHelpOptions = true)
  int show(
      @Option(names = "--registry", required = true, paramLabel = "DIR") String directory,
      @Parameters(
              paramLabel = "NAME[@VERSION]",
              description = "A version or alias; the champion when there is none.")
          String reference)
      throws Exception {
    Registry registry = open(directory);
    ModelVersion version = registry.resolve(reference);
    ModelManifest manifest = registry.manifest(version.model(), version.version());
    boolean profile = registry.profileJson(version.model(), version.version()).isPresent();
    print(
        describe(
            manifest,
            aliasesOf(registry.aliases(version.model()), version.version()),
            profile,
            new MemorySize(registry.memory(version.model(), version.version()))));
    return CommandLine.ExitCode.OK;
  }

  @Command(
      description = "Points an alias to a version; jobs that start from then on serve it.",
      mixinStandardHelpOptions = true)
  int promote(
      @Option(names = "--registry", required = true, paramLabel = "DIR") String directory,
      @Option(
              names = "--alias",
              defaultValue = Registry.CHAMPION,
              description = "Default: ${DEFAULT-VALUE}.")
          String alias,
      @Parameters(paramLabel = "NAME@VERSION") String reference)
      throws Exception {
    if (!reference.contains("@")) {
      throw new InputException(
          "\"%s\" names no version; give %s@VERSION".formatted(reference, reference));
    }
    Registry registry = open(directory);
    ModelVersion version = registry.resolve(reference);
    @Nullable Integer before = registry.aliases(version.model()).get(alias);
    registry.setAlias(version.model(), alias, version.version());
    out()
        .printf(
            "%s is %s%s%n",
            version,
            alias,
            before == null ? "" : ", before it was " + version.model() + "@" + before);
    out().flush();
    return CommandLine.ExitCode.OK;
  }

  private static List<String[]> describe(
      ModelManifest manifest, List<String> aliases, boolean profile, MemorySize memory) {
    List<String[]> lines = new ArrayList<>();
    lines.add(new String[] {"model", manifest.reference()});
    lines.add(new String[] {"aliases", String.join(", ", aliases)});
    lines.add(new String[] {"engine", manifest.engine()});
    manifest.engineOptions().forEach((name, value) -> add(lines, "option", name + "=" + value));
    lines.add(new String[] {"artifact", manifest.artifact() + " " + manifest.artifactDigest()});
    add(lines, "memory", memory + (manifest.memory() == null ? ", estimated" : ", stated"));
    lines.add(new String[] {"created", manifest.createdAt()});
    for (Signature.Input input : manifest.signature().inputs()) {
      add(
          lines,
          "input",
          "%s %s%s [%s]"
              .formatted(
                  input.tensor(),
                  input.type(),
                  input.vector() ? " rows" : "",
                  String.join(", ", input.features())));
    }
    addOutputs(lines, manifest.signature().outputs());
    for (Map.Entry<String, Double> metric : manifest.evaluation().entrySet()) {
      add(lines, "evaluation", metric.getKey() + " " + metric.getValue());
    }
    lines.add(new String[] {"baseline", profile ? "profile.json" : "none"});
    lines.addAll(describe(manifest.provenance()));
    return lines;
  }

  /** Where a version comes from, one thing a line. */
  static List<String[]> describe(Provenance provenance) {
    List<String[]> lines = new ArrayList<>();
    lines.add(new String[] {"trainer", provenance.trainer()});
    provenance
        .hyperParameters()
        .forEach((name, value) -> add(lines, "parameter", name + "=" + value));
    addIfKnown(lines, "seed", provenance.seed());
    addIfKnown(lines, "data from", provenance.dataFrom());
    addIfKnown(lines, "data to", provenance.dataTo());
    addIfKnown(lines, "data digest", provenance.dataDigest());
    lines.add(new String[] {"published by", "Pelton " + provenance.codeVersion()});
    return lines;
  }

  /** One a line; all columns of a tensor that go by one name and their numbers in one. */
  private static void addOutputs(List<String[]> lines, List<Signature.Output> outputs) {
    for (int first = 0; first < outputs.size(); ) {
      int last = first;
      while (last + 1 < outputs.size() && follows(outputs.get(last), outputs.get(last + 1))) {
        last++;
      }
      Signature.Output from = outputs.get(first);
      Signature.Output to = outputs.get(last);
      add(
          lines,
          "output",
          first == last
              ? "%s = %s:%d".formatted(from.name(), from.tensor(), from.column())
              : "%s to %s = %s:%d to %d"
                  .formatted(from.name(), to.name(), from.tensor(), from.column(), to.column()));
      first = last + 1;
    }
  }

  private static boolean follows(Signature.Output before, Signature.Output after) {
    String number = "_" + before.column();
    return before.name().endsWith(number)
        && after.tensor().equals(before.tensor())
        && after.column() == before.column() + 1
        && after
            .name()
            .equals(
                before.name().substring(0, before.name().length() - number.length())
                    + "_"
                    + after.column());
  }

  private static void add(List<String[]> lines, String name, String value) {
    lines.add(new String[] {name, value});
  }

  private static void addIfKnown(List<String[]> lines, String name, @Nullable Object value) {
    if (value != null) {
      lines.add(new String[] {name, value.toString()});
    }
  }

  private static List<String> aliasesOf(SortedMap<String, Integer> aliases, int version) {
    return aliases.entrySet().stream()
        .filter(alias -> alias.getValue() == version)
        .map(Map.Entry::getKey)
        .toList();
  }

  /** Opens a registry that is there: only publishing creates one. */
  static Registry open(String directory) throws IOException {
    Storage storage = FlinkStorage.open(directory);
    if (!storage.exists("")) {
      throw new InputException(
          "--registry %s: does not exist; give the directory that models were published to"
              .formatted(directory));
    }
    if (!isDirectory(storage)) {
      throw new InputException(
          "--registry %s: is a file; give the directory that models were published to"
              .formatted(directory));
    }
    return new Registry(storage);
  }

  private static boolean isDirectory(Storage storage) throws IOException {
    if (storage instanceof LocalStorage) {
      return Files.isDirectory(Path.of(storage.location()));
    }
    org.apache.flink.core.fs.Path root = new org.apache.flink.core.fs.Path(storage.location());
    return root.getFileSystem().getFileStatus(root).isDir();
  }

  private PrintWriter out() {
    return command.commandLine().getOut();
  }

  private void print(List<String[]> table) {
    TextTable.print(out(), table);
    out().flush();
  }
}
