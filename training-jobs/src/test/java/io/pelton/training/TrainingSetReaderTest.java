package io.pelton.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TrainingSetReaderTest {
  @TempDir private Path directory;

  private Path file(String name, String... lines) throws IOException {
    Path path = directory.resolve(name);
    String text = String.join("\n", lines) + "\n";
    if (name.endsWith(".gz")) {
      try (var writer =
          new OutputStreamWriter(
              new GZIPOutputStream(Files.newOutputStream(path)), StandardCharsets.UTF_8)) {
        writer.write(text);
      }
    } else {
      Files.writeString(path, text);
    }
    return path;
  }

  private static FeatureFiles features(Path... paths) {
    return new FeatureFiles(List.of(paths), "transaction_id", List.of("mean_7d", "amount"));
  }

  private static LabelFiles labels(Path... paths) {
    return new LabelFiles(List.of(paths), "transaction_id", "event_time", "fraud", "customer_id");
  }

  @Test
  void joinsFeaturesWithLabelsByIdInTheModelsOrder() throws Exception {
    Path features = file("f.csv", "transaction_id,amount,mean_7d,other", "3,9.5,1.25,x");
    Path more = file("g.csv", "mean_7d,transaction_id,amount", ",1,4", "6,2,5");
    Path first =
        file(
            "l1.csv.gz",
            "transaction_id,event_time,customer_id,terminal_id,amount,fraud",
            "1,2018-05-01T00:01:21Z,c1,t1,4,0",
            "99,2018-05-01T00:01:22Z,c1,t1,4,0");
    Path second =
        file("l2.csv", "fraud,transaction_id,event_time,customer_id", "1,3,1525132800000,c2");

    var read = TrainingSetReader.read(features(features, more), labels(first, second));

    var set = read.set();
    assertThat(set.features()).containsExactly("mean_7d", "amount");
    assertThat(set.ids()).containsExactly("3", "1");
    assertThat(set.rows()[0]).containsExactly(1.25, 9.5);
    assertThat(set.rows()[1]).containsExactly(Double.NaN, 4);
    assertThat(set.labels()).containsExactly(1, 0);
    assertThat(set.times()).containsExactly(1_525_132_800_000L, 1_525_132_881_000L);
    assertThat(set.entities()).containsExactly("c2", "c1");
    assertThat(read.unlabelled()).isEqualTo(1);
  }

  @Test
  void namesFileLineColumnAndValueOfAProblem() throws Exception {
    Path labels = file("l.csv", "transaction_id,event_time,customer_id,fraud", "1,2018-05-01,c1,0");
    Path good = file("f.csv", "transaction_id,amount,mean_7d", "1,2,3");

    assertThatThrownBy(() -> TrainingSetReader.read(features(good), labels(labels)))
        .hasMessage(labels + ":2: event_time: \"2018-05-01\" is neither ISO 8601 nor epoch millis");
    assertProblem(
        "f.csv:2: amount: \"many\" is not a number; leave it empty if missing", "1,many,3");
    assertProblem("f.csv:3: transaction_id: \"1\" comes twice", "1,2,3", "1,2,4");
    assertProblem("f.csv: Record 2 has 2 fields, but first record had 3 fields", "1,2");
  }

  private void assertProblem(String message, String... rows) throws IOException {
    var lines = new ArrayList<>(List.of("transaction_id,amount,mean_7d"));
    lines.addAll(List.of(rows));
    Path features = file("f.csv", lines.toArray(String[]::new));
    Path labels = file("none.csv", "transaction_id,event_time,customer_id,fraud");

    assertThatThrownBy(() -> TrainingSetReader.read(features(features), labels(labels)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(directory + "/" + message);
  }

  @Test
  void namesAnAbsentColumnAndThoseThereAre() throws Exception {
    Path features = file("f.csv", "transaction_id,amount", "1,2");
    Path labels = file("l.csv", "transaction_id,event_time,customer_id,fraud");

    assertThatThrownBy(() -> TrainingSetReader.read(features(features), labels(labels)))
        .hasMessage(features + ": no column \"mean_7d\"; there are [transaction_id, amount]");
  }

  @Test
  void refusesTwoLabelsForOneEventAndLabelsThatAreNone() throws Exception {
    Path features = file("f.csv", "transaction_id,amount,mean_7d", "1,2,3");
    String header = "transaction_id,event_time,customer_id,fraud";
    Path first = file("l1.csv", header, "1,2018-05-01T00:00:00Z,c1,0");
    Path second = file("l2.csv", header, "1,2018-05-01T00:00:00Z,c1,2");

    assertThatThrownBy(() -> TrainingSetReader.read(features(features), labels(first, first)))
        .hasMessage(first + ":2: transaction_id: \"1\" has two labels");
    assertThatThrownBy(() -> TrainingSetReader.read(features(features), labels(second)))
        .hasMessage(second + ":2: fraud: \"2\" is neither 0 nor 1");
  }
}
