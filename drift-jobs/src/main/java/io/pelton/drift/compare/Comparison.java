package io.pelton.drift.compare;

import io.pelton.drift.CategoryMeasures;
import io.pelton.drift.ColumnMeasures;
import io.pelton.drift.FalseDiscovery;
import io.pelton.drift.FeatureProfile;
import io.pelton.drift.Measures;
import io.pelton.drift.Sample;
import io.pelton.drift.SampleSorter;
import io.pelton.drift.Thresholds;
import io.pelton.drift.ValueCounts;
import io.pelton.registry.NearestName;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.flink.core.fs.Path;

/**
 * Two data sets, column by column. Files are read in parallel, each once, and a second time where a
 * column turned out to be no number late; what does not fit into memory goes to a temporary file.
 *
 * @param columns in the baseline's order
 * @param onlyBaseline columns that the current side lacks; they are not compared
 * @param onlyCurrent columns that the baseline lacks
 */
public record Comparison(
    long baselineRows,
    long currentRows,
    List<ColumnComparison> columns,
    List<String> onlyBaseline,
    List<String> onlyCurrent) {
  private static final int LEAST_CHUNK = 1 << 12;
  private static final int MOST_CHUNK = 1 << 20;

  /** Parts of the heap: what is being gathered, and what is sorted, take one each. */
  private static final int HEAP_PARTS = 4;

  /**
   * What is compared.
   *
   * @param columns none for all that both sides have
   * @param categorical columns whose numbers are categories
   * @param edges of the profiles that numbers are measured against, as a stream has them; 0: all
   *     values are compared
   */
  public record Request(
      List<Path> baseline,
      List<Path> current,
      List<String> columns,
      Set<String> categorical,
      int edges,
      Thresholds thresholds) {}

  /** Whether any column drifted. */
  public boolean drifted() {
    return columns.stream().anyMatch(ColumnComparison::drifted);
  }

  /**
   * Reads and compares.
   *
   * @throws IOException when a file cannot be read; it names the file
   * @throws IllegalArgumentException when a side has no rows, or not a column that is asked for
   */
  public static Comparison of(Request request) throws IOException {
    java.nio.file.Path overflow = Files.createTempFile("pelton-compare", ".values");
    ExecutorService threads =
        Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors());
    try (FileChannel channel =
        FileChannel.open(
            overflow,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE,
            StandardOpenOption.DELETE_ON_CLOSE)) {
      SampleSorter sorter =
          new SampleSorter(channel, Runtime.getRuntime().maxMemory() / HEAP_PARTS);
      return new Run(request, sorter, threads).compare();
    } finally {
      threads.shutdownNow();
      Files.deleteIfExists(overflow);
    }
  }

  /** One comparison while it is made. */
  private static final class Run {
    private final Request request;
    private final SampleSorter sorter;
    private final ExecutorService threads;

    Run(Request request, SampleSorter sorter, ExecutorService threads) {
      this.request = request;
      this.sorter = sorter;
      this.threads = threads;
    }

    Comparison compare() throws IOException {
      List<String> baselineColumns = DataSet.columns(request.baseline);
      List<String> currentColumns = DataSet.columns(request.current);
      List<String> columns = chosen(baselineColumns, currentColumns);
      long budget = Runtime.getRuntime().maxMemory() / HEAP_PARTS / Double.BYTES;
      int atOnce = Math.min(processors(), request.baseline.size() + request.current.size());
      int chunk =
          (int)
              Math.max(
                  LEAST_CHUNK, Math.min(MOST_CHUNK, budget / atOnce / Math.max(1, columns.size())));
      DataSet baseline = new DataSet(request.baseline, columns, request.categorical, sorter, chunk);
      DataSet current = new DataSet(request.current, columns, request.categorical, sorter, chunk);
      List<Callable<Void>> readings = new ArrayList<>(baseline.readings());
      readings.addAll(current.readings());
      inParallel(readings);
      requireRows("baseline", baseline, request.baseline);
      requireRows("current", current, request.current);

      Set<Integer> texts = new TreeSet<>(baseline.texts());
      texts.addAll(current.texts());
      List<Callable<Void>> again = new ArrayList<>(baseline.readingsAgain(texts));
      again.addAll(current.readingsAgain(texts));
      inParallel(again);

      List<Callable<ColumnComparison>> comparisons = new ArrayList<>();
      for (int i = 0; i < columns.size(); i++) {
        int column = i;
        comparisons.add(
            () -> measured(columns.get(column), column, texts.contains(column), baseline, current));
      }
      List<ColumnComparison> undecided = inParallel(comparisons);
      double[] adjusted =
          FalseDiscovery.adjust(
              undecided.stream().mapToDouble(column -> column.measures().pValue()).toArray());
      List<ColumnComparison> decided = new ArrayList<>();
      for (int i = 0; i < adjusted.length; i++) {
        decided.add(undecided.get(i).decided(adjusted[i], request.thresholds));
      }
      return new Comparison(
          baseline.rows(),
          current.rows(),
          List.copyOf(decided),
          without(baselineColumns, currentColumns),
          without(currentColumns, baselineColumns));
    }

    private ColumnComparison measured(
        String name, int column, boolean isText, DataSet baseline, DataSet current)
        throws IOException {
      if (!isText) {
        return undecided(
            name,
            ColumnComparison.Type.NUMERIC,
            measured(name, baseline.numbers(column), current.numbers(column)));
      }
      Map<String, Long> before = baseline.categories(column);
      Map<String, Long> now = current.categories(column);
      if (before == null || now == null) {
        return undecided(
            name,
            ColumnComparison.Type.TEXT,
            measured(name, baseline.lengths(column), current.lengths(column)));
      }
      return undecided(
          name,
          ColumnComparison.Type.CATEGORICAL,
          CategoryMeasures.of(before, baseline.missing(column), now, current.missing(column)));
    }

    private Measures measured(String name, Sample baseline, Sample current) throws IOException {
      if (request.edges == 0) {
        return Measures.of(baseline, current);
      }
      FeatureProfile profile = FeatureProfile.of(name, baseline, request.edges);
      ValueCounts counts = new ValueCounts(profile);
      counts.add(current);
      return Measures.of(profile, counts);
    }

    private static ColumnComparison undecided(
        String name, ColumnComparison.Type type, ColumnMeasures measures) {
      return new ColumnComparison(name, type, measures, Double.NaN, false);
    }

    private List<String> chosen(List<String> baseline, List<String> current) {
      for (String column : request.columns.isEmpty() ? request.categorical : request.columns) {
        requireColumn(column, "baseline", baseline);
        requireColumn(column, "current", current);
      }
      requireColumns("baseline", baseline, request.baseline);
      requireColumns("current", current, request.current);
      List<String> chosen = new ArrayList<>(baseline);
      chosen.retainAll(request.columns.isEmpty() ? current : request.columns);
      if (chosen.isEmpty()) {
        throw new IllegalArgumentException(
            "baseline and current have no column in common: %s and %s"
                .formatted(baseline, current));
      }
      return chosen;
    }

    private static void requireColumn(String column, String side, List<String> columns) {
      if (!columns.contains(column)) {
        throw new IllegalArgumentException(
            "the %s side has no column \"%s\"%s"
                .formatted(side, column, NearestName.hint(column, columns)));
      }
    }

    private static List<String> without(List<String> columns, List<String> others) {
      return columns.stream().filter(column -> !others.contains(column)).toList();
    }

    private static void requireColumns(String side, List<String> columns, List<Path> files) {
      if (columns.isEmpty()) {
        throw new IllegalArgumentException(
            "the %s side has no columns in %s; a CSV file must begin with their names"
                .formatted(side, files));
      }
    }

    private static void requireRows(String side, DataSet data, List<Path> files) {
      if (data.rows() == 0) {
        throw new IllegalArgumentException(
            "the %s side has no rows in %s; nothing can be compared".formatted(side, files));
      }
    }

    private static int processors() {
      return Runtime.getRuntime().availableProcessors();
    }

    private <T> List<T> inParallel(List<Callable<T>> tasks) throws IOException {
      try {
        List<T> results = new ArrayList<>();
        for (Future<T> result : threads.invokeAll(tasks)) {
          results.add(result.get());
        }
        return results;
      } catch (ExecutionException e) {
        if (e.getCause() instanceof IOException failure) {
          throw failure;
        }
        throw new IOException(e.getCause());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted", e);
      }
    }
  }
}
