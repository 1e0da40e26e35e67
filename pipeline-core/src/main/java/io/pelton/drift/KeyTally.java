package io.pelton.drift;

import com.dynatrace.hash4j.hashing.Hasher64;
import com.dynatrace.hash4j.hashing.Hashing;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Takes the {@link KeySums} of some features, row by row. */
public final class KeyTally {
  private static final Hasher64 HASH = Hashing.wyhashFinal4();

  private final List<int[]> ranks;
  private final SortedMap<Long, long[]> byHash = new TreeMap<>();

  /** Of the row that is being added; null when its key is not in the sample. */
  private long @Nullable [] row;

  /**
   * @param ranks of each feature's slots, {@link FeatureProfile#ranks}
   */
  public KeyTally(List<int[]> ranks) {
    this.ranks = ranks;
  }

  /**
   * Begins a row.
   *
   * @return whether its key is in the sample, so that its values are to follow
   */
  public boolean begin(String key) {
    long hash = HASH.hashCharsToLong(key);
    if (byHash.size() == KeySums.MOST_KEYS && hash > byHash.lastKey()) {
      row = null;
      return false;
    }
    row = byHash.computeIfAbsent(hash, absent -> new long[1 + 2 * ranks.size()]);
    row[0]++;
    if (byHash.size() > KeySums.MOST_KEYS) {
      byHash.remove(byHash.lastKey());
    }
    return true;
  }

  /**
   * Adds a value of the row.
   *
   * @param feature which of them it is of
   * @param slot where {@link ValueCounts} counted it
   */
  public void add(int feature, int slot) {
    if (row != null) {
      long rank = ranks.get(feature)[slot];
      row[1 + 2 * feature] += rank;
      row[2 + 2 * feature] += rank * rank;
    }
  }

  /** What was counted, feature by feature. */
  public List<KeySums> sums() {
    long[] hashes = byHash.keySet().stream().mapToLong(Long::longValue).toArray();
    long[] rows = byHash.values().stream().mapToLong(counts -> counts[0]).toArray();
    List<KeySums> sums = new ArrayList<>();
    for (int i = 0; i < ranks.size(); i++) {
      int sum = 1 + 2 * i;
      sums.add(
          new KeySums(
              hashes,
              rows,
              byHash.values().stream().mapToLong(counts -> counts[sum]).toArray(),
              byHash.values().stream().mapToLong(counts -> counts[sum + 1]).toArray()));
    }
    return sums;
  }
}
