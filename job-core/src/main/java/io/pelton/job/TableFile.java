package io.pelton.job;

import java.io.IOException;
import java.io.OutputStream;
import java.util.List;

/** A file of one format while it is written: cells, then the end of each row. */
interface TableFile extends Table.Cells {
  void endRow() throws IOException;

  /** Completes the file; the stream stays open. */
  void finish() throws IOException;

  static TableFile open(
      BatchOutput.Format format, List<Table.Column> columns, String name, OutputStream out)
      throws IOException {
    return switch (format) {
      case CSV -> new CsvTableFile(columns, out);
      case AVRO -> AvroTableFile.avro(columns, name, out);
      case PARQUET -> AvroTableFile.parquet(columns, name, out);
    };
  }
}
