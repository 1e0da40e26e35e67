package io.pelton.drift.job;

import io.pelton.schemas.DriftBin;
import io.pelton.schemas.DriftContribution;
import io.pelton.schemas.DriftReport;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What part each bin of a report has in its PSI. */
final class Contributions {
  private static final MathContext READABLE = new MathContext(4);

  private Contributions() {}

  /** The largest first. */
  static List<DriftContribution> of(DriftReport report) {
    List<DriftBin> bins = report.getBins();
    double n = bins.stream().mapToLong(DriftBin::getBaseline).sum();
    double m = bins.stream().mapToLong(DriftBin::getCurrent).sum();
    double added = bins.size() / 2.0;
    List<DriftContribution> contributions = new ArrayList<>();
    Double below = null;
    for (DriftBin bin : bins) {
      double p = (bin.getBaseline() + 0.5) / (n + added);
      double q = (bin.getCurrent() + 0.5) / (m + added);
      contributions.add(
          new DriftContribution(
              text(bin, below),
              n == 0 ? 0 : bin.getBaseline() / n,
              m == 0 ? 0 : bin.getCurrent() / m,
              (q - p) * Math.log(q / p)));
      below = bin.getUpper();
    }
    contributions.sort(Comparator.comparing(DriftContribution::getPsi).reversed());
    return contributions;
  }

  private static String text(DriftBin bin, @Nullable Double below) {
    return switch (bin.getKind()) {
      case VALUE -> String.valueOf(bin.getValue());
      case MISSING, OTHER, UNSEEN -> bin.getKind().name().toLowerCase(Locale.ROOT);
      case RANGE -> range(below, bin.getUpper());
    };
  }

  private static String range(@Nullable Double below, @Nullable Double upper) {
    if (upper == null || upper == Double.POSITIVE_INFINITY) {
      return below == null ? "any value" : "above " + number(below);
    }
    return below == null
        ? "up to " + number(upper)
        : "(%s, %s]".formatted(number(below), number(upper));
  }

  private static String number(double value) {
    return Double.isFinite(value)
        ? new BigDecimal(value).round(READABLE).stripTrailingZeros().toPlainString()
        : Double.toString(value);
  }
}
