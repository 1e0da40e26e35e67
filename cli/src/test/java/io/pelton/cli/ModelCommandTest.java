package io.pelton.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.pelton.drift.BaselineProfile;
import io.pelton.drift.CategoryProfile;
import io.pelton.drift.FeatureProfile;
import io.pelton.model.MixedModels;
import io.pelton.model.QuantizedModels;
import io.pelton.model.TinyModels;
import io.pelton.model.TorchModels;
import io.pelton.registry.GoldenRows;
import io.pelton.registry.LocalStorage;
import io.pelton.registry.ModelManifest;
import io.pelton.registry.Registry;
import io.pelton.registry.Signature;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ModelCommandTest {
  private static final double[] WEIGHTS = {0.5, -1.25};
  private static final double BIAS = 0.1;
  private static final List<String> FEATURES = List.of("amount", "risk");

  @TempDir Path directory;
  private Registry registry;
  private Path model;
  private Path baseline;
  private String out = "";
  private String err = "";

  @BeforeEach
  void writeInputs() throws IOException {
    registry = new Registry(new LocalStorage(directory.resolve("registry")));
    model = TinyModels.onnx(directory.resolve("m.onnx"), WEIGHTS, BIAS, Signature.DataType.FLOAT32);
    baseline =
        Files.writeString(directory.resolve("baseline.csv"), "risk,id,amount\n0.5,a,1\n,b,2\n");
  }

  @Test
  void importsAModelWithTheBaselinesRowsAsGoldenRows() throws Exception {
    assertThat(importModel("--features", "amount,risk")).isZero();

    assertThat(out).isEqualTo("fraud@1 is published: 2 golden rows, baseline of 2 rows\n");
    ModelManifest manifest = registry.manifest("fraud", 1);
    assertThat(manifest.signature())
        .isEqualTo(
            new Signature(
                List.of(new Signature.Input("features", Signature.DataType.FLOAT32, FEATURES)),
                List.of(new Signature.Output("score", "probabilities", 1))));
    GoldenRows golden = golden();
    assertThat(golden.features()[0]).containsExactly(1, 0.5);
    assertThat(golden.features()[1]).containsExactly(2, Double.NaN);
    assertThat(golden.outputs()[0][0])
        .isCloseTo(TinyModels.probability(WEIGHTS, BIAS, 1, 0.5), Offset.offset(1e-6));
    assertThat(golden.outputs()[1][0]).isNaN();
    assertThat(registry.profileJson("fraud", 1))
        .hasValueSatisfying(
            json -> {
              BaselineProfile profile = BaselineProfile.fromJson(json);
              assertThat(profile.feature("amount").rows()).isEqualTo(2);
              assertThat(profile.output("score").missing()).isEqualTo(1);
            });
    assertThat(registry.aliases("fraud")).isEmpty();
  }

  @Test
  void importsASavedModelWithThePipelinesFeaturesAndPromotesIt() throws Exception {
    Path saved = TinyModels.savedModel(directory.resolve("saved"), WEIGHTS, BIAS);

    int code =
        pelton(
            "import",
            "--name=fraud",
            "--engine=TensorFlow",
            "--artifact=" + saved,
            "--input=features",
            "--output=score=score",
            "--pipeline=" + pipeline(),
            "--engine-option=Tags=serve",
            "--baseline=" + baseline,
            "--promote");

    assertThat(err).isEmpty();
    assertThat(code).isZero();
    assertThat(out).startsWith("fraud@1 is published and champion");
    assertThat(registry.resolve("fraud")).hasToString("fraud@1");
    assertThat(registry.manifest("fraud", 1).signature().features()).isEqualTo(FEATURES);
    assertThat(registry.manifest("fraud", 1).engineOptions()).isEqualTo(Map.of("Tags", "serve"));
  }

  @Test
  void givesSegmentsBaselinesOfTheirOwn() throws Exception {
    baseline = csv("segments.csv", "amount,risk,country\n1,2,FR\n2,3,FR\n5,6,\n7,8,DE\n");

    assertThat(importModel("--features=amount,risk", "--segments=country")).isZero();

    BaselineProfile.Segments segments =
        BaselineProfile.fromJson(registry.profileJson("fraud", 1).orElseThrow()).segments();
    assertThat(segments.by()).isEqualTo("country");
    assertThat(segments.profiles()).containsOnlyKeys("=FR", "=DE", "missing");
    assertThat(segments.profiles().get("=FR").feature("amount").edges()).containsExactly(1, 2);
    assertThat(importModel("--features=amount,risk", "--segments=land")).isEqualTo(2);
    assertThat(err).contains("segments.csv:1: no column \"land\"");
  }

  @Test
  void givesCarriedFieldsBaselinesToo() throws Exception {
    baseline =
        csv("fields.csv", "amount,risk,country,code,note\n1,2,FR,7,ab\n2,3,FR,8,\n5,6,,7,abc\n");

    assertThat(
            importModel(
                "--features=amount,risk", "--fields=country,code:category,risk,note:length"))
        .isZero();

    BaselineProfile profile =
        BaselineProfile.fromJson(registry.profileJson("fraud", 1).orElseThrow());
    assertThat(profile.categories())
        .extracting(CategoryProfile::name, CategoryProfile::values)
        .containsExactly(tuple("country", List.of("FR")), tuple("code", List.of("7", "8")));
    assertThat(profile.fields())
        .extracting(FeatureProfile::reportName, FeatureProfile::kind)
        .containsExactly(
            tuple("field:risk", FeatureProfile.Kind.FIELD),
            tuple("field:note", FeatureProfile.Kind.TEXT));
    assertThat(profile.fields().get(1).edges()).containsExactly(2, 3);
    assertThat(importModel("--features=amount,risk", "--fields=country:number")).isEqualTo(2);
    assertThat(err).contains("--fields country:number: not every value of");
    assertThat(importModel("--features=amount,risk", "--fields=country:colour")).isEqualTo(2);
    assertThat(err).contains("unknown kind \"colour\"; it must be number, category or length");
  }

  @Test
  void expectedOutputsMustBeReproduced() throws Exception {
    double expected = TinyModels.probability(WEIGHTS, BIAS, 3, 4);
    Path right = csv("right.csv", "amount,risk,score\n3,4," + expected + "\n");
    Path wrong = csv("wrong.csv", "amount,risk,score\n3,4," + (expected + 0.01) + "\n");

    assertThat(importModel("--features=amount,risk", "--golden=" + wrong)).isEqualTo(2);
    assertThat(err).contains("golden row 0, output score: expected ").hasLineCount(1);
    assertThat(registry.models()).isEmpty();
    assertThat(importModel("--features=amount,risk", "--golden=" + right)).isZero();
    assertThat(golden().outputs()[0]).containsExactly(expected);
  }

  @Test
  void statesWhatAVersionTakes() throws Exception {
    assertThat(importModel("--features=amount,risk", "--memory=200MB")).isZero();
    assertThat(registry.memory("fraud", 1)).isEqualTo(200L << 20);
    assertThat(pelton("show", "fraud@1")).isZero();
    assertThat(out).containsPattern("memory +200MB, stated");
    assertThat(importModel("--features=amount,risk", "--memory=200")).isEqualTo(2);
    assertThat(err)
        .contains(
            "--memory",
            "\"200\" is no amount of memory; write a whole number and B, KB, MB, GB or TB: 200MB");
  }

  @Test
  void listsShowsAndPromotes() throws Exception {
    importModel("--features=amount,risk", "--promote");
    importModel("--features=amount,risk");

    assertThat(pelton("promote", "fraud@2")).isZero();
    assertThat(out).isEqualTo("fraud@2 is champion, before it was fraud@1\n");
    assertThat(pelton("promote", "--alias=challenger", "fraud@1")).isZero();
    assertThat(out).isEqualTo("fraud@1 is challenger\n");

    assertThat(pelton("list")).isZero();
    assertThat(out.lines().map(line -> line.replaceAll(" +", " ").replaceAll("\\S+Z", "T")))
        .containsExactly(
            "MODEL VERSION ENGINE CREATED ALIASES",
            "fraud 1 OnnxRuntime T challenger",
            "fraud 2 OnnxRuntime T champion");

    assertThat(pelton("show", "fraud")).isZero();
    assertThat(out.lines().map(line -> line.replaceAll(" +", " ")))
        .contains(
            "model fraud@2",
            "aliases champion",
            "engine OnnxRuntime",
            "memory 16MB, estimated",
            "input features FLOAT32 [amount, risk]",
            "output score = probabilities:1",
            "baseline profile.json",
            "trainer import");
  }

  @Test
  void whatTheUserCanMendIsOneLineAndExitCode2() throws Exception {
    importModel("--features=amount,risk");

    fails("model \"fraud\" has no version 7; it has 1", "promote", "fraud@7");
    fails("\"fraud\" names no version; give fraud@VERSION", "promote", "fraud");
    fails("no model \"frauds\"; did you mean \"fraud\"?", "show", "frauds");
    csv("baseline.csv", "amount,rsk\n1,2\n");
    assertThat(importModel("--features=amount,risk")).isEqualTo(2);
    assertThat(err).isEqualTo(baseline + ":1: no column \"risk\"; did you mean \"rsk\"?\n");
    csv("baseline.csv", "amount,risk\n1,2\n1,x\n");
    assertThat(importModel("--features=amount,risk")).isEqualTo(2);
    assertThat(err)
        .isEqualTo(
            baseline + ":3: risk: \"x\" is not a number; a missing value is an empty field\n");
    Files.delete(baseline);
    assertThat(importModel("--features=amount,risk")).isEqualTo(2);
    assertThat(err).isEqualTo("file " + baseline + " does not exist\n");
    assertThat(registry.versions("fraud")).containsExactly(1);
  }

  @Test
  void float64InputIsNotRoundedToFloat() throws Exception {
    model = TinyModels.shift(directory.resolve("shift.onnx"), 123456789);
    double shifted = 123456789.12 - 123456789;
    csv("baseline.csv", "amount\n123456789.12\n");

    assertThat(importShift()).as(err).isZero();
    assertThat(golden().features()[0]).containsExactly(123456789.12);
    assertThat(golden().outputs()[0]).containsExactly(shifted);
    Path expected = csv("golden.csv", "amount,shifted\n123456789.12," + shifted + "\n");
    assertThat(importShift("--golden=" + expected)).as(err).isZero();
  }

  @Test
  void importsSeveralInputsAndAllColumnsOfAnOutput() throws Exception {
    writeMixed();

    assertThat(importMixed()).as(err).isZero();
    assertThat(out).isEqualTo("fraud@1 is published: 2 golden rows, baseline of 2 rows\n");
    assertThat(golden().features()[1]).containsExactly(1.5, 2, 7, 8, 0, 0.25);
    assertThat(golden().outputs()[1]).containsExactly(0.75, 1, 3.5, 4, 0, 0.125, 1);
    assertThat(pelton("show", "fraud@1")).isZero();
    assertThat(out.lines().map(line -> line.replaceAll(" +", " ")))
        .contains(
            "input amounts FLOAT32 [amount, mean]",
            "input count INT64 rows [count]",
            "input small INT32 [small]",
            "input flag BOOLEAN rows [flag]",
            "input precise FLOAT64 [precise]",
            "output embedding_0 to embedding_5 = embedding:0 to 5",
            "output unflagged = unflagged:0");
  }

  @Test
  void whatIsWrongWithAnInputOrOutputIsSaid() throws Exception {
    writeMixed();

    failsMixed("--input small=amount: tensor \"small\" is given twice; ", "--input=small=amount");
    failsMixed("--input x=flag: feature \"flag\" is given twice; ", "--input=x=flag");
    failsMixed("--input x: names no features; of several inputs each must: ", "--input=x");
    failsMixed("--input x=a,,b: a feature's name is empty; ", "--input=x=a,,b");
    failsMixed(
        "--input x:int46=a: no type \"int46\"; known: FLOAT32, FLOAT64, INT32, INT64, BOOLEAN",
        "--input=x:int46=a");
    failsMixed(
        "--input x:INT64:rows=a,b: a tensor of shape [rows] takes one feature, not 2; ",
        "--input=x:INT64:rows=a,b");
    failsMixed("--input =a: must be TENSOR[:TYPE[:rows]][=FEATURE,...]", "--input==a");
    failsMixed("--features: the inputs name features of their own; ", "--features=amount");
    failsMixed(
        "--output e=embeddin:*: the model has no output tensor \"embeddin\" of shape [rows, columns]; did you mean \"embedding\"?",
        "--output=e=embeddin:*");
    failsMixed(
        "--output embedding_1=half: \"embedding_1\" is given twice; ", "--output=embedding_1=half");
    csv("baseline.csv", "amount,mean,count,small,flag,precise\n1,2,3,4,0,6\n1,2,3,4,0.5,6\n");
    failsMixed(
        "--artifact %s cannot score rows 1 to 2 of %s: fraud@1: feature flag is 0.5, but its tensor \"flag\" of type BOOLEAN takes only 0 and 1; "
            .formatted(directory.resolve("mixed.onnx"), directory.resolve("baseline.csv")));
    assertThat(registry.models()).isEmpty();
  }

  @Test
  void scoresThatDependOnTheBatchAreWarnedOf() throws Exception {
    csv("baseline.csv", "a,b,c\n0.5,1,-1\n30,-2,0.1\n");
    model = QuantizedModels.withScalesOfTheBatch(directory.resolve("q.onnx"));
    assertThat(importModel("--features=a,b,c")).isZero();
    assertThat(err)
        .startsWith(
            "warning: scores depend on the other rows of a batch: golden row 0, output score")
        .hasLineCount(1);
    assertThat(out).isEqualTo("fraud@1 is published: 2 golden rows, baseline of 2 rows\n");

    model = QuantizedModels.withFixedScales(directory.resolve("fixed.onnx"));
    assertThat(importModel("--features=a,b,c")).isZero();
    assertThat(err).isEmpty();
  }

  @Test
  void importsATorchScriptFile() throws Exception {
    Path file = TorchModels.logistic(directory.resolve("m.pt"), WEIGHTS, BIAS);

    int code =
        pelton(
            "import",
            "--name=fraud",
            "--engine=PyTorch",
            "--artifact=" + file,
            "--input=features",
            "--features=amount,risk",
            "--output=score=0",
            "--baseline=" + baseline);

    assertThat(err).isEmpty();
    assertThat(code).isZero();
    assertThat(golden().outputs()[0][0])
        .isCloseTo(TinyModels.probability(WEIGHTS, BIAS, 1, 0.5), Offset.offset(1e-6));
  }

  private void writeMixed() throws IOException {
    model = MixedModels.onnx(directory.resolve("mixed.onnx"));
    csv("baseline.csv", "amount,mean,count,small,flag,precise\n1,2,3,4,1,6\n1.5,2,7,8,0,0.25\n");
  }

  private void failsMixed(String message, String... more) {
    assertThat(importMixed(more)).isEqualTo(2);
    assertThat(err).startsWith(message).hasLineCount(1);
  }

  private int importMixed(String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "import",
                "--name=fraud",
                "--engine=OnnxRuntime",
                "--artifact=" + model,
                "--input=amounts=amount,mean",
                "--input=count:int64:rows=count",
                "--input=small:INT32=small",
                "--input=flag:BOOLEAN:rows=flag",
                "--input=precise:FLOAT64=precise",
                "--output=embedding=embedding:*",
                "--output=unflagged=unflagged",
                "--baseline=" + baseline));
    arguments.addAll(List.of(more));
    return pelton(arguments.toArray(new String[0]));
  }

  @Test
  void namesOfOutputsMustBeColumnsOfTheirOwn() throws Exception {
    Map.of(
            "1st=probabilities:1", "\"1st\" must be A-Z, a-z, 0-9 and '_', no digit first",
            "a-b=probabilities:1", "\"a-b\" must be A-Z, a-z, 0-9 and '_', no digit first",
            "score=probabilities:0",
                "\"score\" is given twice; every output needs a name of its own",
            "risk=probabilities:1", "\"risk\" is a feature of the model; name the output otherwise",
            "variant=label",
                "\"variant\" is a column that all predictions have; name the output otherwise")
        .forEach(
            (output, rule) -> {
              assertThat(importModel("--features=amount,risk", "--output=" + output)).isEqualTo(2);
              assertThat(err).isEqualTo("--output " + output + ": " + rule + "\n");
            });
    for (String field : List.of("id", "time")) {
      assertThat(importModel("--pipeline=" + pipeline(), "--output=" + field + "=label"))
          .isEqualTo(2);
      assertThat(err)
          .isEqualTo(
              "--output %s=label: \"%s\" is a column that all predictions have; name the output otherwise\n"
                  .formatted(field, field));
    }
    assertThat(registry.models()).isEmpty();
  }

  @Test
  void aDirectoryIsNoOnnxFile() throws Exception {
    model = Files.createDirectory(directory.resolve("model"));
    Files.writeString(model.resolve("m.onnx"), "");

    assertThat(importModel("--features=amount,risk")).isEqualTo(2);
    assertThat(err)
        .isEqualTo(
            "--artifact " + model + ": is a directory; for OnnxRuntime it must be an .onnx file\n");
  }

  @Test
  void aRegistryMustBeADirectory() throws Exception {
    Path root = directory.resolve("registry");

    fails("--registry " + root + ": does not exist; give the directory ", "list");
    fails("--registry " + root + ": does not exist; give the directory ", "show", "fraud");
    fails("--registry " + root + ": does not exist; give the directory ", "promote", "fraud@1");
    Files.writeString(root, "");
    fails("--registry " + root + ": is a file; give the directory ", "list");
    Files.delete(root);
    Files.createDirectory(root);
    assertThat(pelton("list")).isZero();
    assertThat(out).isEqualTo("no models in registry " + root + "\n");
  }

  @Test
  void usageErrorsAreExitCode2() {
    assertThat(pelton("show")).isEqualTo(2);
    assertThat(importModel()).isEqualTo(2);
    assertThat(err).contains("--features=NAME", "--pipeline=FILE");
    assertThat(importModel("--features=a", "--output=score")).isEqualTo(2);
    assertThat(err).contains("'score' must be NAME=TENSOR[:COLUMN|:*]");
    assertThat(Pelton.commandLine().execute("model")).isEqualTo(2);
  }

  private void fails(String message, String... arguments) {
    assertThat(pelton(arguments)).isEqualTo(2);
    assertThat(err).contains(message).hasLineCount(1);
    assertThat(out).isEmpty();
  }

  private int importModel(String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "import",
                "--name=fraud",
                "--engine=OnnxRuntime",
                "--artifact=" + model,
                "--input=features",
                "--output=score=probabilities:1",
                "--baseline=" + baseline));
    arguments.addAll(List.of(more));
    return pelton(arguments.toArray(new String[0]));
  }

  private int importShift(String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "import",
                "--name=fraud",
                "--engine=OnnxRuntime",
                "--artifact=" + model,
                "--input=features",
                "--input-type=FLOAT64",
                "--features=amount",
                "--output=shifted=shifted",
                "--baseline=" + baseline));
    arguments.addAll(List.of(more));
    return pelton(arguments.toArray(new String[0]));
  }

  private int pelton(String... arguments) {
    List<String> all = new ArrayList<>(List.of("model"));
    all.addAll(List.of(arguments));
    all.add("--registry=" + directory.resolve("registry"));
    StringWriter outText = new StringWriter();
    StringWriter errText = new StringWriter();
    int code =
        Pelton.commandLine()
            .setOut(new PrintWriter(outText))
            .setErr(new PrintWriter(errText))
            .execute(all.toArray(new String[0]));
    out = outText.toString();
    err = errText.toString();
    return code;
  }

  private Path pipeline() throws IOException {
    csv(
        "event.avsc",
        """
        {"type": "record", "name": "E", "fields": [
          {"name": "id", "type": "string"},
          {"name": "time", "type": "long"},
          {"name": "amount", "type": "double"}]}
        """);
    return csv(
        "pipeline.yaml",
        """
        pipeline: cards
        events: {topic: events, schema: event.avsc, id: id, time: time}
        features: {amount: {value: amount}, risk: {value: "amount / 2.0"}}
        model: {name: fraud}
        """);
  }

  private GoldenRows golden() throws IOException {
    Path fetched = Files.createTempDirectory(directory, "fetched");
    registry.fetch("fraud", 1, fetched);
    return GoldenRows.read(fetched);
  }

  private Path csv(String name, String content) throws IOException {
    return Files.writeString(directory.resolve(name), content);
  }
}
