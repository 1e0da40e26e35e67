package io.pelton.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.cli.embedded.EmbeddedKafka;
import io.pelton.job.ControlTopic;
import io.pelton.job.KafkaSettings;
import io.pelton.job.StatusTopic;
import io.pelton.model.TinyModels;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.registry.LocalStorage;
import io.pelton.registry.Registry;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.RolloutRecord;
import io.pelton.rollout.Step;
import io.pelton.schemas.RolloutAudit;
import io.pelton.schemas.RolloutAuditKind;
import io.pelton.schemas.RolloutState;
import io.pelton.schemas.RolloutStatus;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Commands on a real broker; jobs that answer as the test says. */
@Timeout(180)
final class RolloutCommandTest {
  private static final double[] WEIGHTS = {0.5, -1.25};
  private static final Predicate<RolloutPlan> ALL = plan -> true;
  private static final Predicate<RolloutPlan> NOT_3 = plan -> !plan.versions().contains(3);

  @TempDir static Path shared;
  private static EmbeddedKafka broker;
  private static int pipelines;

  @TempDir Path directory;
  private PipelineDefinition pipeline;
  private Registry registry;
  private String out = "";
  private String err = "";

  @BeforeAll
  static void startKafka() throws Exception {
    broker = EmbeddedKafka.start(shared.resolve("kafka"));
  }

  @AfterAll
  static void stopKafka() {
    broker.close();
  }

  @BeforeEach
  void writeInputs() throws Exception {
    registry = new Registry(new LocalStorage(directory.resolve("registry")));
    for (int version = 1; version <= 3; version++) {
      registry.publish(
          TinyModels.onnxVersion(
              "fraud",
              directory.resolve(version + ".onnx"),
              List.of("amount", "risk"),
              WEIGHTS,
              version));
    }
    registry.setAlias("fraud", Registry.CHAMPION, 1);
    Files.writeString(
        directory.resolve("event.avsc"),
        """
        {"type": "record", "name": "E", "fields": [
          {"name": "id", "type": "string"},
          {"name": "time", "type": "long"},
          {"name": "country", "type": "string"},
          {"name": "amount", "type": "double"}]}
        """);
    pipeline =
        PipelineFile.read(
            Files.writeString(
                directory.resolve("pipeline.yaml"),
                """
                pipeline: cards%d
                events: {topic: events, schema: event.avsc, id: id, time: time}
                features: {amount: {value: amount}, risk: {value: "amount / 2.0"}}
                model: {name: fraud}
                registry: registry
                carry: [country]
                """
                    .formatted(++pipelines)));
    // Creates the topics that jobs would.
    assertThat(rollout("status")).as(err).isZero();
  }

  @Test
  void aCanaryIsPromotedAndRolledBackAndTheChampionFollows() throws Exception {
    try (Job one = new Job("one", 2, ALL);
        Job two = new Job("two", 1, ALL)) {
      assertThat(rollout("canary", "2", "--percent=10")).as(err).isZero();
      assertThat(out)
          .startsWith("fraud revision 1: canary @2 10 %, champion @1 90 %\n")
          .contains("job one serving, in its 2 subtasks\n", "job two serving, in its subtask\n");
      assertThat(champion()).isEqualTo(1);

      assertThat(rollout("promote")).isZero();
      assertThat(out).endsWith("fraud@2 is the registry's champion, before it was fraud@1\n");
      assertThat(champion()).isEqualTo(2);

      assertThat(rollout("rollback")).isZero();
      assertThat(out)
          .startsWith("fraud revision 3: canary @2 10 %, champion @1 90 %\n")
          .endsWith("fraud@1 is the registry's champion, before it was fraud@2\n");
      assertThat(champion()).isEqualTo(1);
      assertThat(rollout("status")).isZero();
      assertThat(out)
          .contains(
              "a rollback returns to: champion @2\n",
              "JOB  SUBTASK  REVISION  SINCE                 SERVES\n")
          .containsPattern("one  2 of 2   3         \\S+Z  canary @2 10 %, champion @1 90 %\n");
    }
    assertThat(rollout("status")).isZero();
    assertThat(out)
        .contains("no job that serves fraud and follows commands runs: ")
        .containsPattern("job one ended \\d+ s ago; it served revision 3: canary @2 10 %");

    assertThat(rollout("history")).isZero();
    String user = Pattern.quote(System.getProperty("user.name"));
    assertThat(out.lines().map(line -> line.replaceAll(" +", " ")).toList())
        .anySatisfy(
            line ->
                assertThat(line)
                    .matches(
                        "\\S+Z 1 commanded "
                            + user
                            + " canary @2 10 %: champion @1 → canary @2 10 %, champion @1 90 %"))
        .anySatisfy(
            line -> assertThat(line).matches("\\S+Z 2 served job one subtask 2 champion @2"))
        .anySatisfy(
            line ->
                assertThat(line)
                    .matches("\\S+Z 2 alias moved " + user + " champion @1 → champion @2"));
  }

