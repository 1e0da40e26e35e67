package io.pelton.feature.job;

import io.pelton.feature.EntityPlan;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.OperatorStateStore;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;

/**
 * Since when the histories of an entity keep what its features look at. All of it when a job starts
 * anew; when it goes on with a pipeline file that has new features or wider windows, these are
 * complete only once their window holds nothing older than what was kept.
 */
final class Coverage {
  private static final ListStateDescriptor<Tuple2<String, Long>> STATE =
      new ListStateDescriptor<>("history-coverage", Types.TUPLE(Types.STRING, Types.LONG));
  private static final String NEWEST = "newest";
  private static final String REACH = "reach";
  private static final String EVENTS = "events";
  private static final String KEPT = "kept ";
  private static final long ALWAYS = Long.MIN_VALUE;

  private final EntityPlan plan;
  private final ListState<Tuple2<String, Long>> state;
  private final Map<String, Long> since = new HashMap<>();

  /** Time of the newest row that this subtask has seen. */
  private long newest = ALWAYS;

  Coverage(EntityPlan plan, OperatorStateStore store) throws Exception {
    this.plan = plan;
    state = store.getUnionListState(STATE);
    Map<String, Long> restored = new HashMap<>();
    for (Tuple2<String, Long> entry : state.get()) {
      restored.merge(entry.f0, entry.f1, Math::max);
    }
    long before = restored.getOrDefault(NEWEST, ALWAYS);
    newest = before;
    long events = restored.getOrDefault(EVENTS, ALWAYS);
    if (before != ALWAYS && restored.getOrDefault(REACH, 0L) < plan.reach()) {
      events = Math.max(events, before - restored.getOrDefault(REACH, 0L));
    }
    since.put(EVENTS, events);
    for (String name : plan.layout().all()) {
      since.put(KEPT + name, restored.getOrDefault(KEPT + name, before));
    }
  }

  void see(long time) {
    if (time > newest) {
      newest = time;
    }
  }

  void snapshot() throws Exception {
    List<Tuple2<String, Long>> entries = new ArrayList<>();
    entries.add(Tuple2.of(NEWEST, newest));
    entries.add(Tuple2.of(REACH, plan.reach()));
    since.forEach((name, time) -> entries.add(Tuple2.of(name, time)));
    state.update(entries);
  }

  /**
   * Columns that are not complete from the start, with the event time from which they are: the
   * entity's own, and expressions as far as they read these.
   */
  Map<String, Long> completeFrom() {
    Map<String, Long> times = new LinkedHashMap<>();
    for (EntityPlan.Need need : plan.needs()) {
      long from = since.getOrDefault(EVENTS, ALWAYS);
      for (String name : need.kept()) {
        from = Math.max(from, since.getOrDefault(KEPT + name, ALWAYS));
      }
      // What began so long ago that the window has passed it is complete.
      if (from != ALWAYS && from + need.back() > newest) {
        long complete = from + need.back();
        times.put(need.column(), complete);
        need.readers().forEach(reader -> times.merge(reader, complete, Math::max));
      }
    }
    return times;
  }
}
