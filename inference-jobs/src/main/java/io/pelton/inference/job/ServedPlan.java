package io.pelton.inference.job;

import io.pelton.pipeline.PipelineDefinition;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.Router;
import io.pelton.schemas.RolloutState;
import io.pelton.schemas.RolloutStatus;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import org.apache.flink.api.common.JobInfo;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.util.IOUtils;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The plan that a subtask serves: it hears of others, has their versions loaded off the task's
 * thread, serves them when all of that is ready, and tells what became of each. All else is of the
 * task's thread.
 */
final class ServedPlan implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ServedPlan.class);

  /** Routes by a plan from now on, all of whose versions are loaded. */
  interface Switch {
    void to(Router router, SortedMap<Integer, Serving> loaded);
  }

  private final PipelineDefinition pipeline;
  private final RolloutPlan initial;
  private final @Nullable Control control;
  private final Versions versions;
  private final Switch switching;
  private final MailboxExecutor taskThread;
  private final JobInfo job;
  private final TaskInfo task;
  private volatile Control.@Nullable Following following;

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
    plan = initial;
    wanted = initial;
    metrics
        .addGroup(InferenceMetrics.GROUP)
        .gauge(
            InferenceMetrics.UNHEARD,
            (Gauge<Long>) () -> following == null ? 0 : following.unheardMillis());
  }

  /**
   * Serves the first that can be: the newest command, the plan that was served before a restore,
   * the initial one.
   *
   * @param restored null when there was none
   * @throws Exception when none can be served, or commands cannot be heard
   */
  void open(@Nullable RolloutPlan restored) throws Exception {
    List<RolloutPlan> candidates = candidates(restored);
    Map<RolloutPlan, String> refused = new LinkedHashMap<>();
    for (int i = 0; i < candidates.size(); i++) {
      RolloutPlan candidate = candidates.get(i);
      try {
        serve(candidate, new Router(candidate, pipeline), versions.load(candidate));
        break;
      } catch (IOException | RuntimeException e) {
        if (i == candidates.size() - 1) {
          throw e;
        }
        refused.put(candidate, reason(e));
      }
    }
    refused.forEach(this::say);
    if (plan.revision() > 0) {
      say(plan, "");
    }
    wanted = plan;
  }

  /**
   * Before any command it is the version that this job was started for: a restore must not bring an
   * earlier champion back.
   */
  private List<RolloutPlan> candidates(@Nullable RolloutPlan restored) throws Exception {
    if (control == null) {
      return List.of(initial);
    }
    following =
        control.follow(
            initial.model(), next -> taskThread.execute(() -> heard(next), "hear of a plan"));
    List<RolloutPlan> candidates = new ArrayList<>();
    RolloutPlan kept =
        restored != null && restored.revision() > 0 && restored.model().equals(initial.model())
            ? restored
            : initial;
    Optional<RolloutPlan> newest = control.newest(initial.model());
    newest
        .filter(one -> one.revision() >= kept.revision() && !one.equals(kept))
        .ifPresent(candidates::add);
    candidates.add(kept);
    return candidates;
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

  private void heard(RolloutPlan next) {
    if (next.equals(wanted)) {
      return;
    }
    if (next.revision() <= wanted.revision()) {
      say(
          next,
          "revision %d is not above %d, which came before"
              .formatted(next.revision(), wanted.revision()));
      return;
    }
    wanted = next;
    versions.loadInBackground(
        next,
        pipeline,
        (router, loaded) ->
            taskThread.execute(() -> ready(next, router, loaded), "serve a loaded plan"),
        failure -> taskThread.execute(() -> refuse(next, failure), "refuse a plan"),
        before ->
            taskThread.execute(
                () -> serve(plan, new Router(plan, pipeline), before), "serve what was before"));
  }

  /**
   * Serves it even when a newer one is on its way: that one may be refused, and then all subtasks
   * must serve the same.
   */
  private void ready(RolloutPlan next, Router router, SortedMap<Integer, Serving> loaded) {
    serve(next, router, loaded);
    say(next, "");
  }

  private void refuse(RolloutPlan next, Throwable failure) {
    say(next, reason(failure));
    versions.refuse(next);
  }

  private void say(RolloutPlan about, String refused) {
    String serving = plan.last().words();
    if (refused.isEmpty()) {
      LOG.info("Revision {} of model {} is served: {}", about.revision(), about.model(), serving);
    } else {
      LOG.warn(
          "Revision {} of model {} is refused: {}; {} stays",
          about.revision(),
          about.model(),
          refused,
          serving);
    }
    tell(about, refused.isEmpty() ? RolloutState.SERVING : RolloutState.REFUSED, serving, refused);
  }

  /** Tells of what is served that something became of a part of it. */
  void tell(String detail) {
    LOG.warn("Model {}: {}", plan.model(), detail);
    tell(plan, RolloutState.SERVING, plan.last().words(), detail);
  }

  private void tell(RolloutPlan about, RolloutState state, String serving, String detail) {
    if (following != null) {
      following.tell(
          RolloutStatus.newBuilder()
              .setModel(about.model())
              .setJob(job.getJobId().toString())
              .setSubtask(task.getIndexOfThisSubtask())
              .setSubtasks(task.getNumberOfParallelSubtasks())
              .setAt(Instant.now())
              .setRevision(about.revision())
              .setState(state)
              .setServing(serving)
              .setServingRevision(plan.revision())
              .setDetail(detail)
              .build());
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
