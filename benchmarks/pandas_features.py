"""The card-fraud example's fifteen features with pandas' groupby-rolling, file to file.

pandas_features.py OUTPUT FILE...     computes them
pandas_features.py --compare A B      counts the values in which two feature files differ
"""
import sys
import time

import numpy as np
import pandas as pd

DELAY = 7
WINDOWS = (1, 7, 30)


def rolling(events, key, value, days):
    """Count and sum of each event's (t - days, t], up to the event itself."""
    windows = events.groupby(key, sort=False)[value].rolling(f"{days}D")
    frame = windows.agg(["count", "sum"])
    # Group by group, each in the order of time, as the stable sort below has them.
    return frame["count"].to_numpy(), frame["sum"].to_numpy()


def by_key(transactions, key, value):
    """The events group by group in order of their first event, as rolling gives them."""
    order = np.argsort(pd.factorize(transactions[key])[0], kind="stable")
    events = transactions.iloc[order].set_index("event_time")[[key, value]]
    return order, events


def features(transactions):
    time_of = transactions["event_time"].dt
    out = pd.DataFrame(
        {
            "transaction_id": transactions["transaction_id"],
            "amount": transactions["amount"],
            "during_weekend": (time_of.weekday >= 5).astype(int),
            "during_night": (time_of.hour <= 6).astype(int),
        }
    )
    order, events = by_key(transactions, "customer_id", "amount")
    back = np.argsort(order)
    for days in WINDOWS:
        count, total = rolling(events, "customer_id", "amount", days)
        out[f"customer_tx_count_{days}d"] = count[back].astype(int)
        out[f"customer_mean_amount_{days}d"] = (total / count)[back]
    order, events = by_key(transactions, "terminal_id", "fraud")
    back = np.argsort(order)
    recent_count, recent_frauds = rolling(events, "terminal_id", "fraud", DELAY)
    for days in WINDOWS:
        count, frauds = rolling(events, "terminal_id", "fraud", DELAY + days)
        count, frauds = count - recent_count, frauds - recent_frauds
        with np.errstate(invalid="ignore"):
            risk = np.where(count > 0, frauds / count, 0)
        out[f"terminal_tx_count_{days}d"] = count[back].astype(int)
        out[f"terminal_risk_{days}d"] = risk[back]
    return out


def compare(a, b):
    left = pd.read_csv(a).set_index("transaction_id").sort_index()
    right = pd.read_csv(b).set_index("transaction_id").sort_index()
    if not left.index.equals(right.index) or set(left.columns) != set(right.columns):
        sys.exit("the two files have different rows or columns")
    right = right[left.columns]
    off = ~np.isclose(left.to_numpy(), right.to_numpy(), rtol=1e-9, atol=1e-9, equal_nan=True)
    print(f"{off.sum():,} of {off.size:,} values differ, in {off.any(axis=1).sum():,} rows")


def main():
    if sys.argv[1] == "--compare":
        compare(*sys.argv[2:])
        return
    start = time.perf_counter()
    transactions = pd.concat(
        [pd.read_csv(file, parse_dates=["event_time"]) for file in sys.argv[2:]], ignore_index=True
    ).sort_values(["event_time", "transaction_id"], kind="stable", ignore_index=True)
    read = time.perf_counter()
    table = features(transactions)
    computed = time.perf_counter()
    table.to_csv(sys.argv[1], index=False)
    written = time.perf_counter()
    print(
        f"pandas {pd.__version__}: read {read - start:.1f} s,"
        f" features {computed - read:.1f} s, written {written - computed:.1f} s"
    )


if __name__ == "__main__":
    main()
