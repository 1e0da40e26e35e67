package io.pelton.drift.compare;

import io.pelton.drift.FeatureProfile;
import io.pelton.drift.Sample;
import io.pelton.drift.SampleSorter;
import io.pelton.drift.plan.Column;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.apache.flink.core.fs.Path;

/** The columns of files as windows are measured against them. */
public final class ReferenceFiles {
  private static final int CHUNK = 1 << 16;
  private static final int HEAP_PARTS = 4;

  private ReferenceFiles() {}

  /** Names of all columns, in the order in which files have them. */
  public static List<String> names(List<Path> files) throws IOException {
    return DataSet.columns(files);
  }

  /**
   * Reads columns.
   *
   * @param categorical those whose numbers are categories
   * @param edges that a profile of numbers keeps
   * @throws IOException when a file cannot be read; it names the file
   * @throws IllegalArgumentException when there are no rows
   */
  public static List<Column> read(
      List<Path> files, List<String> names, Set<String> categorical, int edges) throws IOException {
    java.nio.file.Path overflow = Files.createTempFile("pelton-plan", ".values");
    try (FileChannel channel =
        FileChannel.open(
            overflow,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE,
            StandardOpenOption.DELETE_ON_CLOSE)) {
      SampleSorter sorter =
          new SampleSorter(channel, Runtime.getRuntime().maxMemory() / HEAP_PARTS);
      DataSet data = new DataSet(files, names, categorical, sorter, CHUNK);
      read(data.readings());
      if (data.rows() == 0) {
        throw new IllegalArgumentException(
            "the baseline has no rows in %s; nothing can be planned".formatted(files));
      }
      Set<Integer> texts = data.texts();
      read(data.readingsAgain(texts));
      List<Column> columns = new ArrayList<>();
      for (int i = 0; i < names.size(); i++) {
        columns.add(column(names.get(i), i, texts.contains(i), data, edges));
      }
      return columns;
    } finally {
      Files.deleteIfExists(overflow);
    }
  }

  private static Column column(String name, int column, boolean text, DataSet data, int edges)
      throws IOException {
    Map<String, Long> categories = text ? data.categories(column) : null;
    if (categories != null) {
      return new Column.Categories(name, categories, data.missing(column));
    }
    Sample sample = text ? data.lengths(column) : data.numbers(column);
    return new Column.Numbers(FeatureProfile.of(name, sample, edges));
  }

  private static void read(List<Callable<Void>> readings) throws IOException {
    for (Callable<Void> reading : readings) {
      try {
        reading.call();
      } catch (IOException | RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IOException(e);
      }
    }
  }
}