  @Test
  void aRefusedPlanIsTakenBack() throws Exception {
    try (Job job = new Job("one", 2, ALL);
        Job other = new Job("two", 1, NOT_3)) {
      assertThat(rollout("canary", "2", "--percent=10")).isZero();

      assertThat(rollout("deploy", "3")).isEqualTo(2);
      assertThat(out)
          .contains(
              "job two refused: version 3 is corrupt\n",
              "fraud revision 3 takes it back: canary @2 10 %, champion @1 90 %\n")
          .endsWith("  job one serving, in its 2 subtasks\n  job two serving, in its subtask\n");
      assertThat(champion()).isEqualTo(1);

      // Both what comes next and a rollback know nothing of it.
      assertThat(rollout("promote")).as(err).isZero();
      assertThat(out).startsWith("fraud revision 4: champion @2\n");
      assertThat(rollout("rollback")).isZero();
      assertThat(out).startsWith("fraud revision 5: canary @2 10 %, champion @1 90 %\n");
    }
  }

  @Test
  void onTopOfARefusedPlanAChangeBuildsOnWhatIsServed() throws Exception {
    try (Job job = new Job("one", 2, NOT_3)) {
      assertThat(rollout("canary", "2", "--percent=10")).isZero();
      assertThat(rollout("deploy", "3", "--no-wait")).isZero();
      assertThat(out).endsWith("; the registry's champion stays as it is\n");
      do {
        assertThat(rollout("status")).isZero();
      } while (out.split("refused revision 2 at", -1).length < 3);

      assertThat(rollout("segment", "abroad", "1", "--when", "country != 'CH'")).as(err).isZero();
      assertThat(out)
          .startsWith(
              "revision 2 was refused and not taken back: version 3 is corrupt; this builds on what is served: canary @2 10 %, champion @1 90 %\n"
                  + "fraud revision 3: abroad @1 where country != 'CH', canary @2 10 %, champion @1 90 %\n");
    }
  }

  @Test
  void aChangeOnTopOfOneThatIsRefusedLaterGoesBackToWhatIsServed() throws Exception {
    Predicate<RolloutPlan> slow =
        plan -> {
          while (newest() < 2) {
            Thread.onSpinWait();
          }
          return NOT_3.test(plan);
        };
    try (Job job = new Job("one", 1, slow)) {
      assertThat(rollout("deploy", "3", "--no-wait")).isZero();
      assertThat(rollout("segment", "abroad", "1", "--when", "country != 'CH'")).isEqualTo(2);
      assertThat(out)
          .containsPattern(
              "^revision 1 of \\S+ by \\S+ \\(deploy @3\\) is not served by all jobs yet; ")
          .contains(
              "job one refused: version 3 is corrupt\n",
              "fraud revision 3 takes it back: champion @1\n");
    }
  }

