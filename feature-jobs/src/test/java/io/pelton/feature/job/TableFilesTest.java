package io.pelton.feature.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.pipeline.Table;
import io.pelton.pipeline.Table.TableFile;
import io.pelton.table.InvalidTableException;
import io.pelton.table.ReferenceTable;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TableFilesTest {
  @TempDir Path directory;

  private Path file;
  private PipelineDefinition pipeline;

  @BeforeEach
  void writeTable() throws Exception {
    file = directory.resolve("terminals-1.csv");
    Files.writeString(file, "terminal_id,risk\n7,1\n");
    Files.copy(
        Path.of("../examples/card-fraud/transaction.avsc"), directory.resolve("transaction.avsc"));
    Files.writeString(
        directory.resolve("terminal.avsc"),
        """
        {"type": "record", "name": "Terminal", "fields": [
          {"name": "terminal_id", "type": "long"}, {"name": "risk", "type": "int"}]}
        """);
    pipeline =
        PipelineFile.read(
            Files.writeString(
                directory.resolve("p.yaml"),
                """
                pipeline: test
                events: {topic: transactions, schema: transaction.avsc, id: transaction_id, time: event_time}
                tables:
                  terminals: {file: terminals-*.csv, schema: terminal.avsc, key: terminal_id}
                features: {risk: {value: terminals.risk}}
                """));
  }

  private static double risk(PipelineDefinition pipeline) {
    ReferenceTable table = TableFiles.load(pipeline).get("terminals");
    return (Long) table.value(table.find("7", 0), 1);
  }

  @Test
  void holdsAJobToTheFilesThatItWasDefinedWith() throws Exception {
    Files.writeString(directory.resolve("terminals-2.csv"), "terminal_id,risk\n8,1\n9,1\n");
    PipelineDefinition pinned = TableFiles.pinned(pipeline);
    assertThat(pinned.tables())
        .singleElement()
        .extracting(Table::files)
        .satisfies(
            files ->
                assertThat(files)
                    .extracting(TableFile::rows)
                    .as("in the order of names")
                    .containsExactly(1L, 2L));
    assertThat(TableFiles.pinned(pinned)).isSameAs(pinned);

    Files.writeString(file, "terminal_id,risk\n7,2\n");
    assertThat(risk(pinned)).as("what this process has read stays").isEqualTo(1);
    PipelineDefinition anew = TableFiles.pinned(pipeline);
    assertThat(risk(anew)).isEqualTo(2);
    assertThat(anew.tables()).isNotEqualTo(pinned.tables());
  }

  @Test
  void refusesAFileThatHasChangedSinceTheJobWasDefined() {
    // As in another process than that which defined the job.
    Table declared = pipeline.tables().get(0);
    Table before =
        new Table(
            declared.name(),
            declared.file(),
            declared.schema(),
            declared.key(),
            declared.time(),
            declared.on(),
            java.util.List.of(new TableFile(file.toUri().toString(), 1, "00ff")));
    assertThatThrownBy(() -> TableFiles.load(pipeline.with(java.util.List.of(before))))
        .isInstanceOf(InvalidTableException.class)
        .hasMessageContaining("table terminals: ")
        .hasMessageContaining("has changed since the job was defined")
        .hasMessageContaining("was 00ff");
  }

  @Test
  void refusesTablesThatCannotBeRead() throws Exception {
    Files.writeString(file, "terminal_id,risk\n7,\n8,low\n");
    assertThatThrownBy(() -> TableFiles.pinned(pipeline))
        .isInstanceOf(InvalidTableException.class)
        .hasMessageContaining("terminals-1.csv:2: field \"risk\" is null")
        .hasMessageContaining("terminals-1.csv:3: field \"risk\": \"low\" is no whole number");
    Files.writeString(file, "terminal_id\n7\n");
    assertThatThrownBy(() -> TableFiles.pinned(pipeline))
        .isInstanceOf(InvalidTableException.class)
        .hasMessageContaining("lacks the column \"risk\"");
    Files.delete(file);
    assertThatThrownBy(() -> TableFiles.pinned(pipeline))
        .isInstanceOf(InvalidTableException.class)
        .hasMessageContaining("table terminals: no file matches");
  }
}
