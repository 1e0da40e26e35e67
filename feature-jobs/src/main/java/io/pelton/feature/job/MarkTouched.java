package io.pelton.feature.job;

import io.pelton.feature.EventIds;
import io.pelton.parity.ParityRow;
import io.pelton.parity.TouchedFeatures;
import io.pelton.pipeline.PipelineDefinition;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.jspecify.annotations.Nullable;

/**
 * Marks the features that a late or overtaken event bears on, in rows that come key by key and by
 * time, as in a batch run.
 */
final class MarkTouched extends AbstractStreamOperator<ParityRow>
    implements OneInputStreamOperator<ParityRow, ParityRow>, BoundedOneInput {
  private static final long serialVersionUID = 1;

  private final PipelineDefinition pipeline;
  private final int entity;
  private final long servedFrom;
  private final ArrayList<ParityRow> sameTime = new ArrayList<>();
  private transient @Nullable TouchedFeatures touched;
  private String key = "";

  MarkTouched(PipelineDefinition pipeline, int entity, long servedFrom) {
    this.pipeline = pipeline;
    this.entity = entity;
    this.servedFrom = servedFrom;
  }

  @Override
  public void open() throws Exception {
    super.open();
    touched = new TouchedFeatures(pipeline, entity, servedFrom);
  }

  @Override
  public void processElement(StreamRecord<ParityRow> element) {
    ParityRow row = element.getValue();
    boolean newKey = !row.keys[entity].equals(key);
    if (newKey || (!sameTime.isEmpty() && sameTime.get(0).time != row.time)) {
      emit();
    }
    if (newKey) {
      key = row.keys[entity];
      touched().clear();
    }
    sameTime.add(row);
  }

  @Override
  public void endInput() {
    emit();
  }

  private void emit() {
    if (sameTime.isEmpty()) {
      return;
    }
    sameTime.sort(Comparator.comparing((ParityRow row) -> row.id, EventIds.ORDER));
    touched().mark(List.copyOf(sameTime));
    for (ParityRow row : sameTime) {
      output.collect(new StreamRecord<>(row, row.time));
    }
    sameTime.clear();
  }

  private TouchedFeatures touched() {
    if (touched == null) {
      throw new IllegalStateException("used before it was opened");
    }
    return touched;
  }
}
