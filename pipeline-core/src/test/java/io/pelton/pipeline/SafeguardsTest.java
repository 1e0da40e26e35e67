package io.pelton.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import io.pelton.schemas.DeadLetter;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SafeguardsTest {
  private static final Path EXAMPLE = Path.of("../examples/card-fraud/pipeline.yaml");

  @TempDir Path directory;

  @BeforeEach
  void copySchema() throws Exception {
    Files.copy(EXAMPLE.resolveSibling("transaction.avsc"), directory.resolve("transaction.avsc"));
  }

  private Path file(String more) throws IOException {
    return Files.writeString(
        directory.resolve("p.yaml"),
        Files.readString(EXAMPLE).replaceFirst("(?m)^  batch: .*\n", more.indent(2)));
  }

  private PipelineDefinition.Model model(String more) throws Exception {
    return Objects.requireNonNull(PipelineFile.read(file(more)).model());
  }

  private List<String> problems(String more) throws IOException {
    Path file = file(more);
    return catchThrowableOfType(InvalidPipelineException.class, () -> PipelineFile.read(file))
        .problems()
        .stream()
        .map(problem -> problem.toString().replaceFirst("^.*:\\d+: ", ""))
        .toList();
  }

  @Test
  void nothingIsGuardedUnlessItIsDeclared() throws Exception {
    PipelineDefinition.Model model = model("");
    assertThat(model.safeguards()).isEqualTo(Safeguards.NONE);
    assertThat(model.overlap()).isFalse();
  }

  @Test
  void readsAllThatIsDeclared() throws Exception {
    String declared =
        """
        batch: {overlap: true}
        timeout: 2s
        breaker: {failures: 3, reset-after: 1m}
        fallback: {version: 3}
        """;
    PipelineDefinition.Model model = model(declared);
    assertThat(model.overlap()).isTrue();
    assertThat(model.safeguards())
        .isEqualTo(new Safeguards(2_000L, new Breaker(3, 60_000), new Fallback("3", Map.of())));
    assertThat(model("fallback: {version: challenger}").safeguards().fallback())
        .isEqualTo(new Fallback("challenger", Map.of()));
    assertThat(model("fallback: {outputs: {score: 0.01}}\nbreaker: {}").safeguards())
        .isEqualTo(
            new Safeguards(
                null, new Breaker(5, 30_000), new Fallback(null, Map.of("score", 0.01))));
    assertThat(PipelineSummary.of(PipelineFile.read(file(declared))))
        .contains("gathers the next batch while one is scored")
        .contains("gives up a batch that takes longer than 2s")
        .contains("leaves a version alone for 1m when 3 batches in a row have failed")
        .contains("that a version cannot score then get the scores of card-fraud@3");
    assertThat(PipelineSummary.of(PipelineFile.read(file("fallback: {outputs: {score: 0.01}}"))))
        .contains("that a version cannot score then get score 0.01");
  }

  @Test
  void saysWhatIsWrong() throws Exception {
    assertThat(
            problems(
                """
                timeout: 0s
                breaker: {failurs: 3, failures: 0, reset-after: soon}
                fallback: {version: 3, outputs: {score: 1}}
                """))
        .containsExactly(
            "model.timeout: \"0s\" is too short; at least 1ms",
            "model.breaker.failurs: unknown key; did you mean \"failures\"?",
            "model.breaker.failures: 0 is out of range; from 1 to 1000000",
            "model.breaker.reset-after: \"soon\" is no duration; write a whole number and ms, s, m,"
                + " h, d or w: 10s",
            "model.fallback: has both version and outputs; give one of them");
    assertThat(problems("fallback: {}"))
        .containsExactly(
            "model.fallback: gives neither version, another one of the model's, nor outputs, a"
                + " number for each");
    assertThat(problems("fallback: {version: V3}"))
        .containsExactly(
            "model.fallback.version: \"V3\" is neither a version (1, 2, ...) nor an alias"
                + " (lower-case letters, digits, '_' and '-', a letter first)");
    assertThat(problems("fallback: {outputs: {}}"))
        .containsExactly(
            "model.fallback.outputs: must name the model's outputs, with a number for each");
    assertThat(problems("fallback: {outputs: {score: low, other: NaN}}"))
        .satisfiesExactly(
            low -> assertThat(low).isEqualTo("model.fallback.outputs.score: \"low\" is no number"),
            nan -> assertThat(nan).startsWith("model.fallback.outputs.other: NaN is out of range"));
  }

  @Test
  void editorsAreToldTheSame() throws Exception {
    JsonSchema schema;
    try (InputStream in = DeadLetter.class.getResourceAsStream("pipeline.schema.json")) {
      schema = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012).getSchema(in);
    }
    for (String good :
        List.of(
            "fallback: {version: 3}",
            "fallback: {version: challenger}",
            "fallback: {outputs: {score: 0.01}}",
            "breaker: {failures: 3}",
            "timeout: 2s",
            "batch: {overlap: true}")) {
      assertThat(schema.validate(Files.readString(file(good)), InputFormat.YAML)).isEmpty();
    }
    for (String bad :
        List.of(
            "fallback: {}",
            "fallback: {version: 0}",
            "fallback: {version: V3}",
            "fallback: {version: 3, outputs: {score: 1}}",
            "fallback: {outputs: {}}",
            "breaker: {failures: 0}",
            "timeout: 2")) {
      assertThat(schema.validate(Files.readString(file(bad)), InputFormat.YAML)).isNotEmpty();
    }
  }
}
