#!/usr/bin/env python3
"""A small golden file for the comparison of intermediates and of motions (docs/intermediates.md).

NumPy and SciPy compute every number from seeded synthetic arrays, by their own functions (corrcoef, spearmanr, kendalltau, interp1d)
and from the definitions. Nothing is shared with the Rust program.

    python tests/data/make_golden_intermediates.py [folder]

writes compare/intermediates.npz below `folder`, by default tests/data/golden beside this file. Made with NumPy 2.4 and SciPy 1.17.
"""

import sys
from pathlib import Path

import numpy as np
from scipy import stats
from scipy.interpolate import interp1d

FS = 30000.0
HOP = 65536


def whitening(rng, out):
    n = 9
    a = 200.0 * (np.eye(n) + 0.2 * rng.standard_normal((n, n)))
    b = 180.0 * (a / 200.0 + 0.01 * rng.standard_normal((n, n)))
    x, y = a / 200.0, b / 180.0
    d = y - x
    off = ~np.eye(n, dtype=bool)
    out |= {"w_a": a, "w_b": b, "w_scales": np.array([200.0, 180.0])}
    at = np.unravel_index(np.argmax(np.abs(d)), d.shape)
    out["w_numbers"] = np.array([
        np.linalg.norm(d) / np.linalg.norm(x),
        d[at],
        *at,
        np.linalg.norm(x - x.T) / np.linalg.norm(x),
        np.linalg.norm(y - y.T) / np.linalg.norm(y),
        np.corrcoef(x[off], y[off])[0, 1],
        np.median(np.diag(y) / np.diag(x)),
        np.linalg.norm(y.T - x) / np.linalg.norm(x),
        np.corrcoef(x[off], y.T[off])[0, 1],
        np.percentile(np.abs(x), 99.9),
    ])


def batches(rng, out):
    n = 40
    drift = np.cumsum(rng.standard_normal(n))
    a = np.abs(drift[:, None] - drift[None, :]) + 0.05 * rng.standard_normal((n, n))
    a = np.round(a + a.T, 1)  # ties for the ranks
    b = a + np.round(0.3 * rng.standard_normal((n, n)), 1)
    b = (b + b.T) / 2
    order_a = np.argsort(drift + 0.2 * rng.standard_normal(n))
    order_b = np.argsort(drift + 0.2 * rng.standard_normal(n))[::-1]
    out |= {"ccb_a": a, "ccb_b": b, "order_a": order_a, "order_b": order_b, "drift": drift}

    def numbers(x, y):
        upper = np.triu_indices(n, 1)
        d = x - y
        return np.array([
            np.corrcoef(x[upper], y[upper])[0, 1],
            stats.spearmanr(x[upper], y[upper])[0],
            np.sqrt(np.mean(d[upper] ** 2)),
            np.sqrt(np.mean(x[upper] ** 2)),
            np.max(np.abs(d)),
        ])

    turned = order_b[::-1]
    out["ccb_numbers"] = numbers(a, b)
    out["ccbsort_numbers"] = numbers(a[np.ix_(order_a, order_a)], b[np.ix_(turned, turned)])
    out["in_order_of_a_numbers"] = numbers(a[np.ix_(order_a, order_a)], b[np.ix_(order_a, order_a)])
    out["ccb_limit"] = np.array([a[np.ix_(order_a, order_a)].max()])
    pos_a, pos_b, pos_turned = np.argsort(order_a), np.argsort(order_b), np.argsort(turned)
    shift = np.abs(pos_a - pos_turned)
    out["order_numbers"] = np.array([
        stats.spearmanr(pos_a, pos_b)[0],
        stats.kendalltau(pos_a, pos_turned)[0],
        shift.max(),
        shift.mean(),
        np.mean(shift > 0.05 * n),
        stats.spearmanr(pos_a, drift)[0],
        stats.spearmanr(pos_turned, drift)[0],
    ])


def motion(rng, out):
    units, n_times = 7, 30
    times = 0.5 + np.arange(n_times)
    depths = rng.permutation(np.linspace(20.0, 900.0, units))
    trace = np.cumsum(rng.standard_normal(n_times))
    moves = trace[:, None] * (1 + depths[None, :] / 1000) + 0.1 * rng.standard_normal((n_times, units))
    moves = moves.astype(np.float32)
    bins_t = np.arange(-1.0, 34.0, 1.7)
    bins_d = np.linspace(-100.0, 1000.0, 6)
    at_time = np.stack([np.interp(bins_t, times, moves[:, u].astype(float)) for u in range(units)], axis=1)
    by_depth = np.argsort(depths)
    truth = interp1d(depths[by_depth], at_time[:, by_depth], axis=1, fill_value="extrapolate")(bins_d)
    estimate = -truth + 37.0 + 0.5 * rng.standard_normal(truth.shape)
    signed = -estimate
    signed = signed + np.median(truth - signed)
    error = truth - signed
    out |= {"unit_times": times, "unit_depths": depths, "unit_moves": moves, "bins_t": bins_t, "bins_d": bins_d}
    out |= {"estimate": estimate, "truth": truth, "rigid_truth": at_time.mean(axis=1), "error": error}
    out["motion_numbers"] = np.array([
        np.sqrt(np.mean(error**2)),
        np.percentile(np.abs(error), 95),
        np.corrcoef(truth.ravel(), signed.ravel())[0, 1],
        np.max(np.abs(error)),
    ])
    out["rms_by_time"] = np.sqrt(np.mean(error**2, axis=1))
    out["rms_by_depth"] = np.sqrt(np.mean(error**2, axis=0))
    out["mean_by_depth"] = error.mean(axis=0)


def main():
    here = Path(__file__).parent
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else here / "golden"
    rng = np.random.default_rng(20200829)
    out = {"batch_s": np.array([HOP / FS])}
    whitening(rng, out)
    batches(rng, out)
    motion(rng, out)
    path = folder / "compare" / "intermediates.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **out)


if __name__ == "__main__":
    main()
