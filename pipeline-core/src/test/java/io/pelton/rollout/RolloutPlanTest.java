package io.pelton.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.schemas.ModelCommand;
import io.pelton.schemas.RolloutState;
import io.pelton.schemas.RolloutStatus;
import java.time.Instant;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class RolloutPlanTest {
  private static final long NOW = Step.ALWAYS;
  private final RolloutPlan one = RolloutPlan.of("fraud", 1);

  @Test
  void aVersionIsInForceFromItsEventTimeOn() {
    RolloutPlan plan = one.deploy(2, 1_000).deploy(3, 2_000);
    assertThat(List.of(-5L, 999L, 1_000L, 1_999L, 2_000L))
        .map(time -> plan.at(time).variants().get(0).version())
        .containsExactly(1, 1, 2, 2, 3);
    assertThat(plan.revision()).isEqualTo(2);
    assertThat(plan.versions()).containsExactly(1, 2, 3);
  }

  @Test
  void aChangeFromATimeOnEndsThoseAfterItAndOneAtOnceAll() {
    RolloutPlan planned = one.deploy(2, 1_000).deploy(3, 2_000);
    assertThat(planned.deploy(4, 1_500).steps())
        .extracting(Step::effectiveFrom)
        .containsExactly(NOW, 1_000L, 1_500L);
    assertThat(planned.deploy(4, NOW).steps()).extracting(Step::effectiveFrom).containsExactly(NOW);
  }

  @Test
  void whatIsAddedAtOnceDoesNotBringForwardWhatIsPlanned() {
    RolloutPlan planned = one.deploy(2, 1_000);
    Segment segment = new Segment("at night", "hour < 6", 5);
    List<ThrowingCallable> changes =
        List.of(
            () -> planned.canary(3, 0.5, NOW),
            () -> planned.shadow("next", 3, 1, NOW),
            () -> planned.endShadow("next", NOW),
            () -> planned.segment(segment, NOW),
            () -> planned.endSegment("at night", NOW));
    assertThat(changes)
        .allSatisfy(
            change ->
                assertThatThrownBy(change)
                    .hasMessageStartingWith(
                        "model fraud changes at 1970-01-01T00:00:01Z to champion @2, which would"));
    assertThat(planned.shadow("next", 3, 1, 2_000).steps()).hasSize(3);
  }

  @Test
  void aPlanThatIsSettledIsRolledBackToWhatWasBeforeIt() {
    RolloutPlan settled = one.deploy(2, 1_000).deploy(2, NOW);
    assertThat(settled.steps()).hasSize(1);
    assertThat(settled.warm()).containsExactly(1);
    assertThat(settled.rollback().last()).isEqualTo(one.last());
    assertThat(settled.shadow("next", 3, 1, NOW).last().shadows()).hasSize(1);
    assertThat(one.deploy(2, 1_000).deploy(3, NOW).warm()).containsExactly(2);
  }

  @Test
  void aCanaryTakesItsShareOfTheChampionAndIsPromoted() {
    RolloutPlan canary = one.canary(2, 0.1, NOW);
    assertThat(canary.last().variants())
        .containsExactly(new Variant("canary", 2, 0.1), new Variant("champion", 1, 0.9));
    assertThat(canary.canary(2, 0.5, NOW).last().variants())
        .extracting(Variant::share)
        .containsExactly(0.5, 0.5);
    assertThat(canary.promote("canary", NOW).last().variants())
        .containsExactly(new Variant("champion", 2, 1));
    assertThatThrownBy(() -> canary.promote("canari", NOW))
        .hasMessage("model fraud has no variant \"canari\"; it has [canary, champion]");
  }

  @Test
  void aRollbackReturnsToWhatWasBeforeWithItsSegmentsAndShadows() {
    RolloutPlan before =
        one.segment(new Segment("at night", "hour < 6", 5), NOW).shadow("next", 7, 0.5, NOW);
    RolloutPlan after = before.deploy(2, NOW);
    assertThat(after.versions()).containsExactly(2, 5, 7);
    assertThat(after.serving()).containsExactly(2, 5);
    assertThat(after.warm()).containsExactly(1, 5);
    assertThat(after.rollback().last()).isEqualTo(before.last());
    assertThat(after.rollback().revision()).isEqualTo(after.revision() + 1);
    assertThat(after.rollback().rollback().last()).isEqualTo(after.last());
    // What is planned is dropped.
    assertThat(before.deploy(2, 1_000).rollback().steps()).containsExactly(before.last());
    assertThatThrownBy(one::rollback).hasMessageContaining("nothing before");
  }

  @Test
  void aRollbackIsOfWhatServesAndLeavesTheShadowsOfNow() {
    RolloutPlan deployed = one.shadow("old", 6, 1, NOW).deploy(4, NOW);
    RolloutPlan rolledBack = deployed.shadow("next", 7, 0.5, NOW).endShadow("old", NOW).rollback();
    assertThat(rolledBack.last().words()).isEqualTo("champion @1, shadow next @7 50 %");
    assertThat(rolledBack.rollback().last().words()).isEqualTo("champion @4, shadow next @7 50 %");
    assertThat(one.shadow("next", 7, 1, NOW).rollback().last().words())
        .as("nothing else was changed")
        .isEqualTo("champion @1");
    assertThat(deployed.shadow("next", 7, 1, 2_000).rollback().last().words())
        .as("what was planned is dropped")
        .isEqualTo("champion @4, shadow old @6");
  }

  @Test
  void segmentsAndShadowsAreReplacedByNameAndEnded() {
    RolloutPlan plan =
        one.segment(new Segment("a", "x > 1", 2), NOW)
            .segment(new Segment("b", "x > 2", 3), NOW)
            .segment(new Segment("a", "x > 3", 4), NOW);
    assertThat(plan.last().segments())
        .containsExactly(new Segment("a", "x > 3", 4), new Segment("b", "x > 2", 3));
    assertThat(plan.endSegment("a", NOW).last().segments()).hasSize(1);
    assertThatThrownBy(() -> plan.endSegment("c", NOW))
        .hasMessageContaining("\"c\"; it has [a, b]");
    RolloutPlan shadow = one.shadow("next", 2, 1, NOW).shadow("next", 3, 0.5, NOW);
    assertThat(shadow.last().shadows()).containsExactly(new Variant("next", 3, 0.5));
    assertThat(shadow.endShadow("next", NOW).last().shadows()).isEmpty();
    assertThatThrownBy(() -> one.endShadow("next", NOW)).hasMessageContaining("it has []");
  }

  @Test
  void sharesMustAddUpAndNamesDiffer() {
    assertThatThrownBy(() -> one.ab(List.of(new Variant("a", 1, 0.5)), NOW))
        .hasMessageContaining("add up to 0.5; they must add up to 1");
    assertThatThrownBy(
            () -> one.ab(List.of(new Variant("a", 1, 0.5), new Variant("a", 2, 0.5)), NOW))
        .hasMessageContaining("called \"a\"");
    assertThatThrownBy(() -> one.canary(2, 1, NOW)).hasMessageContaining("share 0.0");
    assertThatThrownBy(() -> new Variant("a", 0, 1)).hasMessageContaining("version 0");
  }

  @Test
  void aPlanIsARecordAndBack() {
    RolloutPlan plan =
        one.segment(new Segment("at night", "hour < 6", 5), NOW)
            .shadow("next", 7, 0.5, NOW)
            .canary(2, 0.1, 86_400_000);
    ModelCommand record = RolloutRecord.of(plan, "canary fraud@2 10 %", Instant.EPOCH, "someone");
    assertThat(RolloutRecord.plan(record)).isEqualTo(plan);
    assertThat(record.getPlan().get(1).getEffectiveFrom())
        .isEqualTo(Instant.ofEpochMilli(86_400_000));
    record.setPlan(List.of());
    assertThatThrownBy(() -> RolloutRecord.plan(record))
        .hasMessageStartingWith("revision 3 of the plan of model fraud: ");
  }

  @Test
  void aStatusSaysWhatIsServedInWordsAndWhole() {
    RolloutPlan plan = one.canary(2, 0.125, NOW).deploy(2, 86_400_000).withRevision(9);
    assertThat(plan.words())
        .isEqualTo("canary @2 12.5 %, champion @1 87.5 %; from 1970-01-02T00:00:00Z champion @2");
    RolloutStatus status =
        RolloutRecord.serving(
                RolloutStatus.newBuilder()
                    .setModel(plan.model())
                    .setJob("job")
                    .setSubtask(0)
                    .setSubtasks(1)
                    .setAt(Instant.EPOCH)
                    .setRevision(10)
                    .setState(RolloutState.REFUSED)
                    .setDetail("why"),
                plan)
            .build();
    assertThat(status.getServing()).isEqualTo(plan.words());
    assertThat(RolloutRecord.served(status, plan.salt())).isEqualTo(plan);
  }
}
