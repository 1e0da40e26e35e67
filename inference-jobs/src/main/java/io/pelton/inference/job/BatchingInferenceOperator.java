package io.pelton.inference.job;

import io.pelton.feature.FeatureRow;
import io.pelton.job.FlinkMeters;
import io.pelton.job.JobMetric;
import io.pelton.job.Ledger;
import io.pelton.job.ScoredRowTypeInfo;
import io.pelton.job.SpecificRecordTypeInfo;
import io.pelton.model.FallbackReason;
import io.pelton.model.ScoredRow;
import io.pelton.model.ServedVersion;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.RolloutRecord;
import io.pelton.rollout.Router;
import io.pelton.rollout.Step;
import io.pelton.schemas.DeadLetter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import org.apache.flink.api.common.externalresource.ExternalResourceInfo;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.util.IOUtils;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/**
 * Collects rows in one preallocated batch for each version that a plan serves, and scores it when
 * it is full, when its first row has waited long enough, before a checkpoint barrier, before a
 * watermark, and at the end of input. So it keeps no rows in state and keeps their order, except
 * while the subtasks agree on a change at an event time. Rows that the model cannot score become
 * dead letters, or go to its fallback.
 */
final class BatchingInferenceOperator extends AbstractStreamOperator<ScoredRow>
    implements OneInputStreamOperator<FeatureRow, ScoredRow>,
        BoundedOneInput,
        BatchScorer.Results,
        ServedPlan.Switch,
        HeldRows.Next {
  private static final long serialVersionUID = 1L;

  static final OutputTag<DeadLetter> DEAD_LETTERS =
      new OutputTag<>("inference-dead-letters", new SpecificRecordTypeInfo<>(DeadLetter.class));

  // Positions in the ledger.
  private static final int IN = 0;
  private static final int OUT = 1;
  private static final int DEAD = 2;

  /** What shadows predict. */
  static final OutputTag<ScoredRow> SHADOWS = new OutputTag<>("shadows", new ScoredRowTypeInfo());

  /** How long a shadow may take for one batch. */
  private static final Duration SHADOW_PATIENCE = Duration.ofSeconds(30);

  private static final ListStateDescriptor<byte[]> SERVED =
      new ListStateDescriptor<>("plan", PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO);
  private static final ListStateDescriptor<Long> NEWEST_TIME =
      new ListStateDescriptor<>("newest-time", Types.LONG);

  /** About a second's worth at the highest rate; above it the input waits. */
  private static final int MAX_HELD_ROWS = 100_000;

  private static final String GPU_RESOURCE = "gpu";
  private static final String GPU_INDEX = "index";

  private final PipelineDefinition pipeline;
  private final List<String> pipelineFeatures;
  private final int maxBatchSize;
  private final long maxBatchDelay;
  private final RolloutPlan initial;
  private final Models models;
  private final @Nullable Control control;
  private final PipelineDefinition.Model settings;
  private final boolean batchRun;

  private transient ListState<byte[]> served;
  private transient @Nullable RolloutPlan restored;
  private transient ListState<Long> newestTimes;
  private transient long newestTime;
  private transient HeldRows held;
  private transient MailboxExecutor taskThread;

  /** Held by the subtask, not by a version: all run on it, whatever is loaded when. */
  private transient @Nullable Integer gpu;

  private transient Versions versions;
  private transient Shadows shadows;
  private transient Drain drain;
  private transient ServedPlan plan;
  private transient Router router;

  /** For each choice of the router who scores, and what the prediction says of it. */
  private transient Serving[] chosen;

  private transient ServedVersion[] chosenAs;
  private transient Ledger ledger;
  private transient StreamRecord<ScoredRow> record;
  private transient int waiting;
  private transient long deadline;
  private transient boolean timerPending;

  /**
   * @param maxBatchSize rows
   * @param maxBatchDelay milliseconds from the first row's arrival
   * @param initial what the model is to serve until a command says otherwise
   * @param control where commands come from; null when what is served never changes
   * @param batchRun whether rows wait for shadows rather than go without them
   */
  @SuppressWarnings("NullAway.Init") // Flink calls open() on the copy that it ships
  BatchingInferenceOperator(
      PipelineDefinition pipeline,
      int maxBatchSize,
      long maxBatchDelay,
      RolloutPlan initial,
      Models models,
      @Nullable Control control,
      boolean batchRun) {
    if (maxBatchSize < 1) {
      throw new IllegalArgumentException("max-size is " + maxBatchSize + "; it must be 1 or more");
    }
    if (maxBatchDelay < 1) {
      throw new IllegalArgumentException(
          "max-delay is " + maxBatchDelay + " ms; it must be 1 ms or more");
    }
    this.pipeline = pipeline;
    pipelineFeatures = pipeline.featureNames();
    this.maxBatchSize = maxBatchSize;
    this.maxBatchDelay = maxBatchDelay;
    this.initial = initial;
    this.models = models;
    this.control = control;
    this.batchRun = batchRun;
    settings = ModelSource.model(pipeline);
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    ledger = new Ledger(JobMetric.INFERENCE_IN, JobMetric.INFERENCE_OUT, JobMetric.INFERENCE_DEAD);
    ledger.open(context.getOperatorStateStore(), getRuntimeContext());
    // Of all subtasks, for after a change of parallelism any may go on where any other was.
    served = context.getOperatorStateStore().getUnionListState(SERVED);
    restored = null;
    newestTimes = context.getOperatorStateStore().getUnionListState(NEWEST_TIME);
    newestTime = Step.ALWAYS;
    for (long time : newestTimes.get()) {
      newestTime = Math.max(newestTime, time);
    }
    held = new HeldRows(MAX_HELD_ROWS, context.getOperatorStateStore());
    for (byte[] bytes : served.get()) {
      RolloutPlan one = RolloutRecord.read(bytes);
      restored = restored == null || restored.revision() < one.revision() ? one : restored;
    }
  }

  @Override
  public void open() throws Exception {
    super.open();
    record = new StreamRecord<>(null);
    String[] temporary =
        getContainingTask().getEnvironment().getTaskManagerInfo().getTmpDirectories();
    taskThread =
        getContainingTask()
            .getMailboxExecutorFactory()
            .createExecutor(getOperatorConfig().getChainIndex());
    Inference.Surroundings around =
        new Inference.Surroundings(
            settings,
            maxBatchSize,
            this,
            this::account,
            mail -> taskThread.execute(mail::run, "hand on a scored batch"),
            getProcessingTimeService()::getCurrentProcessingTime);
    gpu = GpuLeases.SHARED.lease(gpus());
    Loading loading =
        new Loading(
            initial.model(),
            models,
            Path.of(temporary[0]),
            gpu,
            maxBatchSize,
            new HeldMemory(settings.memory()));
    InferenceMetrics.OfVersions metrics = new InferenceMetrics.OfVersions(getMetricGroup());
    drain = new Drain(taskThread, () -> flush(FlushReason.ROLLOUT));
    shadows =
        new Shadows(
            loading,
            pipelineFeatures,
            settings,
            batchRun,
            SHADOW_PATIENCE,
            taskThread,
            new ShadowTask(),
            metrics);
    versions =
        new Versions(
            loading,
            loaded -> new Serving(loaded, pipelineFeatures, around),
            shadows,
            drain,
            metrics);
    new FlinkMeters(getMetricGroup()).gauge(JobMetric.INFERENCE_HELD_ROWS, held::size);
    plan =
        new ServedPlan(
            pipeline,
            initial,
            control,
            versions,
            this,
            taskThread,
            getRuntimeContext(),
            getMetricGroup());
    plan.open(restored);
    if (!held.isEmpty() && !plan.undecided()) {
      taskThread.execute(this::release, "take up rows that were held");
    }
  }

  @Override
  public void to(Router routing, SortedMap<Integer, Serving> loaded) {
    flush(FlushReason.ROLLOUT);
    router = routing;
    List<Router.Choice> choices = router.choices();
    chosen = new Serving[choices.size()];
    chosenAs = new ServedVersion[choices.size()];
    for (Router.Choice choice : choices) {
      Serving serving = Objects.requireNonNull(loaded.get(choice.version()));
      chosen[choice.index()] = serving;
      chosenAs[choice.index()] = serving.as(choice.name());
    }
  }

  @Override
  public long newestTime() {
    return newestTime;
  }

  @Override
  public void release() throws Exception {
    held.release(this);
  }

  @Override
  public void processElement(StreamRecord<FeatureRow> element) throws Exception {
    row(element.getValue());
  }

  @Override
  public void row(FeatureRow row) throws Exception {
    while (row.time >= plan.holdsFrom() && held.full()) {
      taskThread.yield();
    }
    drain.await();
    if (row.time >= plan.holdsFrom()) {
      held.add(row);
    } else {
      score(row);
    }
  }

  private void score(FeatureRow row) {
    newestTime = Math.max(newestTime, row.time);
    String key = row.keys.length == 0 ? row.id : row.keys[0];
    Router.Choice choice = router.choose(key, row.time, row.carried);
    Serving serving = chosen[choice.index()];
    ServedVersion as = chosenAs[choice.index()];
    if (row.values.length < pipelineFeatures.size()) {
      String detail =
          "row has %d features; the pipeline has %d"
              .formatted(row.values.length, pipelineFeatures.size());
      serving.measured.deadLetters.increment();
      bury(row, as, pipelineFeatures, row.values, null, detail);
      account(0, 1);
      return;
    }
    serving.batch().add(row, as);
    waiting++;
    if (waiting == 1 && maxBatchSize > 1) {
      awaitDeadline();
    }
    if (serving.batch().isFull()) {
      flush(serving, FlushReason.SIZE);
    }
    shadows.offer(key, row);
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    watermark(mark);
  }

  @Override
  public void watermark(Watermark mark) throws Exception {
    flush(FlushReason.WATERMARK);
    if (held.isEmpty()) {
      super.processWatermark(mark);
    } else {
      held.add(mark);
    }
  }

  @Override
  public void processWatermarkStatus(WatermarkStatus status) throws Exception {
    status(status);
  }

  @Override
  public void status(WatermarkStatus status) throws Exception {
    flush(FlushReason.WATERMARK);
    if (held.isEmpty()) {
      super.processWatermarkStatus(status);
    } else {
      held.add(status);
    }
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
    served.update(List.of(RolloutRecord.write(plan.plan())));
    newestTimes.update(List.of(newestTime));
    held.snapshot();
  }

  @Override
  public void endInput() throws Exception {
    while (plan.undecided()) {
      taskThread.yield();
    }
    release();
    flush(FlushReason.END);
    shadows.drain();
    plan.end();
  }

  @Override
  public void close() throws Exception {
    try {
      super.close();
    } finally {
      IOUtils.closeAll(plan, this::giveGpuBack);
    }
  }

  private void giveGpuBack() {
    if (gpu != null) {
      GpuLeases.SHARED.release(gpu);
      gpu = null;
    }
  }

  @Override
  public void scored(ScoredRow row) {
    output.collect(record.replace(row, row.time));
  }

  @Override
  public void died(RowBatch batch, int index, @Nullable FallbackReason reason, String detail) {
    ServedVersion served = batch.served(index);
    bury(batch.row(index), served, served.features(), batch.features(index), reason, detail);
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
    if (waiting == 0) {
      return;
    }
    if (time >= deadline) {
      flush(FlushReason.DELAY);
    } else {
      registerTimer();
    }
  }

  private void flush(FlushReason reason) {
    versions
        .serving()
        .forEach(
            serving -> {
              flush(serving, reason);
              if (reason.waits()) {
                serving.settle();
              }
            });
  }

  private void flush(Serving serving, FlushReason reason) {
    int size = serving.batch().size();
    if (size > 0) {
      waiting -= size;
      serving.flush(reason);
    }
  }

  private void account(int scored, int died) {
    ledger.add(IN, scored + died);
    ledger.add(OUT, scored);
    ledger.add(DEAD, died);
  }

  private void bury(
      FeatureRow row,
      ServedVersion served,
      List<String> names,
      double[] values,
      @Nullable FallbackReason reason,
      String detail) {
    DeadLetter letter = InferenceDeadLetter.of(row, served, names, values, reason, detail);
    output.collect(DEAD_LETTERS, new StreamRecord<>(letter, row.time));
  }

  private final class ShadowTask implements Shadows.Task {
    @Override
    public void emit(ScoredRow row) {
      output.collect(SHADOWS, new StreamRecord<>(row, row.time));
    }

    @Override
    public void stopped(String why) {
      plan.tell(why);
    }
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
