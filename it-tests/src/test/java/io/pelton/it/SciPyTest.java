package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code pelton drift compare} beside SciPy, where this machine has it. */
final class SciPyTest {
  private static final Path SCRIPT = Path.of("src/test/resources/scipy_compare.py");
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Columns by name: a cell from the chance and the side's shift. */
  private static final Map<String, BiFunction<Random, Double, Object>> COLUMNS =
      new LinkedHashMap<>();

  static {
    COLUMNS.put("normal", (random, shift) -> random.nextGaussian() + shift);
    COLUMNS.put("ties", (random, shift) -> Math.rint(3 * (random.nextGaussian() + shift)));
    COLUMNS.put("constant", (random, shift) -> 5);
    COLUMNS.put("binary", (random, shift) -> random.nextDouble() < 0.3 + shift / 4 ? 1 : 0);
    COLUMNS.put("heavy", (random, shift) -> Math.tan(Math.PI * random.nextDouble()) + shift);
    COLUMNS.put("tiny", (random, shift) -> 1e-300 * random.nextGaussian());
    COLUMNS.put("huge", (random, shift) -> 1e150 * (random.nextGaussian() + shift));
    COLUMNS.put(
        "missing", (random, shift) -> random.nextInt(5) == 0 ? "" : random.nextDouble() + shift);
    COLUMNS.put("nan", (random, shift) -> random.nextInt(9) == 0 ? "nan" : random.nextDouble());
    COLUMNS.put(
        "infinite",
        (random, shift) ->
            switch (random.nextInt(8)) {
              case 0 -> "inf";
              case 1 -> "-Infinity";
              default -> random.nextDouble() + shift;
            });
    COLUMNS.put("word", (random, shift) -> "w" + (int) (3 * random.nextDouble() + 2 * shift));
    COLUMNS.put("rare", (random, shift) -> "r" + (int) Math.abs(20 * random.nextGaussian()));
    COLUMNS.put("flag", (random, shift) -> random.nextDouble() < 0.5 + shift / 3);
    COLUMNS.put("gaps", (random, shift) -> random.nextInt(4) == 0 ? "" : "g" + random.nextInt(2));
  }

  @TempDir Path directory;

  @BeforeAll
  static void needsSciPy() throws Exception {
    assumeTrue(python().isPresent(), "no python3 with scipy (Debian: python3-scipy)");
  }

  /** The one on the path, or the system's, for which Debian's packages are. */
  private static Optional<String> python() {
    return Stream.of("python3", "/usr/bin/python3")
        .filter(
            python -> {
              try {
                return new ProcessBuilder(python, "-c", "import scipy")
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start()
                        .waitFor()
                    == 0;
              } catch (IOException e) {
                return false;
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
            })
        .findFirst();
  }

  private Path write(String name, int rows, int seed, double shift) throws IOException {
    Random random = new Random(seed);
    StringBuilder text = new StringBuilder(String.join(",", COLUMNS.keySet())).append('\n');
    for (int row = 0; row < rows; row++) {
      String separator = "";
      for (BiFunction<Random, Double, Object> column : COLUMNS.values()) {
        text.append(separator).append(column.apply(random, shift));
        separator = ",";
      }
      text.append('\n');
    }
    return Files.writeString(directory.resolve(name), text);
  }

  private JsonNode scipy(Path baseline, Path current) throws Exception {
    Path output = directory.resolve("scipy.json");
    Path errors = directory.resolve("scipy.log");
    Process process =
        new ProcessBuilder(
                python().orElseThrow(), SCRIPT.toString(), baseline.toString(), current.toString())
            .redirectOutput(output.toFile())
            .redirectError(errors.toFile())
            .start();
    assertThat(process.waitFor()).as(Files.readString(errors)).isZero();
    return JSON.readTree(output.toFile());
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 0",
    "2, 3, 1",
    "7, 40, 0.5",
    "100, 100, 0",
    "101, 99, 0.4",
    "150, 80, 0",
    "1000, 700, 0.1",
    "4000, 2500, 0",
    "20000, 15000, 0.05",
    "30000, 200, 0.3"
  })
  void givesWhatSciPyGives(int before, int now, double shift) throws Exception {
    Path baseline = write("baseline.csv", before, 3 * before + now, 0);
    Path current = write("current.csv", now, before + 5 * now, shift);

    JsonNode expected = scipy(baseline, current);
    JsonNode actual =
        JSON.readTree(
                Cli.succeed(
                        "drift",
                        "compare",
                        "--baseline",
                        baseline,
                        "--current",
                        current,
                        "--format",
                        "json")
                    .out())
            .get("columns");

    assertThat(actual.size()).isEqualTo(COLUMNS.size());
    for (String name : COLUMNS.keySet()) {
      JsonNode ours = actual.get(name);
      JsonNode scipy = expected.get(name);
      String test = ours.get("type").asText().equals("numeric") ? "ks" : "chiSquare";
      if (scipy.has("statistic")) {
        double statistic = scipy.get("statistic").asDouble();
        assertClose(name, ours.at("/" + test + "/statistic"), statistic, 1e-12 * (1 + statistic));
        assertClose(name, ours.at("/" + test + "/pValue"), scipy.get("pValue").asDouble(), 1e-6);
      } else {
        assertThat(ours.get(test).isNull()).as(name + " has no values on a side").isTrue();
      }
      if (scipy.has("wasserstein")) {
        double distance = scipy.get("wasserstein").asDouble();
        assertClose(name, ours.get("wasserstein"), distance, 1e-9 * (1 + distance));
      }
      assertClose(name, ours.at("/psi/value"), scipy.get("psi").asDouble(), 1e-9);
      assertClose(name, ours.at("/psi/adjusted"), scipy.get("psiAdjusted").asDouble(), 1e-9);
      assertClose(name, ours.at("/psi/pValue"), scipy.get("psiPValue").asDouble(), 1e-6);
      assertClose(name, ours.get("jensenShannon"), scipy.get("jensenShannon").asDouble(), 1e-7);
    }
  }

  private static void assertClose(String name, JsonNode ours, double scipy, double tolerance) {
    assertThat(ours.isNumber()).as("%s: a number beside %s", name, scipy).isTrue();
    assertThat(ours.asDouble()).as(name).isCloseTo(scipy, within(tolerance));
  }
}
