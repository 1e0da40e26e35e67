package io.pelton.drift.job;

/** Names of everything that the drift job counts. */
public final class DriftMetrics {
  /** Rows that came in; also an accumulator. */
  public static final String IN = "drift.in";

  /** Rows counted in a window; also an accumulator. */
  public static final String COUNTED = "drift.counted";

  /** Rows whose window was closed already; also an accumulator. */
  public static final String LATE = "drift.late";

  /** Rows of versions without a baseline; also an accumulator. */
  public static final String DEAD = "drift.dead";

  /** Rows with declared outputs, which are of no version; also an accumulator. */
  public static final String DECLARED = "drift.declared";

  /** Windows that were reported, all features of one version together. */
  public static final String WINDOWS_REPORTED = "drift.windowsReported";

  /** Features whose window drifted. */
  public static final String FEATURES_DRIFTED = "drift.featuresDrifted";

  public static final String ALERTS_OPENED = "drift.alertsOpened";

  public static final String ALERTS_RESOLVED = "drift.alertsResolved";

  /** Windows handed on before they closed, to bound memory. */
  public static final String HANDED_ON_EARLY = "drift.windowsHandedOnEarly";

  private DriftMetrics() {}
}
