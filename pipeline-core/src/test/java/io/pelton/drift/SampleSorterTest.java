package io.pelton.drift;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class SampleSorterTest {
  @TempDir Path directory;
  private FileChannel file;

  @BeforeEach
  void open() throws IOException {
    file =
        FileChannel.open(
            directory.resolve("overflow"),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
  }

  @AfterEach
  void close() throws IOException {
    file.close();
  }

  private static TreeMap<Double, Long> read(Sample sample) throws IOException {
    TreeMap<Double, Long> read = new TreeMap<>();
    ValueGroups groups = sample.groups();
    double last = Double.NaN;
    while (groups.next()) {
      assertThat(groups.value() <= last).as("%s after %s", groups.value(), last).isFalse();
      last = groups.value();
      read.put(last, groups.count());
    }
    return read;
  }

  private static double[] values(Random random, int size) {
    return Arrays.stream(Samples.messy(random, size, 0))
        .filter(value -> !Double.isNaN(value))
        .toArray();
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 100_000, Long.MAX_VALUE})
  void mergesRunsInMemoryAndInTheFile(long room) throws IOException {
    Random random = new Random(7);
    SampleSorter sorter = new SampleSorter(file, room);
    List<SampleSorter.Run> runs = new ArrayList<>();
    TreeMap<Double, Long> expected = new TreeMap<>();
    for (int size : new int[] {1, 20_000, 9_000, 17, 30_000}) {
      double[] values = values(random, size);
      for (double value : values) {
        expected.merge(value + 0.0, 1L, Long::sum);
      }
      runs.add(sorter.run(values, values.length));
    }

    Sample sample = SampleSorter.sample(runs, 3);

    assertThat(read(sample)).isEqualTo(expected);
    assertThat(read(sample)).as("read again").isEqualTo(expected);
    assertThat(sample.count())
        .isEqualTo(expected.values().stream().mapToLong(Long::longValue).sum());
    assertThat(sample.missing()).isEqualTo(3);
    assertThat(file.size() > 0).isEqualTo(room < Long.MAX_VALUE);
  }

  @Test
  void hasNoNegativeZeroAndTakesNoMoreThanTheSize() throws IOException {
    SampleSorter sorter = new SampleSorter(file, 1_000);
    Sample sample = SampleSorter.sample(List.of(sorter.run(new double[] {0.0, -0.0, -1, 9}, 3)), 0);
    ValueGroups groups = sample.groups();
    assertThat(groups.next()).isTrue();
    assertThat(groups.value()).isEqualTo(-1);
    assertThat(groups.next()).isTrue();
    assertThat(Double.doubleToLongBits(groups.value())).isZero();
    assertThat(groups.count()).isEqualTo(2);
    assertThat(groups.next()).isFalse();
  }

  @Test
  void anEmptySampleHasNoValues() throws IOException {
    assertThat(SampleSorter.sample(List.of(), 5).groups().next()).isFalse();
  }

  @Test
  void whatIsForgottenLeavesItsRoomToOthers() throws IOException {
    SampleSorter sorter = new SampleSorter(file, 80);
    SampleSorter.Run first = sorter.run(new double[10], 10);
    sorter.run(new double[10], 10);
    assertThat(file.size()).as("the second did not fit").isEqualTo(80);
    sorter.forget(List.of(first));
    sorter.run(new double[10], 10);
    assertThat(file.size()).isEqualTo(80);
  }
}
