package io.pelton.feature;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What a history keeps: of each event numbers, truths (a {@code where} clause) and texts, each
 * named by the expression that gives it; of each tile totals of them. Histories say with which
 * layout they were written, so one that was written for other features can be read for these.
 *
 * @param totals one long each, of tiles alone
 * @param bags accumulators of a tile's values
 */
public record Layout(
    List<String> numbers,
    List<String> truths,
    List<String> texts,
    List<String> totals,
    List<String> bags)
    implements Serializable {
  public Layout {
    numbers = List.copyOf(numbers);
    truths = List.copyOf(truths);
    texts = List.copyOf(texts);
    totals = List.copyOf(totals);
    bags = List.copyOf(bags);
  }

  /** All that is kept, by name. */
  public List<String> all() {
    return Stream.of(numbers, truths, texts, totals, bags).flatMap(List::stream).toList();
  }

  public void write(DataOutput out) throws IOException {
    for (List<String> names : List.of(numbers, truths, texts, totals, bags)) {
      Varint.write(out, names.size());
      for (String name : names) {
        out.writeUTF(name);
      }
    }
  }

  public static Layout read(DataInput in) throws IOException {
    return new Layout(names(in), names(in), names(in), names(in), names(in));
  }

  private static List<String> names(DataInput in) throws IOException {
    List<String> names = new ArrayList<>();
    for (long left = Varint.read(in); left > 0; left--) {
      names.add(in.readUTF());
    }
    return names;
  }
}
