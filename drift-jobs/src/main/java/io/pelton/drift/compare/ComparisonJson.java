package io.pelton.drift.compare;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import io.pelton.drift.CategoryMeasures;
import io.pelton.drift.ColumnMeasures;
import io.pelton.drift.Measures;
import java.io.IOException;
import java.io.Writer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A comparison for programs: doubles to the last bit, null where there is no number. */
public final class ComparisonJson {
  private ComparisonJson() {}

  /** Writes one object and a line's end; the writer stays open. */
  public static void write(Comparison comparison, Writer out) throws IOException {
    JsonGenerator json =
        new JsonFactory()
            .createGenerator(out)
            .disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET)
            .setPrettyPrinter(new DefaultPrettyPrinter());
    json.writeStartObject();
    json.writeNumberField("baselineRows", comparison.baselineRows());
    json.writeNumberField("currentRows", comparison.currentRows());
    json.writeBooleanField("drifted", comparison.drifted());
    names(json, "onlyBaseline", comparison.onlyBaseline());
    names(json, "onlyCurrent", comparison.onlyCurrent());
    json.writeObjectFieldStart("columns");
    for (ColumnComparison column : comparison.columns()) {
      column(json, column);
    }
    json.writeEndObject();
    json.writeEndObject();
    json.writeRaw('\n');
    json.close();
  }

  private static void names(JsonGenerator json, String field, List<String> names)
      throws IOException {
    json.writeArrayFieldStart(field);
    for (String name : names) {
      json.writeString(name);
    }
    json.writeEndArray();
  }

  private static void column(JsonGenerator json, ColumnComparison column) throws IOException {
    json.writeObjectFieldStart(column.name());
    json.writeStringField("type", column.type().text());
    ColumnMeasures measures = column.measures();
    json.writeNumberField("baselineCount", measures.baselineCount());
    json.writeNumberField("currentCount", measures.currentCount());
    if (measures instanceof Measures numbers) {
      numbers(json, numbers);
    } else if (measures instanceof CategoryMeasures categories) {
      categories(json, categories);
    }
    json.writeObjectFieldStart("psi");
    number(json, "value", measures.psi());
    number(json, "adjusted", measures.psiAdjusted());
    number(json, "pValue", measures.psiPValue());
    json.writeEndObject();
    number(json, "jensenShannon", measures.jensenShannon());
    missing(json, measures);
    number(json, "qValue", column.qValue());
    json.writeBooleanField("drifted", column.drifted());
    json.writeEndObject();
  }

  private static void numbers(JsonGenerator json, Measures measures) throws IOException {
    if (measures.ks() == null) {
      json.writeNullField("ks");
    } else {
      json.writeObjectFieldStart("ks");
      number(json, "statistic", measures.ks());
      number(json, "pValue", measures.ksPValue());
      json.writeStringField("method", measures.ksMethod().text());
      number(json, "rankErrorBound", measures.rankErrorBound());
      json.writeEndObject();
    }
    number(json, "wasserstein", measures.wasserstein());
    json.writeNumberField("outOfRange", measures.outOfRange());
  }

  private static void categories(JsonGenerator json, CategoryMeasures measures) throws IOException {
    json.writeObjectFieldStart("chiSquare");
    number(json, "statistic", measures.chiSquare());
    number(json, "pValue", measures.pValue());
    json.writeEndObject();
    number(json, "cramersV", measures.cramersV());
    json.writeNumberField("unseen", measures.unseen());
  }

  /** Shares of the rows. */
  private static void missing(JsonGenerator json, ColumnMeasures measures) throws IOException {
    json.writeObjectFieldStart("missing");
    number(json, "baseline", (double) measures.missingBaseline() / measures.baselineCount());
    number(json, "current", (double) measures.missingCurrent() / measures.currentCount());
    number(json, "pValue", measures.missingPValue());
    json.writeEndObject();
  }

  private static void number(JsonGenerator json, String field, @Nullable Double value)
      throws IOException {
    if (value == null || !Double.isFinite(value)) {
      json.writeNullField(field);
    } else {
      json.writeNumberField(field, value);
    }
  }
}
