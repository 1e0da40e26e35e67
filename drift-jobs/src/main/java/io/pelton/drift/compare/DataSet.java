package io.pelton.drift.compare;

import io.pelton.drift.Sample;
import io.pelton.drift.SampleSorter;
import io.pelton.drift.ValueGroups;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import org.apache.flink.core.fs.Path;
import org.jspecify.annotations.Nullable;

/** The files of one side. */
final class DataSet {
  private final List<FileTally> files = new ArrayList<>();

  /**
   * @param columns that are wanted
   * @param categorical those whose numbers are categories
   * @param chunk numbers of a column that are sorted at once
   */
  DataSet(
      List<Path> paths,
      List<String> columns,
      Set<String> categorical,
      SampleSorter sorter,
      int chunk) {
    for (Path path : paths) {
      files.add(new FileTally(path, columns, categorical, sorter, chunk));
    }
  }

  /** Names of all columns, in the order in which files have them. */
  static List<String> columns(List<Path> paths) throws IOException {
    Set<String> columns = new LinkedHashSet<>();
    for (Path path : paths) {
      try (DataFile file = DataFile.open(path)) {
        columns.addAll(file.columns());
      }
    }
    return List.copyOf(columns);
  }

  /** What a file holds of the columns. */
  private static final class FileTally {
    final Path path;
    final List<String> columns;
    final ColumnTally[] tallies;
    final SampleSorter sorter;
    long rows;

    FileTally(
        Path path, List<String> columns, Set<String> categorical, SampleSorter sorter, int chunk) {
      this.path = path;
      this.columns = columns;
      this.sorter = sorter;
      tallies = new ColumnTally[columns.size()];
      for (int i = 0; i < tallies.length; i++) {
        tallies[i] = new ColumnTally(sorter, chunk, categorical.contains(columns.get(i)));
      }
    }

    Void read() throws IOException {
      List<Integer> all = new ArrayList<>();
      for (int i = 0; i < tallies.length; i++) {
        all.add(i);
      }
      rows = read(all);
      return null;
    }

    private long read(Collection<Integer> wanted) throws IOException {
      DataFile file = DataFile.open(path);
      try (file) {
        List<String> names = file.columns();
        int[] at = wanted.stream().mapToInt(i -> names.indexOf(columns.get(i))).toArray();
        ColumnTally[] taking = wanted.stream().map(i -> tallies[i]).toArray(ColumnTally[]::new);
        long read = 0;
        while (file.next()) {
          read++;
          for (int i = 0; i < at.length; i++) {
            if (at[i] >= 0) {
              file.cell(at[i], taking[i]);
            }
          }
        }
        for (int i = 0; i < at.length; i++) {
          if (at[i] < 0) {
            taking[i].lacks(read);
          }
          taking[i].finish();
        }
        return read;
      } catch (IOException | RuntimeException e) {
        throw new IOException(path + " cannot be read to its end: " + e.getMessage(), e);
      }
    }

    /** Those of some columns whose texts are not counted yet, or null. */
    @Nullable Callable<Void> again(Set<Integer> texts) {
      List<Integer> wanted = texts.stream().filter(i -> tallies[i].hasNumbers()).toList();
      if (wanted.isEmpty()) {
        return null;
      }
      return () -> {
        for (int column : wanted) {
          sorter.forget(tallies[column].runs());
          tallies[column] = new ColumnTally(sorter, 0, true);
        }
        read(wanted);
        return null;
      };
    }
  }

  List<Callable<Void>> readings() {
    return files.stream().<Callable<Void>>map(file -> file::read).toList();
  }

  /** Columns that do not hold numbers alone. */
  Set<Integer> texts() {
    Set<Integer> texts = new TreeSet<>();
    for (FileTally file : files) {
      for (int i = 0; i < file.tallies.length; i++) {
        if (file.tallies[i].hasTexts()) {
          texts.add(i);
        }
      }
    }
    return texts;
  }

  /** Of files that took numbers of these columns for numbers. */
  List<Callable<Void>> readingsAgain(Set<Integer> texts) {
    List<Callable<Void>> again = new ArrayList<>();
    for (FileTally file : files) {
      Callable<Void> reading = file.again(texts);
      if (reading != null) {
        again.add(reading);
      }
    }
    return again;
  }

  long rows() {
    return files.stream().mapToLong(file -> file.rows).sum();
  }

  Sample numbers(int column) {
    List<SampleSorter.Run> runs = new ArrayList<>();
    long missing = 0;
    for (FileTally file : files) {
      runs.addAll(file.tallies[column].runs());
      missing += file.tallies[column].missingNumbers();
    }
    return SampleSorter.sample(runs, missing);
  }

  long missing(int column) {
    return files.stream().mapToLong(file -> file.tallies[column].missing()).sum();
  }

  /** Null when there are too many. */
  @Nullable Map<String, Long> categories(int column) {
    Map<String, Long> categories = new TreeMap<>();
    for (FileTally file : files) {
      if (file.tallies[column].hasTooMany()) {
        return null;
      }
      file.tallies[column]
          .categories()
          .forEach((value, count) -> categories.merge(value, count[0], Long::sum));
    }
    return categories.size() > ColumnTally.MOST_CATEGORIES ? null : categories;
  }

  /** Of a column's texts. */
  Sample lengths(int column) {
    int most = 0;
    for (FileTally file : files) {
      most = Math.max(most, file.tallies[column].lengths().length);
    }
    long[] lengths = new long[most];
    long all = 0;
    for (FileTally file : files) {
      long[] some = file.tallies[column].lengths();
      for (int i = 0; i < some.length; i++) {
        lengths[i] += some[i];
        all += some[i];
      }
    }
    return new Lengths(lengths, all, missing(column));
  }

  /** Of each length, how many texts have it. */
  private record Lengths(long[] lengths, long count, long missing) implements Sample {
    @Override
    public ValueGroups groups() {
      return new ValueGroups() {
        private int at = -1;

        @Override
        public boolean next() {
          do {
            at++;
          } while (at < lengths.length && lengths[at] == 0);
          return at < lengths.length;
        }

        @Override
        public double value() {
          return at;
        }

        @Override
        public long count() {
          return lengths[at];
        }
      };
    }
  }
}
