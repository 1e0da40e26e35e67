package io.pelton.drift.plan;

import io.pelton.drift.FeatureProfile;
import io.pelton.drift.Thresholds;
import io.pelton.drift.plan.ColumnPlan.Change;
import java.util.Arrays;

/**
 * Numbers. A window is thought of as drawn from the reference, moved by a number of standard
 * deviations: its distribution function at each edge is the reference's before it, straight lines
 * between edges. So a fraction of a step of whole numbers is that share of the rows a step further.
 */
final class NumbersModel implements Model {
  private static final int DECILES = 10;
  private static final double LARGEST = 20;
  private static final double MOST_MISSING = 0.999;

  private final FeatureProfile profile;
  private final Thresholds thresholds;
  private final double level;
  private final double missing;
  private final Sampling rows;
  private final Sampling values;

  /** Share of the values at or below each edge. */
  private final double[] below;

  /** Edges at which PSI's bins end, but for the last. */
  private final int[] bounds;

  private double leastSignificant = Double.NaN;

  NumbersModel(FeatureProfile profile, Request request, double level) {
    this.profile = profile;
    this.level = level;
    thresholds = request.thresholds();
    long all = profile.rows();
    long present = all - profile.missing();
    missing = (double) profile.missing() / all;
    rows = Sampling.of(request, all);
    values =
        Sampling.of(
            request.withRows(Math.max(1, request.rows() * (1 - missing))), Math.max(1, present));
    long[] counts = profile.counts();
    below = new double[profile.edges().length];
    bounds = new int[DECILES];
    int bins = 0;
    long sum = 0;
    int decile = 1;
    for (int edge = 0; edge < below.length; edge++) {
      sum += counts[2 * edge] + counts[2 * edge + 1];
      below[edge] = (double) sum / present;
      if (decile < DECILES && sum * DECILES >= present * decile) {
        bounds[bins++] = edge;
        while (decile < DECILES && sum * DECILES >= present * decile) {
          decile++;
        }
      }
    }
    if (bins > 0 && below[bounds[bins - 1]] == 1) {
      bins--;
    }
    bounds[DECILES - 1] = bins;
  }

  private int binBounds() {
    return bounds[DECILES - 1];
  }

  @Override
  public ColumnPlan.Kind kind() {
    return ColumnPlan.Kind.NUMERIC;
  }

  @Override
  public double driftRate() {
    int bins = binBounds() + 1 + (missing > 0 ? 1 : 0);
    double effect =
        (below.length == 0 ? 0 : values.distanceTail(thresholds.ks()))
            + rows.psiTail(thresholds.psi(), bins);
    return Math.min(level, effect);
  }

  @Override
  public double leastSignificant() {
    if (Double.isNaN(leastSignificant)) {
      leastSignificant = values.criticalDistance(ownLevel());
    }
    return leastSignificant;
  }

  /** The test of missing values takes half of it where there are any. */
  private double ownLevel() {
    return missing > 0 ? level / 2 : level;
  }

  @Override
  public boolean significanceBinds() {
    return values.distanceTail(thresholds.ks()) > ownLevel();
  }

  @Override
  public double largest() {
    return below.length == 0 || !(profile.stddev() > 0) ? 0 : LARGEST;
  }

  /** The lower bound of Massey (1950): the distance is at least that at its likeliest place. */
  @Override
  public double seen(double size) {
    double[] moved = moved(size);
    int at = farthest(moved);
    if (at < 0) {
      return 0;
    }
    double distance = Math.abs(below[at] - moved[at]);
    double deviation =
        Math.sqrt(
            below[at] * (1 - below[at]) / values.n() + moved[at] * (1 - moved[at]) / values.m());
    double significant = Shares.reached(distance - leastSignificant(), deviation);
    double far = Shares.reached(distance - thresholds.ks(), deviation);
    double unstable = shares(moved, 0).psiReaches(thresholds.psi(), rows);
    return Math.min(significant, Math.max(far, unstable));
  }

  private double[] moved(double size) {
    double[] edges = profile.edges();
    double by = size * profile.stddev();
    double[] moved = new double[edges.length];
    for (int edge = 0; edge < edges.length; edge++) {
      moved[edge] = by == 0 ? below[edge] : at(edges, edges[edge] - by);
    }
    return moved;
  }

  private double at(double[] edges, double value) {
    int found = Arrays.binarySearch(edges, value);
    if (found >= 0) {
      return below[found];
    }
    int next = -found - 1;
    if (next == edges.length) {
      return 1;
    }
    double after = edges[next];
    double before = next > 0 ? edges[next - 1] : after - (edges.length > 1 ? edges[1] - after : 0);
    double from = next > 0 ? below[next - 1] : 0;
    double part = (value - before) / (after - before);
    return part > 0 ? from + (below[next] - from) * part : from;
  }

  private int farthest(double[] moved) {
    int at = -1;
    double largest = -1;
    for (int edge = 0; edge < moved.length; edge++) {
      double distance = Math.abs(below[edge] - moved[edge]);
      if (distance > largest) {
        largest = distance;
        at = edge;
      }
    }
    return at;
  }

  /** In PSI's bins. */
  private Shares shares(double[] moved, double goneMissing) {
    int bins = binBounds() + 1;
    boolean holes = missing > 0 || goneMissing > 0;
    double[] p = new double[bins + (holes ? 1 : 0)];
    double[] q = new double[p.length];
    double before = 0;
    double beforeMoved = 0;
    double missingNow = missing + (1 - missing) * goneMissing;
    for (int bin = 0; bin < bins; bin++) {
      double upTo = bin < binBounds() ? below[bounds[bin]] : 1;
      double upToMoved = bin < binBounds() ? moved[bounds[bin]] : 1;
      p[bin] = (upTo - before) * (1 - missing);
      q[bin] = (upToMoved - beforeMoved) * (1 - missingNow);
      before = upTo;
      beforeMoved = upToMoved;
    }
    if (holes) {
      p[bins] = missing;
      q[bins] = missingNow;
    }
    return new Shares(p, q);
  }

  @Override
  public Change change(double size) {
    double[] moved = moved(size);
    int at = farthest(moved);
    return new Change(size, Math.abs(below[at] - moved[at]), shares(moved, 0).psi(rows));
  }

  @Override
  public double seenMissing(double share) {
    if (share > MOST_MISSING) {
      return seenMissing(MOST_MISSING);
    }
    double now = missing + (1 - missing) * share;
    double pooled = (missing * rows.n() + now * rows.m()) / (rows.n() + rows.m());
    double limit =
        Sampling.quantile(1 - level / 4) * Math.sqrt(pooled * (1 - pooled) * rows.noise());
    double deviation = Math.sqrt(missing * (1 - missing) / rows.n() + now * (1 - now) / rows.m());
    double significant = Shares.reached(now - missing - limit, deviation);
    return Math.min(significant, shares(below, share).psiReaches(thresholds.psi(), rows));
  }
}
