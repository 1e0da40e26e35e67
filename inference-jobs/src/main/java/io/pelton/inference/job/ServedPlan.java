package io.pelton.inference.job;

import io.pelton.job.FlinkMeters;
import io.pelton.job.JobMetric;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.rollout.Ballot;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.RolloutRecord;
import io.pelton.rollout.Router;
import io.pelton.rollout.Step;
import io.pelton.schemas.RolloutState;
import io.pelton.schemas.RolloutStatus;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.SortedMap;
import org.apache.flink.api.common.JobInfo;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.util.IOUtils;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The plan that a subtask serves: it hears of others, has their versions loaded off the task's
 * thread, serves them when all of that is ready, and tells what became of each. All else is of the
 * task's thread.
 *
 * <p>A plan that changes at an event time is served when all subtasks of the job are ready for it
 * ({@link Ballot}): so each event is scored by the version in force at its time, or, where one
 * subtask has scored a later event already, the plan is refused by all. From its own word on until
 * then, a subtask holds the rows that it would change.
 */
final class ServedPlan implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ServedPlan.class);

  /** Routes by a plan from now on, all of whose versions are loaded. */
  interface Switch {
    void to(Router router, SortedMap<Integer, Serving> loaded);

    /** The newest event time that was scored. */
    long newestTime();

    /** Takes up the rows that were held. */
    void release() throws Exception;
  }

  /** A plan that this subtask is ready for, until all have said whether they are. */
  private record Pending(
      RolloutPlan plan, long from, Router router, SortedMap<Integer, Serving> loaded) {}

  private final PipelineDefinition pipeline;
  private final RolloutPlan initial;
  private final @Nullable Control control;
  private final Versions versions;
  private final Switch switching;
  private final MailboxExecutor taskThread;
  private final JobInfo job;
  private final TaskInfo task;
  private final Ballot ballot;

  /** Heard, and waiting until what they build on is decided. */
  private final Deque<RolloutPlan> later = new ArrayDeque<>();

  private volatile Control.@Nullable Following following;
  private @Nullable Pending pending;

  /** What is served. */
  private RolloutPlan plan;

  /** The newest plan that was asked for. */
  private RolloutPlan wanted;

  /**
   * @param initial what the model is to serve until a command says otherwise
   * @param control where commands come from; null when what is served never changes
   */
  ServedPlan(
      PipelineDefinition pipeline,
      RolloutPlan initial,
      @Nullable Control control,
      Versions versions,
      Switch switching,
      MailboxExecutor taskThread,
      RuntimeContext runtime,
      MetricGroup metrics) {
    this.pipeline = pipeline;
    this.initial = initial;
    this.control = control;
    this.versions = versions;
    this.switching = switching;
    this.taskThread = taskThread;
    job = runtime.getJobInfo();
    task = runtime.getTaskInfo();
    ballot = new Ballot(job.getJobId().toString());
    plan = initial;
    wanted = initial;
    new FlinkMeters(metrics)
        .gauge(
            JobMetric.INFERENCE_UNHEARD, () -> following == null ? 0 : following.unheardMillis());
  }

  /**
   * Serves the first that can be: the newest command, the plan that was served before a restore,
   * the initial one.
   *
   * @param restored null when there was none
   * @throws Exception when none can be served, or commands cannot be heard
   */
  void open(@Nullable RolloutPlan restored) throws Exception {
    RolloutPlan kept = initial;
    Optional<RolloutPlan> newest = Optional.empty();
    if (control != null) {
      // Before any command it is the version that this job was started for: a restore must not
      // bring an earlier champion back.
      if (restored != null && restored.revision() > 0 && restored.model().equals(initial.model())) {
        kept = restored;
      }
      following =
          control.follow(
              initial.model(),
              next -> taskThread.execute(() -> heard(next), "hear of a plan"),
              status -> taskThread.execute(() -> heard(status), "hear of a subtask"));
      newest = control.newest(initial.model());
    }
    if (newest.isPresent() && newest.get().revision() >= kept.revision()) {
      wanted = newest.get();
    } else {
      wanted = kept;
    }
    if (wanted.equals(kept) || !begin(wanted, kept)) {
      serve(kept, new Router(kept, pipeline), versions.load(kept));
    }
    if (pending == null) {
      say(RolloutState.SERVING, plan, "");
    }
  }

  /** Serves the newest command, or is ready to when the others are. */
  private boolean begin(RolloutPlan newest, RolloutPlan kept) throws Exception {
    try {
      Router router = new Router(newest, pipeline);
      versions.expect(newest);
      SortedMap<Integer, Serving> loaded = versions.load(newest);
      if (newest.timed()) {
        RolloutPlan before = newest.beforeLast();
        RolloutPlan now = before.steps().equals(kept.steps()) ? kept : before;
        serve(now, new Router(now, pipeline), versions.load(now));
        vote(newest, router, loaded);
      } else {
        serve(newest, router, loaded);
      }
      return true;
    } catch (IOException | RuntimeException e) {
      plan = kept;
      versions.forget(newest);
      say(RolloutState.REFUSED, newest, reason(e));
      return false;
    }
  }

  /** What is served, for a checkpoint. */
  RolloutPlan plan() {
    return plan;
  }

  private void serve(RolloutPlan next, Router router, SortedMap<Integer, Serving> loaded) {
    switching.to(router, loaded);
    versions.serve(next, loaded);
    plan = next;
  }

  /** The event time from which on rows wait until it is decided who scores them. */
  long holdsFrom() {
    return pending == null ? Long.MAX_VALUE : pending.from();
  }

  /** Whether this subtask has said that it is ready for a plan, and not heard of all others yet. */
  boolean undecided() {
    return pending != null;
  }

  /** Says that this subtask scores no more rows. */
  void end() {
    say(RolloutState.ENDED, plan, "");
  }

  private void heard(RolloutPlan next) throws Exception {
    if (next.equals(wanted)) {
      return;
    }
    if (next.revision() <= wanted.revision()) {
      say(
          RolloutState.REFUSED,
          next,
          "revision %d is not above %d, which came before"
              .formatted(next.revision(), wanted.revision()));
      return;
    }
    wanted = next;
    versions.expect(next);
    if (next.timed() && (pending != null || !later.isEmpty())) {
      later.add(next); // what it builds on is not decided yet
    } else {
      load(next);
    }
  }

  private void load(RolloutPlan next) {
    versions.loadInBackground(
        next,
        pipeline,
        (router, loaded) ->
            taskThread.execute(() -> ready(next, router, loaded), "serve a loaded plan"),
        failure -> taskThread.execute(() -> refuse(next, reason(failure)), "refuse a plan"),
        before ->
            taskThread.execute(
                () -> serve(plan, new Router(plan, pipeline), before), "serve what was before"));
  }

  /**
   * Serves it even when a newer one is on its way: that one may be refused, and then all subtasks
   * must serve the same.
   */
  private void ready(RolloutPlan next, Router router, SortedMap<Integer, Serving> loaded)
      throws Exception {
    if (next.revision() <= plan.revision()) {
      versions.forget(next); // one at once came before it
      loadLater();
    } else if (!next.timed()) {
      take(next, router, loaded);
    } else if (pending == null) {
      vote(next, router, loaded);
    } else {
      later.addFirst(next);
    }
  }

  private void vote(RolloutPlan asked, Router router, SortedMap<Integer, Serving> loaded)
      throws Exception {
    long from = asked.differsFrom(plan);
    if (from <= switching.newestTime()) {
      refuse(asked, behind(from));
      return;
    }
    pending = new Pending(asked, from, router, loaded);
    say(RolloutState.READY, asked, "");
    decide();
  }

  private String behind(long from) {
    Instant newest = Instant.ofEpochMilli(switching.newestTime());
    return from == Step.ALWAYS
        ? "it builds on a plan that is not served here; command it anew"
        : "it begins at %s, but events up to %s were scored already; give a later time, or none"
            .formatted(Instant.ofEpochMilli(from), newest);
  }

  private void heard(RolloutStatus status) throws Exception {
    ballot.add(status);
    decide();
  }

  private void decide() throws Exception {
    Pending undecided = pending;
    if (undecided == null) {
      return;
    }
    long revision = undecided.plan().revision();
    switch (ballot.outcome(revision)) {
      case OPEN -> {}
      case TAKEN -> take(undecided.plan(), undecided.router(), undecided.loaded());
      case REFUSED -> {
        pending = null;
        refuse(undecided.plan(), ballot.reason(revision));
        switching.release();
      }
    }
  }

  private void take(RolloutPlan next, Router router, SortedMap<Integer, Serving> loaded)
      throws Exception {
    boolean held = pending != null;
    Pending overtaken = pending;
    pending = null;
    serve(next, router, loaded);
    if (overtaken != null) {
      versions.forget(overtaken.plan());
    }
    ballot.forget(plan.revision());
    say(RolloutState.SERVING, plan, "");
    if (held) {
      switching.release();
    }
    loadLater();
  }

  private void refuse(RolloutPlan next, String why) {
    say(RolloutState.REFUSED, next, why);
    versions.forget(next);
    if (pending == null) {
      loadLater();
    }
  }

  private void loadLater() {
    RolloutPlan next = later.poll();
    if (next != null) {
      load(next);
    }
  }

  private void say(RolloutState state, RolloutPlan about, String detail) {
    String serving = plan.words();
    if (state == RolloutState.REFUSED) {
      LOG.warn(
          "Revision {} of model {} is refused: {}; {} stays",
          about.revision(),
          about.model(),
          detail,
          serving);
    } else {
      LOG.info(
          "Revision {} of model {}: {}; serving {}",
          about.revision(),
          about.model(),
          state,
          serving);
    }
    tell(state, about, detail);
  }

  /** Tells of what is served that something became of a part of it. */
  void tell(String detail) {
    LOG.warn("Model {}: {}", plan.model(), detail);
    tell(RolloutState.SERVING, plan, detail);
  }

  private void tell(RolloutState state, RolloutPlan about, String detail) {
    if (following != null) {
      RolloutStatus.Builder status =
          RolloutStatus.newBuilder()
              .setModel(about.model())
              .setJob(job.getJobId().toString())
              .setSubtask(task.getIndexOfThisSubtask())
              .setSubtasks(task.getNumberOfParallelSubtasks())
              .setAt(Instant.now())
              .setRevision(about.revision())
              .setState(state)
              .setDetail(detail);
      following.tell(RolloutRecord.serving(status, plan).build());
    }
  }

  private static String reason(Throwable failure) {
    return failure.getMessage() == null ? failure.toString() : failure.getMessage();
  }

  @Override
  public void close() throws Exception {
    IOUtils.closeAll(following, versions);
  }
}
