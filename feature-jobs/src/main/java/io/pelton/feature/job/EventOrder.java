package io.pelton.feature.job;

import io.pelton.feature.FeatureRow;
import io.pelton.job.Incoming;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;

/**
 * Order of events by time, then id, then what they hold, so that it does not depend on how they
 * came; where they came from decides between equal ones. Of one id, one in time precedes a late
 * one.
 */
final class EventOrder implements Comparator<Incoming> {
  static final EventOrder INSTANCE = new EventOrder();

  private EventOrder() {}

  @Override
  public int compare(Incoming a, Incoming b) {
    FeatureRow row = DeduplicateEvents.row(a);
    FeatureRow other = DeduplicateEvents.row(b);
    int order = Long.compare(row.time, other.time);
    if (order == 0 && row.late != other.late && row.id.equals(other.id)) {
      order = row.late ? 1 : -1;
    }
    if (order == 0) {
      order = FeatureRow.compareAtOneTime(row, other);
    }
    for (int i = 0; order == 0 && i < row.carried.length; i++) {
      order = text(row.carried[i]).compareTo(text(other.carried[i]));
    }
    if (order == 0) {
      order = a.source.compareTo(b.source);
    }
    if (order == 0) {
      order = Integer.compare(a.partition, b.partition);
    }
    return order != 0 ? order : Long.compare(a.offset, b.offset);
  }

  private static String text(@Nullable Object value) {
    return String.valueOf(value);
  }
}
