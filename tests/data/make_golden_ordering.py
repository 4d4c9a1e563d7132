#!/usr/bin/env python3
"""Small golden files for the ordering of batches and the prototypes (docs/kilosort2.md 3 and 4.1).

An oracle in NumPy float64 that follows the formulas and takes no shortcut: dense running minima, dense energies, dense
templates, a double loop over batches. It shares nothing with the Rust program. The data are seeded noise with planted spikes.

    python tests/data/make_golden_ordering.py [folder]

writes kilosort2/stage2_snippets.npz, stage2_detect_kmeans.npz and stage2_ccb.npz below `folder`, by default tests/data/golden
beside this file. The committed files were made with NumPy 2.4 on x86-64.
"""

import sys
from pathlib import Path

import numpy as np

L = 61
TROUGH = 19
COUNTS_PER_SD = 200.0


# --- data ------------------------------------------------------------------------------------------------------------------


def positions(n_channels):
    """Two columns, staggered, so that equal distances are frequent."""
    i = np.arange(n_channels)
    return np.stack([np.where(i % 2 == 0, 0.0, 32.0), 20.0 * (i // 2) + np.where(i % 2 == 0, 0.0, 10.0)], axis=1)


def waveform(width, rebound):
    t = np.arange(L) - TROUGH
    return -np.exp(-((t / width) ** 2)) + rebound * np.exp(-(((t - 2.5 * width) / (2.5 * width)) ** 2))


def batch(rng, xy, n_samples, n_spikes, shift_um=0.0, n_units=8):
    """Unit-variance noise and spikes of `n_units` units, int16 counts, time by channel."""
    x = rng.standard_normal((n_samples, len(xy)))
    units = np.random.default_rng(99)  # the same units in every batch of every file
    depth = units.uniform(xy[:, 1].min(), xy[:, 1].max(), n_units)
    peak = units.uniform(11, 26, n_units)
    width = units.uniform(2.5, 6.0, n_units)
    rebound = units.uniform(0.1, 0.5, n_units)
    for _ in range(n_spikes):
        u = rng.integers(n_units)
        t = rng.integers(0, n_samples - L)
        distance = np.hypot(xy[:, 0] - 16.0, xy[:, 1] - depth[u] - shift_um)
        x[t : t + L] += np.outer(waveform(width[u], rebound[u]), peak[u] * rng.uniform(0.9, 1.1) * np.exp(-distance / 28.0))
    return np.clip(np.rint(x * COUNTS_PER_SD), -32768, 32767).astype(np.int16)


def nearest(xy, size):
    """[size, channels]: the nearest channels of each, itself first, ties to the lower index."""
    d2 = ((xy[:, None, :] - xy[None, :, :]) ** 2).sum(axis=2)
    return np.argsort(d2, axis=1, kind="stable")[:, : min(size, len(xy))].T


def largest_positive(v):
    return v if v[np.argmax(np.abs(v))] > 0 else -v


# --- peaks and components --------------------------------------------------------------------------------------------------


def running(x, radius, axis, f, outside):
    """f over a window of +-radius along one axis; `outside` counts beyond the ends."""
    pad = [(0, 0)] * x.ndim
    pad[axis] = (radius, radius)
    padded = np.pad(x, pad, constant_values=outside)
    parts = [np.take(padded, np.arange(x.shape[axis]) + k, axis=axis) for k in range(2 * radius + 1)]
    return f(np.stack(parts), axis=0)


def isolated_peaks(x):
    m = running(running(x, 5, 0, np.min, np.inf), 4, 1, np.min, np.inf)
    peak = (x < m + 1e-3) & (x < -6)
    count = running(running(peak.astype(float), 30, 0, np.sum, 0.0), 6, 1, np.sum, 0.0)
    keep = peak & (count < 1.2)
    keep[:L] = False
    keep[len(x) - L - 1 :] = False
    ch, t = np.nonzero(keep.T)
    return t, ch


def clips_at(x, t, ch):
    return np.stack([x[s - TROUGH : s - TROUGH + L, c] for s, c in zip(t, ch)], axis=1)


def left_singular(a, n, sign_sample):
    u = np.linalg.svd(a, full_matrices=False)[0][:, :n].copy()
    if u[sign_sample, 0] > 0:
        u[:, 0] *= -1
    for k in range(1, n):
        u[:, k] = largest_positive(u[:, k])
    return u


def prototype_round(dd, w):
    correlation = w.T @ dd
    correlation = np.where(np.isnan(correlation), -np.inf, correlation)
    best = correlation.argmax(axis=0)
    out = np.empty_like(w)
    for k in range(w.shape[1]):
        mine = best == k
        s = dd[:, mine] @ correlation[k, mine] if mine.any() else np.zeros(len(dd))
        with np.errstate(invalid="ignore"):
            out[:, k] = s / np.linalg.norm(s)
    return out, best


def prototypes(dd, start):
    w = dd[:, start] / np.linalg.norm(dd[:, start], axis=0)
    w1, best1 = prototype_round(dd, w)
    w = w1
    for _ in range(9):
        w, _ = prototype_round(dd, w)
    return best1, w1, w


def collect_clips(rng, xy, n, n_samples=2112):
    """At least `n` clips of isolated peaks from as many batches as needed, [L, n]."""
    dd = np.zeros((L, 0))
    while dd.shape[1] < n:
        x = batch(rng, xy, n_samples, 24) / COUNTS_PER_SD
        t, ch = isolated_peaks(x)
        if len(t):
            dd = np.concatenate([dd, clips_at(x, t, ch)], axis=1)
    return dd[:, :n].astype(np.float32)


def make_snippets():
    rng = np.random.default_rng(20)
    xy = positions(12)
    counts = batch(rng, xy, 2112, 24)
    x = counts / COUNTS_PER_SD
    t, ch = isolated_peaks(x)
    clips = clips_at(x, t, ch)
    cc = clips @ clips.T / 1000
    dd = collect_clips(rng, xy, 90)
    start = rng.permutation(dd.shape[1])[:6]
    assign_1, w1, w = prototypes(dd.astype(float), start)
    dup = dd[:, :30].copy()
    dup[:, 7] = dup[:, 3]
    start_dup = np.array([3, 7, 11, 20, 25, 29])
    _, dup1, dup10 = prototypes(dup.astype(float), start_dup)
    assert len(t) >= 6 and np.isfinite(w).all() and np.isnan(dup1[:, 1]).all() and np.isfinite(dup10[:, [0, 2]]).all()
    return {
        "batch": counts,
        "peak_t": t.astype(np.int32),
        "peak_ch": ch.astype(np.int32),
        "clips": clips,
        "CC": cc,
        "wPCA_csb": left_singular(cc, 3, 20),
        "dd": dd,
        "start": start.astype(np.int32),
        "assign_1": assign_1.astype(np.int32),
        "wTEMP_1": w1,
        "wTEMP": w,
        "wPCA": left_singular(dd.astype(float), 6, 19),
        "dd_dup": dup,
        "start_dup": start_dup.astype(np.int32),
        "wTEMP_dup_1": dup1,
        "wTEMP_dup": dup10,
    }


# --- detection and clusters ------------------------------------------------------------------------------------------------


def detect(x, w, ic, threshold=8.0):
    nt, nc = x.shape
    covered = 1024 * int(np.ceil((nt - 1024 - L + 1) / 1024))
    energy = np.zeros((nt + L, nc))
    for c in range(nc):
        windows = np.lib.stride_tricks.sliding_window_view(x[:, c], L)[:covered]
        energy[:covered, c] = np.sqrt(((windows @ w) ** 2).sum(axis=1))
    maximum = np.zeros((nt, nc))
    for t in range(covered):
        m = energy[t : t + L].max(axis=0)
        maximum[t] = np.where(m > threshold, m, 0.0)
    found = []
    for t in range(nt - L - (TROUGH + 1)):
        for c in range(nc):
            m = maximum[t, c]
            if m > threshold and not (maximum[t, ic[1:, c]] > m).any() and energy[t + TROUGH, c] > m - 1e-6:
                found.append((t + TROUGH, c))
    features = np.array([(x[u : u + L, ic[:, c]].T @ w).ravel() for u, c in found])
    order = np.lexsort(features.T[::-1])
    found = np.array(found)[order]
    return found[:, 0], found[:, 1], features[order]


def dense(features, channels, n_channels):
    v = np.zeros((n_channels, 3))
    v[channels] = features.reshape(-1, 3)
    return v


def describe(v):
    mu = np.linalg.norm(v)
    return mu, v / (1e-5 + mu), int(np.argmax(v[:, 0] ** 2))


def kmeans(features, centre, ic, start):
    nc = ic.shape[1]
    spikes = np.stack([dense(f, ic[:, c], nc) for f, c in zip(features, centre)])
    clusters = [describe(spikes[i]) for i in start]
    first = None
    for _ in range(10):
        assign = np.zeros(len(spikes), int)
        for i, c in enumerate(centre):
            best = 0.0
            for n, (_, w, h) in enumerate(clusters):
                score = max(0.0, (spikes[i] * w).sum()) ** 2 if h in ic[:, c] else 0.0
                if score > best:
                    best, assign[i] = score, n
        first = assign if first is None else first
        ns = np.bincount(assign, minlength=len(start))
        clusters = [describe(spikes[assign == n].sum(axis=0) / (1e-5 + ns[n])) for n in range(len(start))]
    ws = []
    for _, w, h in clusters:
        local = w[ic[:, h]]
        ws.append(local / (1e-5 + np.linalg.norm(local)))
    return first, assign, np.array(ws), np.array([c[0] for c in clusters]), ns, np.array([c[2] for c in clusters])


def basis_for(rng, xy):
    dd = collect_clips(rng, xy, 60).astype(float)
    return left_singular(dd @ dd.T / 1000, 3, 20).astype(np.float32)


def clustered_batch(rng, counts, w, ic):
    """Detection and clusters of one batch, from randomly drawn spikes."""
    u, c, f = detect(counts / COUNTS_PER_SD, w.astype(float), ic)
    k = (ic.shape[1] + 1) // 2
    assert len(u) > k, "more spikes than clusters"
    start = rng.permutation(len(u))[:k]
    return u, c, f, start, kmeans(f, c, ic, start)


def make_detect_kmeans():
    out = {}
    for name, n_channels, n_samples, seed in [("a", 12, 2112, 21), ("b", 18, 2240, 22)]:
        rng = np.random.default_rng(seed)
        xy = positions(n_channels)
        ic = nearest(xy, 17)
        w = basis_for(rng, xy)
        counts = batch(rng, xy, n_samples, n_samples // 60)
        u, c, f, start, (first, assign, ws, mus, ns, whs) = clustered_batch(rng, counts, w, ic)
        arrays = {
            "batch": counts,
            "wPCA": w,
            "xy": xy,
            "iC": ic.astype(np.int32),
            "spk_start": u.astype(np.int32),
            "spk_ch": c.astype(np.int32),
            "feat": f,
            "km_start": start.astype(np.int32),
            "km_assign": assign.astype(np.int32),
            "km_assign1": first.astype(np.int32),
            "km_Ws": ws,
            "km_mus": mus,
            "km_ns": ns.astype(np.int32),
            "km_Whs": whs.astype(np.int32),
        }
        out.update({f"{key}_{name}": value for key, value in arrays.items()})
    return out


# --- dissimilarity and embedding -------------------------------------------------------------------------------------------


def dissimilarity(ws, mus, ns, whs, ic):
    n_batches, nc = len(ws), ic.shape[1]
    wide = [[dense(w, ic[:, h], nc) for w, h in zip(ws[b], whs[b])] for b in range(n_batches)]
    ccb = np.zeros((n_batches, n_batches))
    for a in range(n_batches):
        for b in range(n_batches):
            d = np.zeros(len(ws[b]))
            for m in range(len(ws[b])):
                d2 = mus[b][m] ** 2
                for n in range(len(ws[a])):
                    if whs[a][n] in ic[:, whs[b][m]]:
                        dot = (wide[b][m] * wide[a][n]).sum()
                        d2 = min(d2, mus[b][m] ** 2 + mus[a][n] ** 2 - 2 * mus[b][m] * mus[a][n] * dot)
                d[m] = np.sqrt(max(0.0, d2))
            ccb[a, b] = (d * ns[b]).mean() / ns[b].mean()
    return ccb


def standardise(ccb):
    z = (ccb - ccb.mean(axis=0)) / ccb.std(axis=0)
    return z + z.T


def start_of(ccb0):
    return largest_positive(np.linalg.svd(ccb0)[0][:, 0])


def embed(ccb0, u, steps, port=False):
    x = 0.01 * u / u.std(ddof=1)
    x0 = x
    for _ in range(steps):
        d = x[:, None] - x[None, :]
        e = ccb0 - np.log(1 + d**2)
        e = e - (e.mean(axis=0) if port else e.mean())
        g = e / (1 + d**2)
        dx = -(g * d).mean(axis=1) + (g * d).mean(axis=0)
        x = x - dx
    return x0, x


def make_ccb():
    out = {}
    for name, n_channels, n_batches, seed in [("a", 12, 9, 31), ("b", 18, 12, 32)]:
        rng = np.random.default_rng(seed)
        xy = positions(n_channels)
        ic = nearest(xy, 17)
        w = basis_for(rng, xy)
        shifts = 25.0 * np.sin(np.arange(n_batches) * 1.7)
        clusters = [clustered_batch(rng, batch(rng, xy, 2112, 34, s), w, ic)[4] for s in shifts]
        ws, mus, ns, whs = (np.array([c[i] for c in clusters]) for i in (2, 3, 4, 5))
        ccb = dissimilarity(ws, mus, ns, whs, ic)
        ccb0 = standardise(ccb)
        x0, x = embed(ccb0, start_of(ccb0), 200)
        order = np.argsort(x, kind="stable")
        arrays = {
            "Ws": ws,
            "mus": mus,
            "ns": ns.astype(np.int32),
            "Whs": whs.astype(np.int32),
            "iC": ic.astype(np.int32),
            "ccb": ccb,
            "ccb0": ccb0,
            "x0": x0,
            "x": x,
            "iorig": order.astype(np.int32),
            "ccbsort": ccb0[np.ix_(order, order)],
            "x_step1": embed(ccb0, start_of(ccb0), 1)[1],
        }
        out.update({f"{key}_{name}": value for key, value in arrays.items()})

    rng = np.random.default_rng(33)
    depth = rng.uniform(0, 40, 17)
    ccb0 = standardise(np.abs(depth[:, None] - depth[None, :]) + rng.uniform(0, 4, (17, 17)))
    u = start_of(ccb0)
    x0, x = embed(ccb0, u, 200)
    _, x_port = embed(ccb0, u * np.sign(u[0]), 200, port=True)
    out.update({
        "ccb0_c": ccb0,
        "x0_c": x0,
        "x_c": x,
        "iorig_c": np.argsort(x, kind="stable").astype(np.int32),
        "x_c_pyk": x_port,
        "iorig_c_pyk": np.argsort(x_port, kind="stable").astype(np.int32),
    })
    return out


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent / "golden"
    folder = root / "kilosort2"
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in [
        ("stage2_snippets", make_snippets),
        ("stage2_detect_kmeans", make_detect_kmeans),
        ("stage2_ccb", make_ccb),
    ]:
        path = folder / f"{name}.npz"
        np.savez_compressed(path, **make())
        print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
