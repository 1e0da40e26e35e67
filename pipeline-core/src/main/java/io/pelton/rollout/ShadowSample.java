package io.pelton.rollout;

import java.util.ArrayList;
import java.util.List;

/**
 * Says which events a shadow scores, by a plan: its share of the keys, whatever serves them. The
 * same for the same event, always, and independent of variants and of other shadows.
 */
public final class ShadowSample {
  private final String name;
  private final int version;
  private final Routing routing;
  private final long[] effectiveFrom;
  private final double[] shares;

  private ShadowSample(String name, int version, RolloutPlan plan) {
    this.name = name;
    this.version = version;
    routing = new Routing(plan.salt() + "/shadow/" + name);
    effectiveFrom = plan.steps().stream().mapToLong(Step::effectiveFrom).toArray();
    shares = plan.steps().stream().mapToDouble(this::share).toArray();
  }

  /** Those of all shadows that a plan has at some time, each once. */
  public static List<ShadowSample> of(RolloutPlan plan) {
    List<ShadowSample> samples = new ArrayList<>();
    for (Step step : plan.steps()) {
      for (Variant shadow : step.shadows()) {
        if (samples.stream().noneMatch(known -> known.is(shadow))) {
          samples.add(new ShadowSample(shadow.name(), shadow.version(), plan));
        }
      }
    }
    return samples;
  }

  private boolean is(Variant shadow) {
    return shadow.name().equals(name) && shadow.version() == version;
  }

  private double share(Step step) {
    return step.shadows().stream().filter(this::is).mapToDouble(Variant::share).sum();
  }

  public String name() {
    return name;
  }

  public int version() {
    return version;
  }

  /**
   * @param key of the event's first entity, or its id where there is no entity
   * @param time the event's, epoch milliseconds
   */
  public boolean takes(String key, long time) {
    double share = shares[0];
    for (int i = 1; i < shares.length && effectiveFrom[i] <= time; i++) {
      share = shares[i];
    }
    return share > 0 && (share >= 1 || routing.point(key) < share);
  }
}
