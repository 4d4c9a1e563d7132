#!/usr/bin/env python3
"""Small golden files for preprocessing and matching: seeded data, and what the oracle in signal_oracle.py makes of them.

    python tests/data/make_golden_signal.py [folder]           write the files below `folder`, by default tests/data/golden
    python tests/data/make_golden_signal.py --check [folder]   recompute the outputs in every such file from its inputs

The second form holds on any folder of this layout, and fails when a number differs by more than its type explains.
"""

import sys
from pathlib import Path

import numpy as np
from scipy.signal import lfilter

import signal_oracle as oracle
from signal_oracle import COUNTS_PER_SD, L, NB_EDGE, OUTPUTS, covered, nearest, to_int16


# --- data ------------------------------------------------------------------------------------------------------------------


def positions(n_channels):
    """Two staggered columns, so that equal distances are frequent."""
    i = np.arange(n_channels)
    return np.stack([32.0 * (i % 2), 20.0 * (i // 2) + 10.0 * (i % 2)], axis=1)


def unit(rng, xy, site, reach=30):
    """A waveform [L, channels] around one site, later and wider further away, so that it has more than one component."""
    distance = np.hypot(*(xy - xy[site] - rng.uniform(-6, 6, 2)).T)
    t = np.arange(L)[:, None] - 19 - 0.06 * distance
    width = rng.uniform(2.5, 5.0) + 0.02 * distance
    shape = -np.exp(-((t / width) ** 2)) + rng.uniform(0.2, 0.5) * np.exp(-(((t - 2.5 * width) / (2 * width)) ** 2))
    return shape * np.exp(-distance / reach)


def template_set(rng, xy, near, sites, copy=None):
    """Rank-3 templates of norm 1 on the neighbourhoods of their sites; the last is that of index `copy`, if given."""
    waves = [unit(rng, xy, site) for site in sites]
    if copy is not None:
        waves[-1] = waves[copy]
    w, u = np.zeros((L, len(sites), 3)), np.zeros((len(xy), len(sites), 3))
    for n, (wave, site) in enumerate(zip(waves, sites)):
        left, d, right = np.linalg.svd(wave[:, near[:, site]], full_matrices=False)
        w[:, n] = left[:, :3]
        u[near[:, site], n] = right[:3].T * d[:3] / np.linalg.norm(d[:3])
    basis = np.linalg.svd(np.concatenate(waves, axis=1), full_matrices=False)[0][:, :3]
    return {
        "W": w.astype(np.float32),
        "U": u.astype(np.float32),
        "iC": near.astype(np.int32),
        "iW": np.array(sites, np.int32),
        "V": basis.astype(np.float32),
    }


def add(x, start, wave):
    """Adds a waveform, whatever part of it lies inside."""
    first, last = max(0, start), min(len(x), start + L)
    if first < last:
        x[first:last] += wave[first - start : last - start]


def pursuit_inputs(rng, n_channels, near_size, sites, mu, nt, starts, params, copy=None, low=0.85):
    """Templates, and a batch of unit noise with a spike at each of the starts."""
    xy = positions(n_channels)
    g = template_set(rng, xy, nearest(xy, near_size), sites, copy)
    g["mu"] = np.array(mu, np.float32)
    g["params"] = np.array(params, float)
    # The nearest by index stand in for the most similar; the list wraps around when there are few templates.
    g["iList"] = ((np.arange(len(mu)) + np.arange(near_size)[:, None]) % len(mu)).astype(np.int32)
    x = rng.standard_normal((nt, n_channels))
    for t in starts:
        n = rng.integers(len(mu))
        add(x, int(t), mu[n] * rng.uniform(low, 1.15) * np.einsum("tq,cq->tc", g["W"][:, n], g["U"][:, n]))
    g["batch"] = to_int16(COUNTS_PER_SD * x)
    return g


def make_recording():
    """14 rows: a synchronisation square wave, and 13 sites in a shuffled order: one dead, one with a sample that saturates."""
    rng = np.random.default_rng(41)
    n, xy = 8 * 2048 + 700, positions(13)
    common, slow = rng.standard_normal((n, 1)), lfilter([1], [1, -0.998], rng.standard_normal((n, 13)), axis=0)
    x = 2.5 * rng.standard_normal((n, 13)) + 2 * common + 0.02 * slow
    for site in [0, 1, 2, 4, 5, 6, 8, 9, 10, 12] * 2:
        wave = rng.uniform(60, 120) * unit(rng, xy, site)
        for t in rng.integers(0, n, 20):
            add(x, int(t), wave)
    dead = 7
    x[:, dead] = 4 * rng.standard_normal(n)
    x[5 * 2048 + 900, 3] += 4000
    rows = 1 + rng.permutation(13)
    raw = np.zeros((n, 14), np.int16)
    raw[:, 0] = np.where(np.arange(n) // 500 % 2, 2000, -2000)
    raw[:, rows] = np.rint(x + rng.uniform(-20, 20, 13)).astype(np.int16)
    return {"raw": raw, "chan_map": rows.astype(np.int32), "xy": xy, "fs": np.float64(30000)}


def make_preprocess(recording):
    """Batches 0 (no margin in front), 5 (saturated), 8 (padded). A stride of 8 divides the number of batches less one."""
    nt = 2112
    every = np.arange(nt + 4 * NB_EDGE)
    wanted = {name: None for name in ("CC_skip8", "Wrot_range5", "proc_5", "proc_8")}
    g = wanted | {
        "proc_0": np.zeros(nt),
        "filt_rows": every[(every < 40) | (every % 40 == 0) | (every >= len(every) - 40)].astype(np.int32),
        "covariance_stride": np.int32(3),
        "whitening_range": np.int32(6),
    }
    out = oracle.preprocess_outputs(g, recording)
    return g | {name: value for name, value in out.items() if not name.endswith("_nocar") or "_5_" in name}


def make_learn():
    rng = np.random.default_rng(42)
    starts = rng.integers(0, 2112 - L, 30)
    g = pursuit_inputs(rng, 12, 8, [1, 2, 4, 6, 9, 11], [14, 25, 18, 40, 22, 31], 2112, starts, [10, 10, 10, 0])
    mean = np.einsum("tnq,cnq->tcn", g["W"] * g["mu"][:, None], g["U"])
    g["step_dWU"] = (mean + 0.2 * rng.standard_normal(mean.shape)).astype(np.float32)
    g["step_pm"] = np.float64(np.exp(-1 / 57.0))
    return g | OUTPUTS["stage3_pursuit_learn"](g)


def make_final():
    rng = np.random.default_rng(43)
    starts = rng.integers(0, 2112 - L, 36)
    g = pursuit_inputs(rng, 12, 8, [0, 3, 5, 7, 8, 10], [9, 20, 12, 33, 10, 15], 2112, starts, [4, 10, 10, 2], low=0.65)
    g["batch_index"] = np.int32(12)
    out = OUTPUTS["stage3_pursuit_final"](g)
    assert (out["vexp"] < 10).any(), "some spikes are reported and not summed"
    del out["residual"]
    return g | out


def make_wide():
    """Spikes every 37 samples and at every edge. Templates 7 and 8 are identical; some templates do not overlap."""
    rng = np.random.default_rng(44)
    out = {}
    sites, mu = [0, 2, 5, 9, 12, 17, 20, 22, 22], [18, 45, 12, 26, 70, 15, 33, 20, 20]
    for case, nt in (("w_", 2112), ("h_", 1984)):
        first_hole, end = covered(nt)
        edges = [0, 30, 59, 60, 61, 62, nt - 130, nt - L - 1, nt - L, nt - 30]
        edges += [first_hole - 1, first_hole, first_hole + 2, end - 1, end]
        starts = np.concatenate([np.arange(170, 1000, 37) + rng.integers(-5, 6, 23), edges])
        g = pursuit_inputs(rng, 24, 8, sites, mu, nt, starts, [4, 10, 10, 2], copy=7)
        assert not oracle.pursue(g)["UtU"].all(), "some templates do not overlap"
        out |= {case + name: value for name, value in g.items()}
    out |= OUTPUTS["stage3_pursuit_wide"](out)
    return {name: value for name, value in out.items() if "residual" not in name}


def make_residual():
    """a: many spikes; b: few; c: a loud one at sample 10 hides a weaker one at the end of the batch."""
    rng = np.random.default_rng(45)
    xy = positions(16)
    prototypes = np.stack([unit(rng, xy, 0)[:, 0] for _ in range(6)], axis=1)
    basis = np.linalg.svd(prototypes, full_matrices=False)[0][:, :3]
    prototypes /= np.linalg.norm(prototypes, axis=0)
    prototypes[:, 5] = np.nan
    g = {"wTEMP": prototypes.astype(np.float32), "V": basis.astype(np.float32), "iC": nearest(xy, 8).astype(np.int32)}
    g["Th"] = np.float64(10)
    starts = {"a": rng.integers(0, 2112, 40), "b": rng.integers(0, 2112, 6), "c": [10, 700, 2112 - 110]}
    scale = {"a": [12, 30], "b": [12, 30], "c": [20, 24]}
    for case in "abc":
        x = rng.standard_normal((2112, 16)) * (case != "c")
        for t in starts[case]:
            loud = 3 if (case, t) == ("c", 10) else 1
            add(x, int(t), loud * rng.uniform(*scale[case]) * rng.choice([-1, 1]) * unit(rng, xy, rng.integers(16), reach=15))
        g[f"X_{case}"] = (np.rint(x * 32) / 32).astype(np.float32)  # few digits: small files
    out = OUTPUTS["stage3_residual"](g)
    # Channels at an end of the probe may pool the same channels; such a tie would be decided by rounding.
    assert min(out[f"lead_{case}"].min() for case in "abc") > 1e-2, "the best channels are ahead of the second best"
    return g | out


# --- files -----------------------------------------------------------------------------------------------------------------

# Large arrays that the tests compare to 1e-5 are stored in f32; what no test reads is left out.
SINGLE = ("dWU0", "step_dWU_out", "residual", "featPC", "E_a", "E_b", "E_c", "E_clean_a", "E_clean_b", "E_clean_c")
LEFT_OUT = ("score_first", "score_last", "UtU", "chmax_a", "chmax_b", "chmax_c", "lead_a", "lead_b", "lead_c")


def assert_decided(name, g):
    """No decision hangs on less than what f32 arithmetic changes: the same spikes when the signal is perturbed by 1e-5 sd."""
    rng = np.random.default_rng(46)
    scales = {key: 1e-5 if key.startswith("X_") else 1e-5 * COUNTS_PER_SD for key in g if key.endswith("batch") or "X_" in key}
    for _ in range(5):
        found = OUTPUTS[name](g | {key: g[key] + scale * rng.standard_normal(g[key].shape) for key, scale in scales.items()})
        for key in [key for key in g if key in found and np.asarray(g[key]).dtype.kind == "i"]:
            assert np.array_equal(g[key], found[key]), f"{name} {key} is decided by rounding: choose another seed"


def stored(arrays):
    out = {}
    for name, value in arrays.items():
        value = np.asarray(value)
        bare = name.removeprefix("w_").removeprefix("h_")
        if bare in LEFT_OUT:
            continue
        if bare in SINGLE:
            value = value.astype(np.float32)
        out[name] = value.astype(np.int32) if value.dtype == np.int64 else value
    return out


def write(root):
    folder = root / "kilosort2"
    folder.mkdir(parents=True, exist_ok=True)
    recording = make_recording()
    files = {
        "small_recording": recording,
        "stage1_preprocess": make_preprocess(recording),
        "stage3_pursuit_learn": make_learn(),
        "stage3_pursuit_final": make_final(),
        "stage3_pursuit_wide": make_wide(),
        "stage3_residual": make_residual(),
    }
    for name, arrays in files.items():
        if name in OUTPUTS:
            assert_decided(name, stored(arrays))
        path = folder / f"{name}.npz"
        np.savez_compressed(path, **stored(arrays))
        print(path, path.stat().st_size, "bytes")


def check(root):
    """Compares every stored output with a fresh one: exact, or within what its type holds."""
    tolerance = {np.dtype(np.float64): 1e-9, np.dtype(np.float32): 1e-6}
    failed = False

    def load(name):
        return dict(np.load(root / "kilosort2" / f"{name}.npz"))

    for name in ["stage1_preprocess", *OUTPUTS]:
        g = load(name)
        fresh = oracle.preprocess_outputs(g, load("small_recording")) if name == "stage1_preprocess" else OUTPUTS[name](g)
        for key in [key for key in fresh if key in g]:
            old, new = np.asarray(g[key]), np.asarray(fresh[key])
            same = old.shape == new.shape
            difference = np.abs(old.astype(float) - new).max(initial=0) if same else np.inf
            bad = difference > tolerance.get(old.dtype, 0) * max(1, np.abs(old.astype(float)).max(initial=0))
            failed |= bad
            print(f"{name:22} {key:20} {difference:9.2e}{'  DIFFERS' if bad else ''}")
    sys.exit(int(failed))


def main():
    arguments = [a for a in sys.argv[1:] if a != "--check"]
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent / "golden"
    if "--check" in sys.argv:
        check(root)
    else:
        write(root)


if __name__ == "__main__":
    main()
