"""What SciPy says of two CSV files, column by column, as JSON: scipy_compare.py BASELINE CURRENT"""

import csv
import json
import sys

import numpy as np
from scipy import stats
from scipy.spatial import distance


def read(path):
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    return {name: [row[i] for row in rows[1:]] for i, name in enumerate(rows[0])}


def number(text):
    try:
        return float(text)
    except ValueError:
        return None


def numeric(baseline, current):
    x = np.array([float(v) for v in baseline if v and not np.isnan(float(v))])
    y = np.array([float(v) for v in current if v and not np.isnan(float(v))])
    n, m = len(x), len(y)
    result = {}
    if n and m:
        ks = stats.ks_2samp(x, y, method="exact" if n * m <= 10_000 else "asymp")
        result = {"statistic": ks.statistic, "pValue": ks.pvalue}
    finite = x[np.isfinite(x)]
    if n and m and np.isfinite(x).all() and np.isfinite(y).all() and np.std(x) > 0:
        result["wasserstein"] = stats.wasserstein_distance(x, y) / np.std(finite)
    # PSI's bins, by their definition: at the smallest values with F at or above k/10.
    ordered = np.sort(x)
    cuts = sorted({ordered[-(-k * n // 10) - 1] for k in range(1, 10)}) if n else []
    p = np.bincount(np.searchsorted(cuts, x, side="left"), minlength=len(cuts) + 1)
    q = np.bincount(np.searchsorted(cuts, y, side="left"), minlength=len(cuts) + 1)
    p, q = np.append(p, len(baseline) - n), np.append(q, len(current) - m)
    kept = (p > 0) | (q > 0)
    result.update(stability(p[kept], q[kept]))
    return result


def stability(p, q):
    bins = len(p)
    n, m = p.sum(), q.sum()
    smooth_p = (p + 0.5) / (n + bins / 2)
    smooth_q = (q + 0.5) / (m + bins / 2)
    psi = float(((smooth_q - smooth_p) * np.log(smooth_q / smooth_p)).sum())
    sampling = 1 / n + 1 / m
    return {
        "psi": psi,
        "psiAdjusted": psi - (bins - 1) * sampling,
        "psiPValue": float(stats.chi2.sf(psi / sampling, bins - 1)) if bins > 1 else 1,
        "jensenShannon": float(distance.jensenshannon(p, q, base=2)),
    }


def categorical(baseline, current):
    values = sorted(set(baseline) | set(current))
    table = [[baseline.count(v), current.count(v)] for v in values]
    n, m = len(baseline), len(current)
    share = min(n, m) / (n + m)
    table.sort(key=sum)
    other = [0, 0]
    while table and (sum(table[0]) * share < 5 or 0 < sum(other) * share < 5):
        row = table.pop(0)
        other = [other[0] + row[0], other[1] + row[1]]
    if sum(other):
        table.append(other)
    table = np.array(table)
    result = stability(table[:, 0], table[:, 1])
    if len(table) == 1:
        return result | {"statistic": 0, "pValue": 1}
    chi = stats.chi2_contingency(table, correction=False)
    return result | {"statistic": chi.statistic, "pValue": chi.pvalue}


def main(baseline, current):
    left, right = read(baseline), read(current)
    result = {}
    for name in left:
        both = left[name] + right[name]
        if all(number(v) is not None for v in both if v):
            result[name] = numeric(left[name], right[name])
        else:
            result[name] = categorical(left[name], right[name])
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
