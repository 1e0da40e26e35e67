package io.pelton.aggregate;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * {@code top-k(terminal_id, 3)}: the most frequent texts of a window with how often each is there,
 * the most frequent first, of equally frequent ones the least by text. Counts are exact, so all
 * different texts of the window are held. It is the example of an {@link AggregateExtension}: it
 * uses nothing of Pelton that an aggregate of yours could not.
 */
public final class TopK implements AggregateExtension {
  private static final int MOST = 1_000;

  /** More frequent texts are first. */
  private static final Comparator<Map.Entry<String, Long>> RANK =
      Map.Entry.<String, Long>comparingByValue()
          .reversed()
          .thenComparing(Map.Entry.comparingByKey());

  @Override
  public String name() {
    return "top-k";
  }

  @Override
  public boolean ofTexts() {
    return true;
  }

  @Override
  public boolean givesMap() {
    return true;
  }

  @Override
  public boolean merges() {
    return true;
  }

  @Override
  public Accumulator create(List<String> parameters) {
    if (parameters.size() == 1) {
      try {
        int k = Integer.parseInt(parameters.get(0));
        if (k >= 1 && k <= MOST) {
          return new Counts(k);
        }
      } catch (NumberFormatException e) {
        // Refused below, with other values that are no k.
      }
    }
    throw new IllegalArgumentException(
        "needs how many of the most frequent values to give, from 1 to %d, and no more: top-k(terminal_id, 3)"
            .formatted(MOST));
  }

  private static final class Counts implements Accumulator {
    private final int k;
    private final Map<String, Long> counts = new HashMap<>();

    Counts(int k) {
      this.k = k;
    }

    @Override
    public void add(double number, @Nullable String text, long time) {
      counts.merge(given(text), 1L, Long::sum);
    }

    @Override
    public void remove(double number, @Nullable String text, long time) {
      // Gone at zero, so that a state does not tell what has left it.
      counts.computeIfPresent(given(text), (unused, count) -> count == 1 ? null : count - 1);
    }

    @Override
    public void merge(Accumulator other) {
      ((Counts) other).counts.forEach((text, count) -> counts.merge(text, count, Long::sum));
    }

    private static String given(@Nullable String text) {
      if (text == null) {
        throw new IllegalArgumentException("top-k is of texts, but was given none");
      }
      return text;
    }

    @Override
    public Map<String, Double> map(long now) {
      PriorityQueue<Map.Entry<String, Long>> least = new PriorityQueue<>(RANK.reversed());
      for (Map.Entry<String, Long> entry : counts.entrySet()) {
        least.add(entry);
        if (least.size() > k) {
          least.remove();
        }
      }
      Map<String, Double> top = new LinkedHashMap<>();
      least.stream()
          .sorted(RANK)
          .forEach(entry -> top.put(entry.getKey(), entry.getValue().doubleValue()));
      return top;
    }

    @Override
    public Accumulator copy() {
      Counts copy = new Counts(k);
      copy.counts.putAll(counts);
      return copy;
    }

    @Override
    public void write(DataOutput out) throws IOException {
      out.writeInt(counts.size());
      for (Map.Entry<String, Long> entry : counts.entrySet()) {
        // Not writeUTF: it ends at 65,535 bytes.
        byte[] text = entry.getKey().getBytes(StandardCharsets.UTF_8);
        out.writeInt(text.length);
        out.write(text);
        out.writeLong(entry.getValue());
      }
    }

    @Override
    public void read(DataInput in) throws IOException {
      for (int left = in.readInt(); left > 0; left--) {
        byte[] text = new byte[in.readInt()];
        in.readFully(text);
        counts.put(new String(text, StandardCharsets.UTF_8), in.readLong());
      }
    }
  }
}
