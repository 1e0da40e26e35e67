package io.pelton.job;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.io.NumberOutput;
import de.siegmar.fastcsv.writer.CsvWriter;
import de.siegmar.fastcsv.writer.CsvWriter.CsvWriterRecord;
import de.siegmar.fastcsv.writer.LineDelimiter;
import de.siegmar.fastcsv.writer.QuoteStrategies;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** CSV with a header, line feeds, and {@code ""} only for a text that is empty but not missing. */
final class CsvTableFile implements TableFile {
  private static final double EXACT_LONGS = 1L << 53;

  private static final JsonFactory JSON = new JsonFactory();

  private final Writer text;
  private final CsvWriter csv;
  private @Nullable CsvWriterRecord row;

  CsvTableFile(List<Table.Column> columns, OutputStream out) {
    this.text = new OutputStreamWriter(out, StandardCharsets.UTF_8);
    this.csv =
        CsvWriter.builder()
            .lineDelimiter(LineDelimiter.LF)
            .quoteStrategy(QuoteStrategies.EMPTY)
            .build(text);
    csv.writeRecord(columns.stream().map(Table.Column::name).toList());
  }

  private void field(@Nullable String value) {
    CsvWriterRecord current = row;
    if (current == null) {
      current = csv.writeRecord();
      row = current;
    }
    current.writeField(value);
  }

  @Override
  public void text(@Nullable String value) {
    field(value);
  }

  @Override
  public void number(double value) {
    field(Double.isNaN(value) ? null : shortest(value));
  }

  @Override
  public void integer(long value) {
    field(Long.toString(value));
  }

  @Override
  public void time(long millis) {
    field(Instant.ofEpochMilli(millis).toString());
  }

  /** As a JSON object. */
  @Override
  public void map(Map<String, Double> value) throws IOException {
    StringWriter json = new StringWriter();
    try (JsonGenerator out = JSON.createGenerator(json)) {
      out.writeStartObject();
      for (Map.Entry<String, Double> entry : value.entrySet()) {
        out.writeFieldName(entry.getKey());
        if (Double.isFinite(entry.getValue())) {
          out.writeRawValue(shortest(entry.getValue()));
        } else {
          out.writeString(entry.getValue().toString());
        }
      }
      out.writeEndObject();
    }
    field(json.toString());
  }

  /** The shortest decimal that reads back as the same double; whole numbers without a point. */
  static String shortest(double value) {
    if (value == Math.rint(value) && Math.abs(value) <= EXACT_LONGS) {
      return value == 0 && 1 / value < 0 ? "-0" : Long.toString((long) value);
    }
    // Double.toString gives digits too many for some values before JDK 19.
    return NumberOutput.toString(value, true);
  }

  @Override
  public void endRow() {
    if (row != null) {
      row.endRecord();
      row = null;
    }
  }

  @Override
  public void finish() throws IOException {
    csv.flush();
    text.flush();
  }
}
