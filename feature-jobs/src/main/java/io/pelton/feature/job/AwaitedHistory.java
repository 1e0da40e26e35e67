package io.pelton.feature.job;

import java.util.List;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.OperatorStateStore;
import org.apache.flink.api.common.typeinfo.Types;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether rows that are taken on arrival still have to wait for the rows of history: until the
 * first watermark, for history gives none. Once read it stays so across restores.
 */
final class AwaitedHistory {
  private static final Logger LOG = LoggerFactory.getLogger(AwaitedHistory.class);
  private static final ListStateDescriptor<Boolean> READ =
      new ListStateDescriptor<>("history-read", Types.BOOLEAN);

  private final String operator;
  private final ListState<Boolean> state;
  private boolean awaited;

  /**
   * @param operator that rows wait in, for the log
   * @param declared whether this job reads history
   */
  AwaitedHistory(String operator, boolean declared, OperatorStateStore store) throws Exception {
    this.operator = operator;
    // After a change of parallelism any subtask may go on where any other was.
    state = store.getUnionListState(READ);
    awaited = declared && !readByAll();
    if (awaited) {
      LOG.info("{}: events wait until all history is read", operator);
    }
  }

  private boolean readByAll() throws Exception {
    boolean any = false;
    for (boolean read : state.get()) {
      if (!read) {
        return false;
      }
      any = true;
    }
    return any;
  }

  boolean awaited() {
    return awaited;
  }

  /**
   * All history is in.
   *
   * @param waiting how many rows waited for it
   */
  void read(int waiting) {
    if (awaited) {
      awaited = false;
      LOG.info("{}: all history is read; {} events that waited are taken", operator, waiting);
    }
  }

  void snapshot() throws Exception {
    state.update(List.of(!awaited));
  }
}
