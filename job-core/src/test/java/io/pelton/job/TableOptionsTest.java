package io.pelton.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.pipeline.Table;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class TableOptionsTest {
  @TempDir Path directory;
  private PipelineDefinition pipeline;

  @BeforeEach
  void readPipeline() throws Exception {
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
                  live: {topic: terminals, schema: terminal.avsc, key: terminal_id}
                  still: {file: terminals.csv, schema: terminal.avsc, key: terminal_id}
                features: {risk: {value: live.risk}}
                """));
  }

  private static TableOptions options(String... arguments) {
    TableOptions options = new TableOptions();
    new CommandLine(options).parseArgs(arguments);
    return options;
  }

  private List<Table> tables(boolean streaming, String... arguments) {
    return options(arguments).apply(pipeline, streaming).tables();
  }

  @Test
  void aBatchRunTakesTheRowsFromFilesAlone() {
    List<Table> tables = tables(false, "--table", "live=a.csv", "--table", "live=b=c*.csv");
    assertThat(tables.get(0).inputs()).containsExactly("a.csv", "b=c*.csv");
    assertThat(tables.get(0).streamed()).isFalse();
    assertThat(tables.get(1)).isEqualTo(pipeline.tables().get(1));
    assertThatThrownBy(() -> tables(false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "table live is of topic terminals, and a batch run takes its rows from files: give"
                + " --table live=FILES");
  }

  @Test
  void aJobReadsTheTopicAsWell() {
    assertThat(options().apply(pipeline, true)).isSameAs(pipeline);
    List<Table> tables = tables(true, "--table", "live=a.csv", "--table", "still=other.csv");
    assertThat(tables.get(0).inputs()).containsExactly("a.csv");
    assertThat(tables.get(0).streamed()).isTrue();
    assertThat(tables.get(1).file()).as("in place of its own").isEqualTo("other.csv");
    assertThat(tables.get(1).streamed()).isFalse();
  }

  @Test
  void whatNamesNoTableIsRefused() {
    assertThatThrownBy(() -> tables(true, "--table", "lve=a.csv"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "--table lve=a.csv: the pipeline has no table \"lve\"; its tables are live, still");
    for (String wrong : List.of("a.csv", "=a.csv", "live=")) {
      assertThatThrownBy(() -> tables(true, "--table", wrong))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("--table " + wrong + ": it must be NAME=FILES");
    }
    PipelineDefinition without = pipeline.with(List.<Table>of());
    assertThatThrownBy(() -> options("--table", "live=a.csv").apply(without, true))
        .hasMessageEndingWith("it has no tables");
  }

  @Test
  void historyNeedsTheRowsOfItsTime() {
    String[] start = {"--pipeline", "p.yaml", "--brokers", "b:1", "--history", "h.csv"};
    assertThatThrownBy(() -> JobOptions.parse("job", start).withTables(pipeline))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("--history without --table live=FILES: table live is of topic");
    String[] whole = java.util.Arrays.copyOf(start, 8);
    whole[6] = "--table";
    whole[7] = "live=a.csv";
    JobOptions given = JobOptions.parse("job", whole);
    assertThat(given.withTables(pipeline).tables().get(0).inputs()).containsExactly("a.csv");
    assertThatThrownBy(given::refuseHistory)
        .hasMessageStartingWith("--table live=a.csv: this job computes no features");
  }
}