  private long newest() {
    try {
      return control().plan("fraud").map(RolloutPlan::revision).orElse(0L);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void withoutAJobThePlanStaysAndThatIsSaid() throws Exception {
    assertThat(rollout("deploy", "2", "--wait=200ms")).isEqualTo(1);
    assertThat(out)
        .startsWith("fraud revision 1: champion @2\nno job answered within 0.2 s: ")
        .endsWith("a job takes it when it starts; the registry's champion stays as it is\n");
    assertThat(champion()).isEqualTo(1);
    assertThat(control().plan("fraud").orElseThrow().last().words()).isEqualTo("champion @2");
    assertThat(rollout("history")).isZero();
    assertThat(out).contains("unanswered").contains("no job answered within 0.2 s");
  }

  @Test
  void aJobThatHasEndedIsNotWaitedFor() throws Exception {
    try (Job ended = new Job("ended", 2, ALL)) {
      assertThat(rollout("canary", "2", "--percent=10")).isZero();
    }
    try (Job running = new Job("running", 1, ALL)) {
      assertThat(rollout("promote", "--wait=2m")).isZero();
      assertThat(out).contains("job running serving").doesNotContain("job ended");
    }
  }

  @Test
  void aSubtaskRepeatsWhatItServesWhileItRuns() throws Exception {
    try (Job job = new Job("one", 1, ALL);
        StatusTopic statuses = new StatusTopic(kafka(), pipeline, "fraud")) {
      while (statuses.words().isEmpty()) {
        statuses.poll(Duration.ofMillis(100));
      }
      StatusTopic.Word first = statuses.words().get(0);
      StatusTopic.Word now = first;
      while (!now.heard().isAfter(first.heard())) {
        statuses.poll(Duration.ofMillis(100));
        now = statuses.words().get(0);
      }
      assertThat(now.status()).isEqualTo(first.status());
      assertThat(Duration.between(first.heard(), now.heard())).isLessThan(StatusTopic.SILENCE);
    }
    assertThat(rollout("history")).isZero();
    assertThat(out.lines()).as("what is repeated is no news").hasSize(2);
  }

  @Test
  void ofTwoCommandsAtOnceOnlyOneIsGiven() throws Exception {
    try (ControlTopic.Writer slow = control().writer()) {
      RolloutPlan read = RolloutPlan.of("fraud", 1);
      assertThat(control().newest("fraud")).isEmpty();

      assertThat(rollout("deploy", "2", "--no-wait")).isZero();

      RolloutPlan change = read.canary(3, 0.5, Step.ALWAYS);
      assertThatThrownBy(
              () ->
                  slow.write(
                      RolloutRecord.of(change, "canary", Instant.EPOCH, "someone"),
                      RolloutAudit.newBuilder()
                          .setModel("fraud")
                          .setRevision(1)
                          .setAt(Instant.EPOCH)
                          .setKind(RolloutAuditKind.COMMANDED)
                          .build()))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageStartingWith("another command for model fraud came at the same time");
    }
    assertThat(control().plan("fraud").orElseThrow().words()).isEqualTo("champion @2");
    assertThat(rollout("history")).isZero();
    assertThat(out.lines()).hasSize(2);
  }

  @Test
  void aChangeFromAnEventTimeOnLeavesWhatHoldsBefore() throws Exception {
    assertThat(rollout("deploy", "2", "--no-wait", "--effective-from=2026-03-01")).as(err).isZero();
    assertThat(out)
        .startsWith("fraud revision 1: champion @1; from 2026-03-01T00:00:00Z champion @2\n");
    fails(
        "model fraud changes at 2026-03-01T00:00:00Z to champion @2, which would hold at once with",
        "shadow",
        "next",
        "3");
    assertThat(rollout("deploy", "2", "--no-wait")).isZero();
    assertThat(out).as("settled").startsWith("fraud revision 2: champion @2\nnot waiting");
    assertThat(rollout("shadow", "next", "3", "--percent=50", "--no-wait")).isZero();
    assertThat(out).startsWith("fraud revision 3: champion @2, shadow next @3 50 %\n");
  }

  @Test
  void aChangeAtOnceSaysThatNoTimeIsWaitedForAnyMore() throws Exception {
    assertThat(rollout("deploy", "2", "--no-wait", "--effective-from=2026-03-01")).as(err).isZero();
    assertThat(rollout("deploy", "3", "--no-wait")).isZero();
    assertThat(out)
        .startsWith("fraud revision 2: champion @3\n")
        .contains("this holds at once, with what it keeps of what was planned from 2026-03-01T00:");
  }

  @Test
  void mistakesAreToldBeforeAnythingIsWritten() throws Exception {
    fails("model \"fraud\" has no version 7; it has 1, 2, 3", "deploy", "7");
    fails("--percent 100.0: it must be above 0 and below 100", "canary", "2", "--percent=100");
    fails("--percent 0.0: it must be above 0 and at most 100", "shadow", "s", "2", "--percent=0");
    fails("model fraud has no variant \"canary\"; it has [champion]", "promote");
    fails("model fraud was not changed since its first version", "rollback");
    fails(
        "\"b4:50\" is no variant; write NAME=VERSION:PERCENT, as b=4:50", "ab", "a=1:50", "b4:50");
    fails("the percents of a=1:50 b=2:40 add up to 90 %", "ab", "a=1:50", "b=2:40");
    fails("model fraud has no segment \"x\"; it has []", "segment", "x", "--off");
    fails("segment x: give VERSION and --when EXPRESSION, or --off", "segment", "x", "2");
    fails(
        "it may read time and what the pipeline carries: [country]",
        "segment",
        "x",
        "2",
        "--when=amount > 1.0");
    fails("--effective-from: ", "deploy", "2", "--effective-from=tomorrow");
    fails("does not exist; give the directory ", "deploy", "2", "--registry=nowhere");
    Files.delete(directory.resolve("registry/fraud/aliases/champion.json"));
    fails("model \"fraud\" has no alias \"champion\"", "deploy", "2");
    assertThat(rollout("deploy", "2", "--wait=soon")).isEqualTo(2);
    assertThat(err).contains("\"soon\" is no time; write 500ms, 30s or 2m");
    for (String version : List.of("champion", "fraud@2", "0", "2147483648")) {
      assertThat(rollout("deploy", version)).isEqualTo(2);
      assertThat(err).contains("\"%s\" is no version; write its number, as 2".formatted(version));
    }
    assertThat(control().newest("fraud")).isEmpty();
  }

  private void fails(String message, String... arguments) {
    assertThat(rollout(arguments)).as(out).isEqualTo(2);
    assertThat(err).contains(message).hasLineCount(1);
  }

  private ControlTopic control() {
    return new ControlTopic(kafka(), pipeline);
  }

  private static KafkaSettings kafka() {
    return KafkaSettings.of(broker.bootstrapServers());
  }

  private int champion() throws Exception {
    return registry.resolve("fraud").version();
  }

  private int rollout(String... arguments) {
    List<String> all = new ArrayList<>(List.of("rollout"));
    all.addAll(Arrays.asList(arguments));
    all.add("--pipeline=" + directory.resolve("pipeline.yaml"));
    all.add("--brokers=" + broker.bootstrapServers());
    StringWriter outText = new StringWriter();
    StringWriter errText = new StringWriter();
    int code =
        Pelton.commandLine()
            .setOut(new PrintWriter(outText))
            .setErr(new PrintWriter(errText))
            .execute(all.toArray(new String[0]));
    out = outText.toString();
    err = errText.toString();
    return code;
  }

  /** Subtasks that serve what the test lets them, and refuse the rest. */
  private final class Job implements AutoCloseable {
    private final String id;
    private final int subtasks;
    private final Predicate<RolloutPlan> good;
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean running = true;

    Job(String id, int subtasks, Predicate<RolloutPlan> good) throws Exception {
      this.id = id;
      this.subtasks = subtasks;
      this.good = good;
      for (int i = 0; i < subtasks; i++) {
        ControlTopic.Follower follower = control().follow("fraud");
        int subtask = i;
        RolloutPlan first = RolloutPlan.of("fraud", 1);
        tell(follower, subtask, first, first, "");
        Thread thread = new Thread(() -> run(follower, subtask, first));
        thread.start();
        threads.add(thread);
      }
    }

    private void run(ControlTopic.Follower follower, int subtask, RolloutPlan first) {
      try (follower) {
        RolloutPlan serving = first;
        while (running) {
          RolloutPlan next = follower.poll(Duration.ofMillis(50), status -> {}).orElse(serving);
          if (next.revision() > serving.revision()) {
            boolean fine = good.test(next);
            serving = fine ? next : serving;
            tell(follower, subtask, next, serving, fine ? "" : "version 3 is corrupt");
          }
        }
      }
    }

    private void tell(
        ControlTopic.Follower follower,
        int subtask,
        RolloutPlan about,
        RolloutPlan serving,
        String refused) {
      follower.tell(
          RolloutRecord.serving(
                  RolloutStatus.newBuilder()
                      .setModel("fraud")
                      .setJob(id)
                      .setSubtask(subtask)
                      .setSubtasks(subtasks)
                      .setAt(Instant.now())
                      .setRevision(about.revision())
                      .setState(refused.isEmpty() ? RolloutState.SERVING : RolloutState.REFUSED)
                      .setDetail(refused),
                  serving)
              .build());
    }

    @Override
    public void close() throws InterruptedException {
      running = false;
      for (Thread thread : threads) {
        thread.join();
      }
    }
  }
}
