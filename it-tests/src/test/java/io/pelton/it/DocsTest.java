package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.pelton.cli.Pelton;
import io.pelton.pipeline.PipelineFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** The documents lead somewhere, and what they tell to type or to write is taken. */
final class DocsTest {
  private static final Path ROOT = Path.of("..");
  private static final Set<String> BETWEEN_COMMANDS = Set.of("&&", "||", "|", ";", "&", ">", "<");

  static List<Path> documents() throws IOException {
    List<Path> documents = new ArrayList<>();
    try (Stream<Path> top = Files.list(ROOT)) {
      top.filter(DocsTest::isMarkdown).forEach(documents::add);
    }
    for (String directory : List.of("docs", "deploy", "examples")) {
      if (Files.exists(ROOT.resolve(directory))) {
        try (Stream<Path> files = Files.walk(ROOT.resolve(directory))) {
          files.filter(DocsTest::isMarkdown).forEach(documents::add);
        }
      }
    }
    return documents;
  }

  @ParameterizedTest
  @MethodSource("documents")
  void linksLeadSomewhere(Path document) throws IOException {
    List<String> broken = new ArrayList<>();
    for (String link : Markdown.read(document).links()) {
      if (!link.matches("[a-z]+:.*") && !leadsSomewhere(document, link)) {
        broken.add(link);
      }
    }
    assertThat(broken).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("documents")
  void commandsAreTaken(Path document) throws IOException {
    for (String line : Markdown.read(document).commandLines()) {
      for (List<String> arguments : peltonArguments(ShellWords.of(line))) {
        assertThatCode(() -> parse(arguments)).as(line).doesNotThrowAnyException();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("documents")
  void wholePipelineFilesAreValid(Path document, @TempDir Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(ROOT.resolve("examples"))) {
      for (Path schema : files.filter(file -> file.toString().endsWith(".avsc")).toList()) {
        Files.copy(schema, directory.resolve(schema.getFileName().toString()));
      }
    }
    for (Markdown.Block block : Markdown.read(document).blocks()) {
      if (block.language().equals("yaml") && block.text().startsWith("pipeline:")) {
        Path file = Files.writeString(directory.resolve("pipeline.yaml"), block.text());
        assertThatCode(() -> PipelineFile.read(file)).doesNotThrowAnyException();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "pelton validat pipeline.yaml",
        "FOO=1 bin/pelton run --broker localhost:9092 --pipeline p.yaml",
        "cd x && bin/pelton send --pipeline p.yaml --brokers b:1",
        "bin/pelton run sideways …"
      })
  void aWrongCommandIsFound(String line) {
    List<List<String>> commands = peltonArguments(ShellWords.of(line));

    assertThat(commands).hasSize(1);
    assertThatCode(() -> parse(commands.get(0))).isInstanceOf(CommandLine.ParameterException.class);
  }

  @Test
  void aWrongLinkIsFound(@TempDir Path directory) throws IOException {
    Path document = Files.writeString(directory.resolve("a.md"), "# Some Title\n[b](#some-title)");

    assertThat(leadsSomewhere(document, "#some-title")).isTrue();
    assertThat(leadsSomewhere(document, "a.md#some-title")).isTrue();
    assertThat(leadsSomewhere(document, "a.md#other")).isFalse();
    assertThat(leadsSomewhere(document, "b.md")).isFalse();
  }

  private static boolean leadsSomewhere(Path document, String link) throws IOException {
    int hash = link.indexOf('#');
    String path = hash < 0 ? link : link.substring(0, hash);
    Path target = path.isEmpty() ? document : document.resolveSibling(path);
    return Files.exists(target)
        && (hash < 0 || Markdown.read(target).anchors().contains(link.substring(hash + 1)));
  }

  /** What follows each call of the command in a line. */
  private static List<List<String>> peltonArguments(List<String> words) {
    List<List<String>> calls = new ArrayList<>();
    List<String> call = null;
    for (String word : words) {
      if (BETWEEN_COMMANDS.contains(word)) {
        call = null;
      } else if (call != null) {
        call.add(word);
      } else if (word.equals("pelton") || word.endsWith("bin/pelton")) {
        call = new ArrayList<>();
        calls.add(call);
      }
    }
    return calls;
  }

  /** Parses arguments; an ellipsis among them stands for what is required. */
  private static void parse(List<String> arguments) {
    List<String> given = new ArrayList<>(arguments);
    boolean shortened = given.removeAll(List.of("…", "..."));
    try {
      Pelton.commandLine().parseArgs(given.toArray(String[]::new));
    } catch (CommandLine.MissingParameterException e) {
      if (!shortened) {
        throw e;
      }
    }
  }

  private static boolean isMarkdown(Path file) {
    return file.toString().endsWith(".md");
  }
}
