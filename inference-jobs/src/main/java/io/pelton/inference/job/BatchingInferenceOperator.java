package io.pelton.inference.job;

import io.pelton.feature.FeatureRow;
import io.pelton.job.SpecificRecordTypeInfo;
import io.pelton.model.FeatureDigest;
import io.pelton.model.ScoredRow;
import io.pelton.model.ScoringException;
import io.pelton.model.ScoringModel;
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
 * it keeps no rows in state and keeps their order. A batch that fails is halved until the bad row
 * is alone; that one becomes a dead letter.
 */
final class BatchingInferenceOperator extends AbstractStreamOperator<ScoredRow>
    implements OneInputStreamOperator<FeatureRow, ScoredRow>, BoundedOneInput {
  private static final long serialVersionUID = 1L;

  static final OutputTag<DeadLetter> DEAD_LETTERS =
      new OutputTag<>("inference-dead-letters", new SpecificRecordTypeInfo<>(DeadLetter.class));

  private static final String GPU_RESOURCE = "gpu";
  private static final String GPU_INDEX = "index";

  private final List<String> pipelineFeatures;
  private final int maxBatchSize;
  private final long maxBatchDelay;
  private final Models models;

  private transient Models.Loaded loaded;
  private transient ServedVersion served;
  private transient ScoringModel model;
  private transient int width;

  /** For each model feature, its place in the pipeline's features. */
  private transient int[] columns;

  private transient boolean sameColumns;
  private transient FeatureRow[] rows;
  private transient double[][] features;
  private transient float[] batch;
  private transient double[] outputs;
  private transient int count;
  private transient long firstArrivalNanos;
  private transient long deadline;
  private transient boolean timerPending;
  private transient StreamRecord<ScoredRow> record;
  private transient Accounting accounting;
  private transient InferenceMetrics inferenceMetrics;

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
    accounting = new Accounting(context);
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
    model = loaded.model();
    width = model.features();
    columns = columns(served.features());
    sameColumns = served.features().equals(pipelineFeatures);
    rows = new FeatureRow[maxBatchSize];
    features = new double[maxBatchSize][];
    batch = new float[maxBatchSize * width];
    outputs = new double[maxBatchSize * model.outputs()];
    record = new StreamRecord<>(null);
    accounting.register(getRuntimeContext());
    inferenceMetrics = new InferenceMetrics(getMetricGroup(), loaded, loadMillis);
  }

  @Override
  public void processElement(StreamRecord<FeatureRow> element) {
    FeatureRow row = element.getValue();
    double[] values = row.values;
    if (values.length < pipelineFeatures.size()) {
      die(
          row,
          pipelineFeatures,
          values,
          "row has %d features; the pipeline has %d"
              .formatted(values.length, pipelineFeatures.size()));
      accounting.add(0, 1);
      return;
    }
    int slot = count;
    int at = slot * width;
    double[] scored;
    if (sameColumns && values.length == width) {
      scored = values;
      for (int i = 0; i < width; i++) {
        batch[at + i] = (float) values[i];
      }
    } else {
      scored = new double[width];
      for (int i = 0; i < width; i++) {
        double value = values[columns[i]];
        scored[i] = value;
        batch[at + i] = (float) value;
      }
    }
    rows[slot] = row;
    features[slot] = scored;
    count = slot + 1;
    if (slot == 0) {
      firstArrivalNanos = System.nanoTime();
      if (maxBatchSize > 1) {
        awaitDeadline();
      }
    }
    if (count == maxBatchSize) {
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
    accounting.snapshot();
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

  /**
   * One timer at a time: a batch that fills before its deadline leaves the timer to the next one,
   * which moves it on when it fires too early.
   */
  private void awaitDeadline() {
    long now = getProcessingTimeService().getCurrentProcessingTime();
    deadline = now + maxBatchDelay;
    if (!timerPending) {
      timerPending = true;
      getProcessingTimeService().registerTimer(deadline, this::onTimer);
    }
  }

  private void onTimer(long time) {
    timerPending = false;
    if (count == 0) {
      return;
    }
    if (time >= deadline) {
      flush(FlushReason.DELAY);
    } else {
      timerPending = true;
      getProcessingTimeService().registerTimer(deadline, this::onTimer);
    }
  }

  private void flush(FlushReason reason) {
    int size = count;
    if (size == 0) {
      return;
    }
    count = 0;
    long start = System.nanoTime();
    int died = scoreAndEmit(size);
    long end = System.nanoTime();
    Arrays.fill(rows, 0, size, null);
    Arrays.fill(features, 0, size, null);
    accounting.add(size - died, died);
    inferenceMetrics.flushed(
        reason, size, (start - firstArrivalNanos) / 1_000, (end - start) / 1_000);
  }

  /** Returns how many rows died. */
  private int scoreAndEmit(int size) {
    try {
      model.score(batch, size, outputs);
    } catch (ScoringException e) {
      inferenceMetrics.errors.inc();
      return bisect(0, size, e);
    }
    emit(0, size, outputs);
    return 0;
  }

  /** Rows from {@code from} until {@code to} failed together; scores their halves, in order. */
  private int bisect(int from, int to, ScoringException failure) {
    if (to - from == 1) {
      die(rows[from], served.features(), features[from], String.valueOf(failure.getMessage()));
      return 1;
    }
    int middle = (from + to) >>> 1;
    return scorePart(from, middle) + scorePart(middle, to);
  }

  private int scorePart(int from, int to) {
    double[] scores = new double[(to - from) * model.outputs()];
    try {
      model.score(Arrays.copyOfRange(batch, from * width, to * width), to - from, scores);
    } catch (ScoringException e) {
      inferenceMetrics.errors.inc();
      return bisect(from, to, e);
    }
    emit(from, to, scores);
    return 0;
  }

  private void emit(int from, int to, double[] scores) {
    int k = model.outputs();
    for (int i = from; i < to; i++) {
      FeatureRow row = rows[i];
      double[] scored = features[i];
      double[] rowScores = Arrays.copyOfRange(scores, (i - from) * k, (i - from + 1) * k);
      output.collect(
          record.replace(
              new ScoredRow(
                  row.id,
                  row.time,
                  row.keys,
                  row.carried,
                  served,
                  scored,
                  FeatureDigest.of(scored),
                  rowScores),
              row.time));
    }
  }

  private void die(FeatureRow row, List<String> names, double[] values, String detail) {
    inferenceMetrics.deadLetters.inc();
    DeadLetter letter = InferenceDeadLetter.of(row, served, names, values, detail);
    output.collect(DEAD_LETTERS, new StreamRecord<>(letter, row.time));
  }

  private int[] columns(List<String> modelFeatures) {
    int[] places = new int[modelFeatures.size()];
    for (int i = 0; i < places.length; i++) {
      places[i] = pipelineFeatures.indexOf(modelFeatures.get(i));
      if (places[i] < 0) {
        throw new IllegalStateException(
            "model %s@%d takes feature \"%s\", which the pipeline does not have"
                .formatted(served.model(), served.version(), modelFeatures.get(i)));
      }
    }
    return places;
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
