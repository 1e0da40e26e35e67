package io.pelton.drift;

/** What numbers and categories have in common when two sides of them are measured. */
public sealed interface ColumnMeasures permits Measures, CategoryMeasures {
  /** Reference rows, missing ones included. */
  long baselineCount();

  /** Rows of the window, missing ones included. */
  long currentCount();

  /** By how much the rows say less than as many independent ones would; 1 or more. */
  double designEffect();

  long missingBaseline();

  long missingCurrent();

  /** Of the two-proportion z test of the missing shares. */
  double missingPValue();

  /** Population stability index. */
  double psi();

  /** PSI less its expectation under no drift. */
  double psiAdjusted();

  double psiPValue();

  /** Distance, base 2, over PSI's bins. */
  double jensenShannon();

  /** The one that enters false-discovery control. */
  double pValue();
}
