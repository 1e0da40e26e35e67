package io.pelton.inference.job;

import io.pelton.feature.FeatureRow;
import io.pelton.job.Ledger;
import io.pelton.job.SpecificRecordTypeInfo;
import io.pelton.model.FeatureDigest;
import io.pelton.model.ScoredRow;
import io.pelton.model.ServedVersion;
import io.pelton.schemas.DeadLetter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.apache.flink.api.common.externalresource.ExternalResourceInfo;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.util.OutputTag;

/**
 * Collects rows in one preallocated batch and scores it when it is full, when its first row has
 * waited long enough, before a checkpoint barrier, before a watermark, and at the end of input. So
 * it keeps no rows in state and keeps their order. Rows that the model cannot score become dead
 * letters.
 */
final class BatchingInferenceOperator extends AbstractStreamOperator<ScoredRow>
    implements OneInputStreamOperator<FeatureRow, ScoredRow>, BoundedOneInput, BatchScorer.Results {
  private static final long serialVersionUID = 1L;

  static final OutputTag<DeadLetter> DEAD_LETTERS =
      new OutputTag<>("inference-dead-letters", new SpecificRecordTypeInfo<>(DeadLetter.class));

  // Positions in the ledger.
  private static final int IN = 0;
  private static final int OUT = 1;
  private static final int DEAD = 2;

  private static final String GPU_RESOURCE = "gpu";
  private static final String GPU_INDEX = "index";

  private final List<String> pipelineFeatures;
  private final int maxBatchSize;
  private final long maxBatchDelay;
  private final Models models;

  private transient Models.Loaded loaded;
  private transient ServedVersion served;
  private transient int outputs;
  private transient RowBatch batch;
  private transient BatchScorer scorer;
  private transient Ledger ledger;
  private transient InferenceMetrics measured;
  private transient StreamRecord<ScoredRow> record;
  private transient long firstArrivalNanos;
  private transient long deadline;
  private transient boolean timerPending;

  /**
   * @param pipelineFeatures names of {@link FeatureRow#values} in order
   * @param maxBatchSize rows
   * @param maxBatchDelay milliseconds from the first row's arrival
   */
  @SuppressWarnings("NullAway.Init") // Flink calls open() on the copy that it ships
  BatchingInferenceOperator(
      List<String> pipelineFeatures, int maxBatchSize, long maxBatchDelay, Models models) {
    if (maxBatchSize < 1) {
      throw new IllegalArgumentException("max-size is " + maxBatchSize + "; it must be 1 or more");
    }
    if (maxBatchDelay < 1) {
      throw new IllegalArgumentException(
          "max-delay is " + maxBatchDelay + " ms; it must be 1 ms or more");
    }
    this.pipelineFeatures = List.copyOf(pipelineFeatures);
    this.maxBatchSize = maxBatchSize;
    this.maxBatchDelay = maxBatchDelay;
    this.models = models;
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    ledger = new Ledger(InferenceMetrics.IN, InferenceMetrics.OUT, InferenceMetrics.DEAD);
    ledger.open(context.getOperatorStateStore(), getRuntimeContext());
  }

  @Override
  public void open() throws Exception {
    super.open();
    long start = System.nanoTime();
    String[] temporary =
        getContainingTask().getEnvironment().getTaskManagerInfo().getTmpDirectories();
    loaded = models.load(Path.of(temporary[0]), gpus());
    long loadMillis = (System.nanoTime() - start) / 1_000_000;
    served = loaded.served();
    outputs = loaded.model().outputs();
    batch = new RowBatch(pipelineFeatures, served.features(), maxBatchSize);
    scorer = new BatchScorer(loaded.model(), maxBatchSize, this);
    record = new StreamRecord<>(null);
    measured = new InferenceMetrics(getMetricGroup(), loaded, loadMillis);
  }

  @Override
  public void processElement(StreamRecord<FeatureRow> element) {
    FeatureRow row = element.getValue();
    if (!batch.fits(row)) {
      String detail =
          "row has %d features; the pipeline has %d"
              .formatted(row.values.length, pipelineFeatures.size());
      bury(row, pipelineFeatures, row.values, detail);
      account(0, 1);
      return;
    }
    batch.add(row);
    if (batch.size() == 1) {
      firstArrivalNanos = System.nanoTime();
      if (maxBatchSize > 1) {
        awaitDeadline();
      }
    }
    if (batch.isFull()) {
      flush(FlushReason.SIZE);
    }
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    flush(FlushReason.WATERMARK);
    super.processWatermark(mark);
  }

  @Override
  public void processWatermarkStatus(WatermarkStatus status) throws Exception {
    flush(FlushReason.WATERMARK);
    super.processWatermarkStatus(status);
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
    flush(FlushReason.CHECKPOINT);
    super.prepareSnapshotPreBarrier(checkpointId);
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    ledger.snapshot();
  }

  @Override
  public void endInput() {
    flush(FlushReason.END);
  }

  @Override
  public void close() throws Exception {
    try {
      super.close();
    } finally {
      if (loaded != null) {
        loaded.close();
      }
    }
  }

  @Override
  public void scored(RowBatch scoredBatch, int index, double[] scores, int at) {
    FeatureRow row = scoredBatch.row(index);
    double[] features = scoredBatch.features(index);
    output.collect(
        record.replace(
            new ScoredRow(
                row.id,
                row.time,
                row.keys,
                row.carried,
                served,
                features,
                FeatureDigest.of(features),
                Arrays.copyOfRange(scores, at, at + outputs)),
            row.time));
  }

  @Override
  public void died(RowBatch scoredBatch, int index, String reason) {
    bury(scoredBatch.row(index), served.features(), scoredBatch.features(index), reason);
  }

  @Override
  public void failed() {
    measured.errors.inc();
  }

  /**
   * One timer at a time: a batch that fills before its deadline leaves the timer to the next one,
   * which moves it on when it fires too early.
   */
  private void awaitDeadline() {
    deadline = getProcessingTimeService().getCurrentProcessingTime() + maxBatchDelay;
    if (!timerPending) {
      registerTimer();
    }
  }

  private void registerTimer() {
    timerPending = true;
    getProcessingTimeService().registerTimer(deadline, this::onTimer);
  }

  private void onTimer(long time) {
    timerPending = false;
    if (batch.size() == 0) {
      return;
    }
    if (time >= deadline) {
      flush(FlushReason.DELAY);
    } else {
      registerTimer();
    }
  }

  private void flush(FlushReason reason) {
    int size = batch.size();
    if (size == 0) {
      return;
    }
    long start = System.nanoTime();
    int died = scorer.score(batch);
    long end = System.nanoTime();
    batch.clear();
    account(size - died, died);
    measured.flushed(reason, size, (start - firstArrivalNanos) / 1_000, (end - start) / 1_000);
  }

  private void account(int scored, int died) {
    ledger.add(IN, scored + died);
    ledger.add(OUT, scored);
    ledger.add(DEAD, died);
  }

  private void bury(FeatureRow row, List<String> names, double[] values, String detail) {
    measured.deadLetters.inc();
    DeadLetter letter = InferenceDeadLetter.of(row, served, names, values, detail);
    output.collect(DEAD_LETTERS, new StreamRecord<>(letter, row.time));
  }

  private List<Integer> gpus() {
    return getRuntimeContext().getExternalResourceInfos(GPU_RESOURCE).stream()
        .map((ExternalResourceInfo gpu) -> gpu.getProperty(GPU_INDEX))
        .flatMap(Optional::stream)
        .map(Integer::valueOf)
        .sorted()
        .toList();
  }
}
