package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;

import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.NamedCsvRecord;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a batch run wrote.
 *
 * @param rows event id to numbers
 */
record BatchRows(Map<String, double[]> rows) {
  /** The named columns of a CSV file. */
  static BatchRows read(Path csv, List<String> columns) throws IOException {
    Map<String, double[]> rows = new LinkedHashMap<>();
    try (CsvReader<NamedCsvRecord> reader = CsvReader.builder().ofNamedCsvRecord(csv)) {
      for (NamedCsvRecord record : reader) {
        double[] values =
            columns.stream()
                .map(record::getField)
                .mapToDouble(field -> field.isEmpty() ? Double.NaN : Double.parseDouble(field))
                .toArray();
        assertThat(rows.put(record.getField("transaction_id"), values)).isNull();
      }
    }
    return new BatchRows(rows);
  }

  /** The features of event files by {@code pelton features}. */
  static BatchRows features(CardPipeline pipeline, Path output, Path... inputs) throws IOException {
    Object[] command = new Object[5 + 2 * inputs.length];
    command[0] = "features";
    command[1] = "--pipeline";
    command[2] = pipeline.file();
    command[3] = "--output";
    command[4] = output;
    for (int i = 0; i < inputs.length; i++) {
      command[5 + 2 * i] = "--input";
      command[6 + 2 * i] = inputs[i];
    }
    Cli.succeed(command);
    return read(output.resolve("features.csv"), pipeline.definition().featureNames());
  }
}
