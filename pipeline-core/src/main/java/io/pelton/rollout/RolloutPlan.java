package io.pelton.rollout;

import java.io.Serializable;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * All that a model is to serve. Immutable: each command makes the next revision of it.
 *
 * @param revision grows by one with each command
 * @param salt of the hash of the entity key that chooses a variant
 * @param steps by {@link Step#effectiveFrom}, the first {@link Step#ALWAYS}
 * @param previous what a rollback returns to, null before the first change
 */
public record RolloutPlan(
    String model, long revision, String salt, List<Step> steps, @Nullable Step previous)
    implements Serializable {
  public RolloutPlan {
    steps = List.copyOf(steps);
    if (steps.isEmpty() || steps.get(0).effectiveFrom() != Step.ALWAYS) {
      throw new IllegalArgumentException(
          "the plan of model " + model + " must begin with what holds before all event times");
    }
    for (int i = 1; i < steps.size(); i++) {
      if (steps.get(i).effectiveFrom() <= steps.get(i - 1).effectiveFrom()) {
        throw new IllegalArgumentException(
            "the steps of the plan of model " + model + " must be in order of their event times");
      }
    }
  }

  /** A plan before any command: one version for all. */
  public static RolloutPlan of(String model, int version) {
    return new RolloutPlan(model, 0, model, List.of(Step.champion(version)), null);
  }

  /** The same under another number. */
  public RolloutPlan withRevision(long other) {
    return new RolloutPlan(model, other, salt, steps, previous);
  }

  /** What is in force at an event time. */
  public Step at(long eventTime) {
    Step found = steps.get(0);
    for (int i = 1; i < steps.size() && steps.get(i).effectiveFrom() <= eventTime; i++) {
      found = steps.get(i);
    }
    return found;
  }

  /** What is in force after all changes that are planned. */
  public Step last() {
    return steps.get(steps.size() - 1);
  }

  /** Whether it changes at an event time, which all subtasks of a job must be ready for. */
  public boolean timed() {
    return steps.size() > 1;
  }

  /** The plan without its last change, as it was before. */
  public RolloutPlan beforeLast() {
    return new RolloutPlan(model, revision - 1, salt, steps.subList(0, steps.size() - 1), null);
  }

  /**
   * The first event time at which it differs from another plan; {@link Long#MAX_VALUE} when it does
   * nowhere.
   */
  public long differsFrom(RolloutPlan other) {
    if (!salt.equals(other.salt)) {
      return Step.ALWAYS;
    }
    SortedSet<Long> times = new TreeSet<>();
    steps.forEach(step -> times.add(step.effectiveFrom()));
    other.steps.forEach(step -> times.add(step.effectiveFrom()));
    for (long time : times) {
      if (!at(time).from(Step.ALWAYS).equals(other.at(time).from(Step.ALWAYS))) {
        return time;
      }
    }
    return Long.MAX_VALUE;
  }

  /** What it says, for people: {@code champion @3; from 2018-06-01T00:00:00Z champion @4}. */
  public String words() {
    List<String> words = new ArrayList<>();
    for (Step step : steps) {
      String from =
          step.effectiveFrom() == Step.ALWAYS
              ? ""
              : "from " + Instant.ofEpochMilli(step.effectiveFrom()) + " ";
      words.add(from + step.words());
    }
    return String.join("; ", words);
  }

  /** All versions that it needs loaded. */
  public SortedSet<Integer> versions() {
    SortedSet<Integer> versions = new TreeSet<>();
    steps.forEach(step -> versions.addAll(step.versions()));
    return versions;
  }

  /** Of those the ones that serve. */
  public SortedSet<Integer> serving() {
    SortedSet<Integer> versions = new TreeSet<>();
    steps.forEach(step -> versions.addAll(step.serving()));
    return versions;
  }

  /** Those that serve after a rollback: they stay loaded, or are when that can be. */
  public SortedSet<Integer> warm() {
    return previous == null ? new TreeSet<>() : previous.serving();
  }

  /**
   * One version for all events that no segment takes.
   *
   * @param from event time from which on, {@link Step#ALWAYS} for at once
   */
  public RolloutPlan deploy(int version, long from) {
    return next(last().withVariants(Step.champion(version).variants()), from);
  }

  /**
   * A version takes a part of the champion's traffic. Keys that have it keep it when the part
   * grows.
   *
   * @param share above 0, below 1
   * @throws IllegalStateException when there is no champion whose traffic it could take, or it is
   *     at once before a change that is planned
   */
  public RolloutPlan canary(int version, double share, long from) {
    requireNothingPlanned(from);
    return next(
        last()
            .withVariants(
                List.of(
                    new Variant(Variant.CANARY, version, share),
                    new Variant(Variant.CHAMPION, champion(), 1 - share))),
        from);
  }

  /** Named variants share the traffic. */
  public RolloutPlan ab(List<Variant> variants, long from) {
    return next(last().withVariants(variants), from);
  }

  /**
   * A variant takes all the traffic that no segment takes, as champion.
   *
   * @throws IllegalArgumentException when there is none of that name
   */
  public RolloutPlan promote(String variant, long from) {
    for (Variant one : last().variants()) {
      if (one.name().equals(variant)) {
        return deploy(one.version(), from);
      }
    }
    throw new IllegalArgumentException(
        "model %s has no variant \"%s\"; it has %s"
            .formatted(model, variant, last().variants().stream().map(Variant::name).toList()));
  }

  /**
   * What was in force before the last change of what serves, with the shadows of now, at once;
   * changes that are planned are dropped.
   *
   * @throws IllegalStateException when nothing was changed yet
   */
  public RolloutPlan rollback() {
    if (previous == null) {
      throw new IllegalStateException(
          "model " + model + " was not changed since its first version: there is nothing before");
    }
    return next(previous, Step.ALWAYS);
  }

  /**
   * A version is scored beside what serves. At once, it does not change what a rollback returns to:
   * who rolls back means what serves.
   *
   * @param share of the entity keys, above 0, at most 1
   * @throws IllegalStateException when it is at once before a change that is planned
   */
  public RolloutPlan shadow(String name, int version, double share, long from) {
    requireNothingPlanned(from);
    List<Variant> shadows = without(name, last().shadows());
    shadows.add(new Variant(name, version, share));
    return withShadows(shadows, from);
  }

  /**
   * @throws IllegalArgumentException when there is none of that name
   * @throws IllegalStateException when it is at once before a change that is planned
   */
  public RolloutPlan endShadow(String name, long from) {
    requireNothingPlanned(from);
    List<Variant> left = without(name, last().shadows());
    if (left.size() == last().shadows().size()) {
      throw new IllegalArgumentException(
          "model %s has no shadow \"%s\"; it has %s"
              .formatted(model, name, last().shadows().stream().map(Variant::name).toList()));
    }
    return withShadows(left, from);
  }

  private RolloutPlan withShadows(List<Variant> shadows, long from) {
    RolloutPlan changed = next(last().withShadows(shadows), from);
    return from != Step.ALWAYS || previous == null
        ? changed
        : new RolloutPlan(
            model, changed.revision, salt, changed.steps, previous.withShadows(shadows));
  }

  /**
   * A version scores the events of a segment; one of that name is replaced, in its place.
   *
   * @throws IllegalStateException when it is at once before a change that is planned
   */
  public RolloutPlan segment(Segment segment, long from) {
    requireNothingPlanned(from);
    List<Segment> segments = new ArrayList<>(last().segments());
    for (int i = 0; i < segments.size(); i++) {
      if (segments.get(i).name().equals(segment.name())) {
        segments.set(i, segment);
        return next(last().withSegments(segments), from);
      }
    }
    segments.add(segment);
    return next(last().withSegments(segments), from);
  }

  /**
   * @throws IllegalArgumentException when there is none of that name
   * @throws IllegalStateException when it is at once before a change that is planned
   */
  public RolloutPlan endSegment(String name, long from) {
    requireNothingPlanned(from);
    List<Segment> left = new ArrayList<>(last().segments());
    if (!left.removeIf(segment -> segment.name().equals(name))) {
      throw new IllegalArgumentException(
          "model %s has no segment \"%s\"; it has %s"
              .formatted(model, name, last().segments().stream().map(Segment::name).toList()));
    }
    return next(last().withSegments(left), from);
  }

  /** Whoever adds to what serves does not mean that what is planned holds at once as well. */
  private void requireNothingPlanned(long from) {
    if (from == Step.ALWAYS && timed()) {
      Instant planned = Instant.ofEpochMilli(last().effectiveFrom());
      throw new IllegalStateException(
          "model %s changes at %s to %s, which would hold at once with this change; when events have reached that time, deploy what serves to settle it; before, give this change a time from there on (--effective-from), or drop the plan by pelton rollout rollback"
              .formatted(model, planned, last().words()));
    }
  }

  private static List<Variant> without(String name, List<Variant> variants) {
    List<Variant> left = new ArrayList<>(variants);
    left.removeIf(variant -> variant.name().equals(name));
    return left;
  }

  private int champion() {
    for (Variant variant : last().variants()) {
      if (variant.name().equals(Variant.CHAMPION)) {
        return variant.version();
      }
    }
    throw new IllegalStateException(
        "model %s has no champion, but the variants %s; promote one of them first"
            .formatted(model, last().variants().stream().map(Variant::name).toList()));
  }

  /**
   * With a change: one at once takes the place of all steps, one from a time on is added behind
   * those before it, and ends those after it. One that only settles what was planned keeps what a
   * rollback returns to.
   */
  private RolloutPlan next(Step change, long from) {
    List<Step> next = new ArrayList<>();
    if (from != Step.ALWAYS) {
      for (Step step : steps) {
        if (step.effectiveFrom() < from) {
          next.add(step);
        }
      }
    }
    next.add(change.from(from));
    boolean settles = timed() && change.from(from).equals(last().from(Step.ALWAYS));
    Step before = settles ? steps.get(steps.size() - 2) : last();
    return new RolloutPlan(model, revision + 1, salt, next, before.from(Step.ALWAYS));
  }
}
