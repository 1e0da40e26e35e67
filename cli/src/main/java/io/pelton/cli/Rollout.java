package io.pelton.cli;

import io.pelton.job.AuditTopic;
import io.pelton.job.ControlTopic;
import io.pelton.job.KafkaSettings;
import io.pelton.job.KafkaUnavailableException;
import io.pelton.job.StatusTopic;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.registry.Registry;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.RolloutRecord;
import io.pelton.rollout.Router;
import io.pelton.rollout.Variant;
import io.pelton.schemas.ModelCommand;
import io.pelton.schemas.RolloutAudit;
import io.pelton.schemas.RolloutAuditKind;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/**
 * Changes of what a model serves: each is written to the control topic, waited for, and taken back
 * where a job refuses it.
 */
final class Rollout {
  private static final Duration POLL = Duration.ofMillis(100);

  /**
   * A change.
   *
   * @param words what is asked for, for people
   * @param versions that it brings in
   * @param completes whether the version that serves alone after it becomes the registry's champion
   */
  record Change(
      String words, List<Integer> versions, boolean completes, UnaryOperator<RolloutPlan> to) {
    static final String ROLLBACK = "rollback";

    private boolean back() {
      return words.equals(ROLLBACK);
    }
  }

  private final PipelineDefinition pipeline;
  private final String model;
  private final Registry registry;
  private final KafkaSettings kafka;
  private final ControlTopic control;
  private final AuditTopic audit;
  private final PrintWriter out;
  private final Clock clock = Clock.systemUTC();
  private final String user = System.getProperty("user.name", "");

  Rollout(
      PipelineDefinition pipeline,
      String model,
      Registry registry,
      KafkaSettings kafka,
      PrintWriter out) {
    this.pipeline = pipeline;
    this.model = model;
    this.registry = registry;
    this.kafka = kafka;
    this.out = out;
    control = new ControlTopic(kafka, pipeline);
    audit = new AuditTopic(kafka, pipeline);
  }

  /**
   * Makes a change and prints what becomes of it.
   *
   * @param patience how long to wait for the jobs that run; null for not at all
   * @return the exit code
   */
  int make(Change change, @Nullable Duration patience) throws Exception {
    for (int version : change.versions()) {
      registry.manifest(model, version);
    }
    try (StatusTopic statuses = new StatusTopic(kafka, pipeline, model)) {
      RolloutPlan before;
      RolloutPlan plan;
      try (ControlTopic.Writer writer = control.writer()) {
        before = standing(statuses);
        plan = change.to().apply(before);
        new Router(plan, pipeline);
        write(writer, plan, change.words(), before);
      } catch (IllegalArgumentException | IllegalStateException e) {
        throw new InputException(e);
      }
      out.printf("%s revision %d: %s%n", model, plan.revision(), plan.words());
      boolean settles = plan.last().words().equals(before.last().words());
      if (before.timed() && !plan.timed() && !change.back() && !settles) {
        out.printf(
            "no time is waited for any more: this holds at once, with what it keeps of what was planned from %s on; to keep none of that, give pelton rollout rollback before such a change%n",
            Instant.ofEpochMilli(before.last().effectiveFrom()));
      }
      out.flush();
      if (patience == null) {
        out.println(
            "not waiting for jobs: pelton rollout status says what becomes of it"
                + (change.completes() ? "; the registry's champion stays as it is" : ""));
        out.flush();
        return CommandLine.ExitCode.OK;
      }
      Answers answers = await(statuses, plan.revision(), patience);
      int code = CommandLine.ExitCode.OK;
      if (answers.refused()) {
        takeBack(statuses, plan, patience);
        code = Pelton.USAGE;
      } else if (!answers.served()) {
        unanswered(answers, plan, patience, change.completes());
        code = Pelton.FAILED;
      } else if (change.completes()) {
        complete(plan);
      }
      out.flush();
      return code;
    }
  }

  private RolloutPlan standing(StatusTopic statuses) throws IOException, KafkaUnavailableException {
    statuses.readOn();
    Optional<ModelCommand> newest = control.newest(model);
    if (newest.isEmpty()) {
      return RolloutPlan.of(model, registry.resolve(model).version())
          .withRevision(Standing.highest(statuses.words()));
    }
    Standing standing = Standing.of(newest.get(), statuses.words(), clock.instant());
    Answers answers = Answers.of(newest.get().getRevision(), statuses.words(), clock.instant());
    if (!answers.jobs().isEmpty() && !answers.complete()) {
      out.printf(
          "revision %d of %s by %s (%s) is not served by all jobs yet; this builds on it%n",
          newest.get().getRevision(),
          newest.get().getIssuedAt(),
          newest.get().getIssuedBy(),
          newest.get().getCommand());
    }
    if (standing.refused() != null) {
      out.printf(
          "revision %d was refused and not taken back: %s; this builds on what is served: %s%n",
          newest.get().getRevision(), standing.refused().getDetail(), standing.plan().words());
    }
    return standing.plan();
  }

