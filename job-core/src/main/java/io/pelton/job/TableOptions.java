package io.pelton.job;

import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Table;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Option;

/** Which files the rows of reference tables come from, where the pipeline file does not say. */
public final class TableOptions {
  @Option(
      names = "--table",
      paramLabel = "NAME=FILES",
      description =
          "Files with the rows of a reference table, of the kinds that --input takes: for a table of"
              + " a topic, which a batch run cannot do without, or in place of a table's own files;"
              + " repeatable.")
  private List<String> tables = new ArrayList<>();

  /**
   * The pipeline with its tables' rows from the files that were given.
   *
   * @param streaming whether tables of topics are read from these too; else their rows are those of
   *     files alone
   * @throws IllegalArgumentException when the option names no table of the pipeline, or a batch run
   *     lacks the files of one of a topic
   */
  public PipelineDefinition apply(PipelineDefinition pipeline, boolean streaming) {
    Map<String, List<String>> files = new LinkedHashMap<>();
    List<String> names = pipeline.tables().stream().map(Table::name).toList();
    for (String given : tables) {
      int equals = given.indexOf('=');
      String name = equals < 0 ? "" : given.substring(0, equals).strip();
      if (name.isEmpty() || equals + 1 == given.length()) {
        throw new IllegalArgumentException(
            "--table " + given + ": it must be NAME=FILES, a table's name and a path or glob");
      }
      if (!names.contains(name)) {
        throw new IllegalArgumentException(
            "--table %s: the pipeline has no table \"%s\"; %s"
                .formatted(
                    given,
                    name,
                    names.isEmpty()
                        ? "it has no tables"
                        : "its tables are " + String.join(", ", names)));
      }
      files.computeIfAbsent(name, unused -> new ArrayList<>()).add(given.substring(equals + 1));
    }
    List<Table> all = new ArrayList<>();
    boolean changed = false;
    for (Table table : pipeline.tables()) {
      List<String> own = files.get(table.name());
      if (own == null && table.streamed() && !streaming) {
        throw new IllegalArgumentException(
            "table %s is of topic %s, and a batch run takes its rows from files: give --table %s=FILES"
                .formatted(table.name(), table.topic(), table.name()));
      }
      changed |= own != null;
      all.add(own == null ? table : table.of(own, table.streamed() && streaming));
    }
    return changed ? pipeline.with(all) : pipeline;
  }

  /**
   * @throws IllegalArgumentException when the option was given to a job without features
   */
  void refuse() {
    if (!tables.isEmpty()) {
      throw new IllegalArgumentException(
          "--table "
              + tables.get(0)
              + ": this job computes no features; leave the option out, or give it to the feature"
              + " job");
    }
  }
}
