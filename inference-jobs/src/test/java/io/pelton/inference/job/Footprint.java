package io.pelton.inference.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryUsage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * What this process holds. Native memory and files are told by Linux only, elsewhere they are 0.
 *
 * @param heap bytes in use after a full collection
 * @param committed bytes of the heap
 * @param resident bytes of memory, the heap's too
 * @param files open, sockets included
 * @param threads that live
 */
record Footprint(long heap, long committed, long resident, long files, int threads) {
  private static final long MEGABYTE = 1 << 20;
  private static final long PAGE = 4_096;

  /** What a test writes down of a soak is 4 MB. */
  private static final long MOST_HEAP = 8 * MEGABYTE;

  /** The compiler and the allocator take some; a model that is never closed takes more. */
  private static final long MOST_RESIDENT = 48 * MEGABYTE;

  private static final long MOST_FILES = 16;
  private static final int MOST_THREADS = 8;

  static Footprint now() throws IOException {
    System.gc();
    MemoryUsage heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage();
    Path statm = Path.of("/proc/self/statm");
    long resident = 0;
    long files = 0;
    if (Files.exists(statm)) {
      long pages = Long.parseLong(Files.readString(statm).split(" ", -1)[1]);
      resident = pages * PAGE;
      try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
        files = open.count();
      }
    }
    return new Footprint(
        heap.getUsed(),
        heap.getCommitted(),
        resident,
        files,
        ManagementFactory.getThreadMXBean().getThreadCount());
  }

  /**
   * @throws AssertionError when this holds more than an earlier one, by more than may be
   */
  void assertFlatSince(Footprint earlier) {
    String both = "from %s to %s".formatted(earlier, this);
    assertThat(heap - earlier.heap).as("growth of the heap, %s", both).isLessThan(MOST_HEAP);
    // A heap that shrinks gives its memory back some time later.
    long beside = resident - Math.max(committed, earlier.committed);
    assertThat(beside - (earlier.resident - earlier.committed))
        .as("growth of native memory, %s", both)
        .isLessThan(MOST_RESIDENT);
    assertThat(files - earlier.files).as("more open files, %s", both).isLessThan(MOST_FILES);
    assertThat(threads - earlier.threads).as("more threads, %s", both).isLessThan(MOST_THREADS);
  }
}