  private void write(ControlTopic.Writer writer, RolloutPlan plan, String words, RolloutPlan before)
      throws KafkaUnavailableException {
    Instant now = clock.instant();
    writer.write(
        RolloutRecord.of(plan, words, now, user),
        RolloutAudit.newBuilder()
            .setModel(model)
            .setRevision(plan.revision())
            .setAt(now)
            .setKind(RolloutAuditKind.COMMANDED)
            .setBy(user)
            .setCommand(words)
            .setBefore(before.words())
            .setAfter(plan.words())
            .build());
  }

  private Answers await(StatusTopic statuses, long revision, Duration patience)
      throws KafkaUnavailableException {
    long deadline = System.nanoTime() + patience.toNanos();
    Answers answers = Answers.of(revision, statuses.words(), clock.instant());
    while (!answers.complete() && System.nanoTime() < deadline) {
      statuses.poll(POLL);
      answers = Answers.of(revision, statuses.words(), clock.instant());
    }
    answers.words().forEach(line -> out.println("  " + line));
    out.flush();
    return answers;
  }

  /**
   * What is served becomes the plan again, so that the control topic never keeps one that cannot be
   * served. That need not be what the refused one was built on: that may be refused as well.
   */
  private void takeBack(StatusTopic statuses, RolloutPlan refused, Duration patience)
      throws Exception {
    RolloutPlan back;
    try (ControlTopic.Writer writer = control.writer()) {
      statuses.readOn();
      ModelCommand newest = control.newest(model).orElseThrow();
      if (newest.getRevision() != refused.revision()) {
        out.printf(
            "revision %d came on top of it and is not taken back from here: see pelton rollout status%n",
            newest.getRevision());
        return;
      }
      RolloutPlan served = Standing.of(newest, statuses.words(), clock.instant()).plan();
      back = served.withRevision(served.revision() + 1);
      write(writer, back, "take back revision " + refused.revision(), refused);
    } catch (IllegalStateException e) {
      out.println("not taken back: " + e.getMessage());
      return;
    }
    out.printf("%s revision %d takes it back: %s%n", model, back.revision(), back.words());
    out.flush();
    await(statuses, back.revision(), patience);
  }

  private void unanswered(Answers answers, RolloutPlan plan, Duration patience, boolean completes)
      throws KafkaUnavailableException {
    String what =
        "not served by all within %s s; the plan stays, and pelton rollout status says what becomes of it"
            .formatted(seconds(patience));
    if (answers.jobs().isEmpty()) {
      what =
          "no job answered within %s s: none that serves model %s and follows commands seems to run (one that is started with --model follows none); the plan stays, and a job takes it when it starts"
              .formatted(seconds(patience), model);
    } else if (answers.complete()) {
      what = "another command came on top before all served this one: see pelton rollout status";
    }
    out.println(what + (completes ? "; the registry's champion stays as it is" : ""));
    audit.write(
        note(RolloutAuditKind.UNANSWERED, plan)
            .setDetail(
                answers.jobs().isEmpty()
                    ? "no job answered within %s s".formatted(seconds(patience))
                    : String.join("; ", answers.words()))
            .build());
  }

  private static String seconds(Duration duration) {
    return String.valueOf(duration.toMillis() / 1000.0).replaceAll("\\.0$", "");
  }

  /** What serves from now on is what jobs start with where there is no control topic. */
  private void complete(RolloutPlan plan) throws IOException, KafkaUnavailableException {
    if (plan.steps().size() > 1) {
      champion(plan)
          .ifPresent(
              one ->
                  out.printf(
                      "the registry's champion stays as it is: when events have reached %s, settle it with pelton rollout deploy %d%n",
                      Instant.ofEpochMilli(plan.last().effectiveFrom()), one.version()));
      return;
    }
    Optional<Variant> champion = champion(plan);
    if (champion.isEmpty()) {
      return; // an A/B test has none
    }
    int version = champion.get().version();
    @Nullable Integer before = registry.aliases(model).get(Registry.CHAMPION);
    if (before != null && before == version) {
      return;
    }
    registry.setAlias(model, Registry.CHAMPION, version);
    out.printf(
        "%s@%d is the registry's champion%s%n",
        model, version, before == null ? "" : ", before it was " + model + "@" + before);
    audit.write(
        note(RolloutAuditKind.ALIAS_MOVED, plan)
            .setBefore(before == null ? "" : Registry.CHAMPION + " @" + before)
            .setAfter(Registry.CHAMPION + " @" + version)
            .build());
  }

  private static Optional<Variant> champion(RolloutPlan plan) {
    return plan.last().variants().stream()
        .filter(variant -> variant.name().equals(Variant.CHAMPION))
        .findFirst();
  }

  private RolloutAudit.Builder note(RolloutAuditKind kind, RolloutPlan plan) {
    return RolloutAudit.newBuilder()
        .setModel(model)
        .setRevision(plan.revision())
        .setAt(clock.instant())
        .setKind(kind)
        .setBy(user);
  }
}
