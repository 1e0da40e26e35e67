"""The statistics of `pelton drift compare` for numbers, by pandas and SciPy.

pandas_compare.py BASELINE CURRENT     reads two CSV files and prints what each column's are
"""
import sys
import time

import numpy as np
import pandas as pd
from scipy import stats
from scipy.spatial import distance


def stability(p, q):
    n, m = p.sum(), q.sum()
    bins = len(p)
    smooth_p = (p + 0.5) / (n + bins / 2)
    smooth_q = (q + 0.5) / (m + bins / 2)
    psi = ((smooth_q - smooth_p) * np.log(smooth_q / smooth_p)).sum()
    p_value = stats.chi2.sf(psi / (1 / n + 1 / m), bins - 1)
    return psi, p_value, distance.jensenshannon(p, q, base=2)


def compare(x, y):
    x, y = x[~np.isnan(x)], y[~np.isnan(y)]
    ks = stats.ks_2samp(x, y, method="asymp")
    apart = stats.wasserstein_distance(x, y) / x.std()
    cuts = np.unique(np.quantile(x, np.arange(1, 10) / 10, method="inverted_cdf"))
    p = np.bincount(np.searchsorted(cuts, x), minlength=len(cuts) + 1)
    q = np.bincount(np.searchsorted(cuts, y), minlength=len(cuts) + 1)
    return ks.statistic, ks.pvalue, apart, *stability(p, q)


def main():
    start = time.perf_counter()
    baseline, current = (pd.read_csv(file) for file in sys.argv[1:])
    read = time.perf_counter()
    for name in baseline.columns:
        print(name, *compare(baseline[name].to_numpy(), current[name].to_numpy()))
    print(f"read {read - start:.1f} s, compared {time.perf_counter() - read:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
