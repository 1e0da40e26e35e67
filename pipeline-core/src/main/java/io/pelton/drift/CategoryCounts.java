package io.pelton.drift;

import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * How many rows of a window have which category of a {@link CategoryProfile}. Integers, so counts
 * merge by addition, in any order.
 */
public final class CategoryCounts implements Profile.SlotCounts {
  private final CategoryProfile profile;
  private final Map<String, Integer> slots = new HashMap<>();
  private final long[] counts;

  /** By hash, those of the smallest ones. */
  private final SortedMap<Long, Unseen> unseen = new TreeMap<>();

  private static final class Unseen {
    private final String value;
    private long rows;

    private Unseen(String value) {
      this.value = value;
    }
  }

  public CategoryCounts(CategoryProfile profile) {
    this.profile = profile;
    counts = new long[profile.counts().length];
    for (int slot = 0; slot < profile.values().size(); slot++) {
      slots.put(profile.values().get(slot), slot);
    }
  }

  @Override
  public int add(@Nullable Object value) {
    int slot = value == null ? profile.missingSlot() : slot(CategoryProfile.text(value));
    counts[slot]++;
    return slot;
  }

  private int slot(String value) {
    Integer known = slots.get(value);
    if (known != null) {
      return known;
    }
    long hash = CategoryProfile.hash(value);
    if (profile.hasOther(hash)) {
      return profile.otherSlot();
    }
    if (unseen.size() < NewValues.MOST || hash <= unseen.lastKey()) {
      unseen.computeIfAbsent(hash, absent -> new Unseen(value)).rows++;
      if (unseen.size() > NewValues.MOST) {
        unseen.remove(unseen.lastKey());
      }
    }
    return profile.unseenSlot();
  }

  @Override
  public SparseCounts toSparse() {
    return SparseCounts.of(counts);
  }

  @Override
  public NewValues newValues() {
    Map<String, Long> rows = new LinkedHashMap<>();
    unseen.values().forEach(one -> rows.put(one.value, one.rows));
    return new NewValues(rows);
  }

  @Override
  public String toString() {
    return "counts of %d rows in %d slots".formatted(Arrays.stream(counts).sum(), counts.length);
  }
}
