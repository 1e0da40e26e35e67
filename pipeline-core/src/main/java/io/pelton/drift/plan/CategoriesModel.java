package io.pelton.drift.plan;

import io.pelton.drift.Thresholds;
import io.pelton.drift.plan.ColumnPlan.Change;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Categories; a window that drifted has a share of rows with a value that was not there. */
final class CategoriesModel implements Model {
  /** Bins of which fewer rows are expected are pooled. */
  private static final double EXPECTED = 5;

  private static final double LARGEST = 0.999;

  private final Thresholds thresholds;
  private final double level;
  private final Sampling rows;

  /** Of the reference, with that of missing values. */
  private final double[] shares;

  private final double missing;

  CategoriesModel(Column.Categories column, Request request, double level) {
    this.level = level;
    thresholds = request.thresholds();
    double all = column.rows();
    rows = Sampling.of(request, all);
    missing = column.missing() / all;
    shares =
        Stream.concat(column.counts().values().stream(), Stream.of(column.missing()))
            .mapToDouble(count -> count / all)
            .filter(share -> share > 0)
            .toArray();
  }

  @Override
  public ColumnPlan.Kind kind() {
    return ColumnPlan.Kind.CATEGORICAL;
  }

  private double all() {
    return rows.n() + rows.m();
  }

  /** χ² at which the bias-corrected V of two rows is {@code v}. */
  private double chiSquareAt(double v, int freedom) {
    return all() * (v * v + freedom / (all() - 1));
  }

  private double vAt(double chiSquare, int freedom) {
    return Math.sqrt(Math.max(0, chiSquare / all() - freedom / (all() - 1)));
  }

  @Override
  public double driftRate() {
    int freedom = pooled(new Shares(shares, shares)).p().length - 1;
    double effect =
        Sampling.chiSquareTail(chiSquareAt(thresholds.cramersV(), freedom), freedom)
            + rows.psiTail(thresholds.psi(), freedom + 1);
    return Math.min(level, effect);
  }

  @Override
  public double leastSignificant() {
    int freedom = Math.max(1, pooled(new Shares(shares, shares)).p().length - 1);
    return vAt(Sampling.criticalChiSquare(level, freedom), freedom);
  }

  @Override
  public boolean significanceBinds() {
    return leastSignificant() > thresholds.cramersV();
  }

  @Override
  public double largest() {
    return LARGEST;
  }

  @Override
  public double seen(double size) {
    return seen(withNew(size));
  }

  private double seen(Shares changed) {
    int freedom = changed.p().length - 1;
    if (freedom == 0) {
      return 0;
    }
    double significant = changed.chiSquareReaches(Sampling.criticalChiSquare(level, freedom), rows);
    double far = changed.chiSquareReaches(chiSquareAt(thresholds.cramersV(), freedom), rows);
    return Math.min(significant, Math.max(far, changed.psiReaches(thresholds.psi(), rows)));
  }

  private Shares withNew(double share) {
    double[] p = Arrays.copyOf(shares, shares.length + 1);
    double[] q = Arrays.stream(p).map(before -> before * (1 - share)).toArray();
    q[shares.length] = share;
    return pooled(new Shares(p, q));
  }

  /** As windows are: the bins with the fewest rows, until five are expected. */
  private Shares pooled(Shares all) {
    Integer[] order =
        IntStream.range(0, all.p().length)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer bin) -> -count(all, bin)))
            .toArray(Integer[]::new);
    double smallerShare = Math.min(rows.n(), rows.m()) / all();
    int kept = order.length;
    double p = 0;
    double q = 0;
    double other = 0;
    while (kept > 0
        && (count(all, order[kept - 1]) * smallerShare < EXPECTED
            || (other > 0 && other * smallerShare < EXPECTED))) {
      kept--;
      p += all.p()[order[kept]];
      q += all.q()[order[kept]];
      other += count(all, order[kept]);
    }
    double[] before = new double[kept + (other > 0 ? 1 : 0)];
    double[] now = new double[before.length];
    for (int bin = 0; bin < kept; bin++) {
      before[bin] = all.p()[order[bin]];
      now[bin] = all.q()[order[bin]];
    }
    if (other > 0) {
      before[kept] = p;
      now[kept] = q;
    }
    return new Shares(before, now);
  }

  private double count(Shares all, int bin) {
    return all.p()[bin] * rows.n() + all.q()[bin] * rows.m();
  }

  @Override
  public Change change(double size) {
    Shares changed = withNew(size);
    return new Change(
        size,
        vAt(changed.noncentrality(rows) + changed.p().length - 1, changed.p().length - 1),
        changed.psi(rows));
  }

  /** What goes missing leaves all values alike; where nothing was missing it is a new one. */
  @Override
  public double seenMissing(double share) {
    if (missing == 0) {
      return seen(withNew(Math.min(share, LARGEST)));
    }
    double now = missing + (1 - missing) * share;
    double[] q = new double[shares.length];
    for (int bin = 0; bin < q.length; bin++) {
      q[bin] = shares[bin] * (1 - share);
    }
    q[q.length - 1] = now;
    return seen(pooled(new Shares(shares, q)));
  }
}
