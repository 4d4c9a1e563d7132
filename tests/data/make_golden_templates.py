#!/usr/bin/env python3
"""Small golden files for templates and curation (docs/kilosort2.md 4.2 to 4.4, 4.7, 4.9 and 6.1 to 6.4).

An oracle in NumPy float64 that follows the formulas and takes no shortcut: power iterations on the full matrix of samples, all lags
of all pairs, all differences of all spikes, running averages tap by tap. It shares nothing with the Rust program. The defects of
Kilosort2 2.0.2 are on, as in the tests that read the files. The data are seeded and synthetic.

    python tests/data/make_golden_templates.py [folder]

writes kilosort2/stage3_{kernels,decompose,similarity,triage}.npz and kilosort2/stage4_{ccg,merge,split_em,split_all,cutoff}.npz below
`folder`, by default tests/data/golden beside this file. The committed files were made with NumPy 2.4 on x86-64.
"""

import math
import sys
import warnings
from pathlib import Path

import numpy as np

L = 61
P0 = 20  # nominal trough, counted from one
FS = 30000.0
erf = np.vectorize(math.erf, otypes=[float])


# --- 4.2: sub-sample kernels -----------------------------------------------------------------------------------------------


def kernels():
    x = np.arange(1, L + 1, dtype=float)
    y = 0.5 + np.arange(10 * L) / 10

    def k(a, b):
        d = np.abs(a[:, None] - b[None, :])
        return np.exp(-(np.minimum(d, L - d) ** 2))

    b = k(y, x) @ np.linalg.inv(k(x, x) + 0.01 * np.eye(L))
    b = b.reshape(L, 10, L)  # [t, u, s]
    return b[P0 - 1].copy(), b.transpose(0, 2, 1).copy()  # Ka[u, s], Kb[t, s, u]


KA, KB = kernels()


# --- 4.3: decomposition ----------------------------------------------------------------------------------------------------


def decompose_one(mean, start, channels):
    """mean [L, C], start [L, 3] -> W [L, 3], U [C, 3], mu, jmax, ustar."""
    d = np.zeros_like(mean)
    d[:, channels] = mean[:, channels]
    g = d @ d.T
    v = np.zeros((L, 3))
    for q in range(3):
        w = start[:, q].copy()
        for _ in range(99):
            x = g @ w
            w = x / np.sqrt(1e-5 + x @ x)
        v[:, q] = w
        g = g - np.outer(g @ w, w)
    if v[P0, 0] >= 0:
        v[:, 0] = -v[:, 0]
    u = d.T @ v
    mu = np.sqrt(1e-7 + (u**2).sum())
    u = u / mu
    jmax = int(np.argmax(np.abs(v[:, 0])))
    v = np.roll(v, P0 - jmax, axis=0)
    r = KA @ v[:, 0]
    ustar = int(np.argmax(np.abs(r)))
    v = KB[:, :, ustar] @ v
    if r[ustar] >= 0:
        v[:, 0] = -v[:, 0]
    return v, u, mu, jmax, ustar


def decompose(mean, start, near, main):
    """mean [L, C, K], start [L, K, 3], near [M, C], main [K]."""
    _, c, k = mean.shape
    w, u = np.zeros((L, k, 3)), np.zeros((c, k, 3))
    mu, jmax, ustar = np.zeros(k), np.zeros(k, np.int32), np.zeros(k, np.int32)
    for n in range(k):
        w[:, n], u[:, n], mu[n], jmax[n], ustar[n] = decompose_one(mean[:, :, n], start[:, n], near[:, main[n]])
    return w, u, mu, jmax, ustar


def main_channels(mean):
    return np.argmax(np.abs(mean[P0 - 1]), axis=0)


# --- 4.4, 4.7, 4.9: similarity and triage ----------------------------------------------------------------------------------


def overlaps(near, main):
    sets = [set(near[:, c].tolist()) for c in main]
    return np.array([[bool(a & b) for b in sets] for a in sets])


def all_lags(w, u):
    """[K, K, 2L - 1], entry l has shift s = L - 1 - l: sum over t of W[t, m] W[t + s, n]."""
    k = w.shape[1]
    out = np.zeros((k, k, 2 * L - 1))
    channels = np.einsum("cmq,cnr->mnqr", u, u)
    for lag in range(2 * L - 1):
        s = L - 1 - lag
        a, b = (w[: L - s], w[s:]) if s >= 0 else (w[-s:], w[: L + s])
        out[:, :, lag] = (channels * np.einsum("tmq,tnr->mnqr", a, b)).sum(axis=(2, 3))
    return out


def zero_lag(w, u):
    t = np.einsum("tkq,ckq->ktc", w, u).reshape(w.shape[1], -1)
    return t @ t.T


def most_similar(similarity, size):
    order = np.argsort(-similarity, axis=0, kind="stable")
    return order[np.arange(size) % len(order)]


def triage(w, u, mu, nsp, m0):
    first = np.flatnonzero(nsp >= m0)
    cc = zero_lag(w[:, first], u[:, first])
    np.fill_diagonal(cc, 0)
    close = np.abs(mu[first][:, None] - mu[first][None, :]) < 4 * np.sqrt(10)
    drop = ((cc > 0.9) & close & (nsp[first][:, None] < nsp[first][None, :])).any(axis=1)
    return first[~drop], np.array([len(nsp) - len(first), drop.sum()])


# --- 6.1: correlograms -----------------------------------------------------------------------------------------------------

AXIS = np.arange(-500, 501)
FAR = ((AXIS >= -499) & (AXIS <= -251)) | ((AXIS >= 250) & (AXIS <= 499))
BEFORE = (AXIS >= -50) & (AXIS <= -11)
AFTER = (AXIS >= 11) & (AXIS <= 49)


def half_away(x):
    return (np.sign(x) * np.floor(np.abs(x) + 0.5)).astype(int)


def counts(a, b, integer):
    if integer:
        d = (b[None, :] - a[:, None]).ravel()
        lag = half_away(d[np.abs(d) < 15000] * 1000 / FS)
    else:
        d = (b[None, :] / FS - a[:, None] / FS).ravel()
        lag = half_away(d[np.abs(d) < 0.5] / 0.001)
    return np.bincount(lag + 500, minlength=1001)


def refractory(a, b, integer=False):
    k = counts(a, b, integer)
    both = np.concatenate([a, b])
    span = (both.max() - both.min()) / FS if len(a) and len(b) else math.nan
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        e = np.float64(0.001 * len(a) * len(b)) / np.float64(span)
        q00 = k[FAR].sum() / (499 * e)
        q01 = np.nanmax([k[BEFORE].sum() / (40 * e), k[AFTER].sum() / (39 * e)])
        r00 = max(k[BEFORE].mean(), k[AFTER].mean(), k[FAR].mean())
        i = np.arange(1, 11)
        inside = np.array([k[(AXIS != 0) & (np.abs(AXIS) <= j)].sum() for j in i])
        qi = inside / (2 * i * e)
        ri = 0.5 * (1 + erf((inside / 2 - r00 * i) / np.sqrt(2 * r00 * i)))
        q = np.nanmin(qi / np.nanmax([q00, q01]))
        r = np.nanmin(ri)
    return dict(K=k, Qi=qi, Q00=q00, Q01=q01, Ri=ri, Q=q, R=r)


# --- 6.2: merges -----------------------------------------------------------------------------------------------------------


def merge(time, label, similarity):
    label = label.copy()
    xs = similarity.copy()
    np.fill_diagonal(xs, 0)
    n = np.bincount(label, minlength=len(xs))
    tests = []
    for j in np.argsort(n, kind="stable"):
        for i in np.argsort(-xs[j], kind="stable"):
            if n[i] <= n[j]:
                continue
            if xs[j, i] < 0.5:
                break
            c = refractory(time[label == j], time[label == i])
            merged = bool(c["Q"] < 0.2 and c["R"] < 0.05)
            tests.append((j, i, c["Q"], c["R"], merged))
            if merged:
                label[label == j] = i
                n[i] += n[j]
                break
    return label, tests


# --- 6.3: splits -----------------------------------------------------------------------------------------------------------


def largest_positive(v):
    return v if v[np.argmax(np.abs(v))] > 0 else -v


def centred(f0):
    f = f0 - f0.mean(axis=0)
    n = len(f)
    tap = np.exp(-0.5 * (np.arange(-1000, 1001) / 250) ** 2)
    average = np.zeros_like(f)
    for i in range(n):
        near = np.arange(max(0, i - 1000), min(n, i + 1001))
        weight = tap[near - i + 1000]
        average[i] = weight @ f[near] / weight.sum()
    return f - average


def em(fc, w):
    x = fc @ w
    upper, lower = x > x.mean(), x < x.mean()
    mu = np.array([x[upper].mean(), x[lower].mean()])
    s = np.array([x[upper].var(ddof=1), x[lower].var(ddof=1)])
    p = upper.mean()
    history = []
    for it in range(1, 51):
        logs = np.stack([-np.log(s[k]) / 2 - (x - mu[k]) ** 2 / (2 * s[k]) + np.log([p, 1 - p][k]) for k in range(2)])
        top = logs.max(axis=0)
        r = np.exp(logs - top)
        history.append((top + np.log(r.sum(axis=0))).mean())
        r = r / r.sum(axis=0)
        p = r[0].mean()
        mu = (r @ x) / r.sum(axis=1)
        s = np.array([r[k] @ (x - mu[k]) ** 2 / r[k].sum() for k in range(2)])
        if it > 10 and it % 2 == 1:
            a = fc.T @ (fc * (r[0] / s[0] + r[1] / s[1])[:, None]) / len(x)
            b = fc.T @ (r[0] * mu[0] / s[0] + r[1] * mu[1] / s[1]) / len(x)
            w = np.linalg.solve(a, b)
            w = w / np.linalg.norm(w)
            x = fc @ w
    return w, r, np.array([*mu, *s, p]), np.array(history)


CODES = ["criteria", "ccg", "similar", "split"]


def examine(f0, t, v, start, auc=0.9):
    """One examination of a cluster; v is the temporal basis [L, 3]."""
    f0 = f0.astype(float)
    fc = centred(f0)
    if start == "p1":
        w0 = largest_positive(np.linalg.eigh(fc.T @ fc)[1][:, -1])
    else:
        w0 = f0.mean(axis=0) / np.linalg.norm(f0.mean(axis=0))
    w, r, gauss, history = em(fc, w0)
    low = r[0] > r[1]
    plow, phigh = r[0][low].mean(), r[1][~low].mean()
    smaller = min(low.mean(), 1 - low.mean())
    c = refractory(t[low], t[~low])
    c1, c2 = (v @ f0[side].mean(axis=0).reshape(-1, 3).T for side in (low, ~low))
    n1, n2 = np.linalg.norm(c1), np.linalg.norm(c2)
    corr, ratio = np.corrcoef(c1.ravel(), c2.ravel())[0, 1], 2 * abs(n1 - n2) / (n1 + n2)
    if c["Q"] < 0.25 and c["R"] < 0.05:
        decision = "ccg"
    elif corr > 0.9 and ratio < 0.2:
        decision = "similar"
    elif smaller > 0.05 and min(plow, phigh) > auc and min(low.sum(), (~low).sum()) > 300:
        decision = "split"
    else:
        decision = "criteria"
    stats = np.array([plow, phigh, smaller, c["Q"], c["R"], corr, ratio])
    return dict(fc=fc, w0=w0, w=w, r1=r[0], gauss=gauss, loglik=history, stats=stats, decision=decision, low=low, c=(c1, c2))


def split_all(time, label, pc, w, mean, similarity, near, v, start):
    """One pass over all clusters, waveforms of the halves exchanged as in the original."""
    label, mean, w, sim = label.copy(), mean.copy(), w.copy(), similarity.copy()
    main = list(main_channels(mean))
    examined = []
    ik = 0
    while ik < len(main):
        rows = np.flatnonzero(label == ik)
        if len(rows) < 300:
            ik += 1
            continue
        f0 = pc[rows].transpose(0, 2, 1).reshape(len(rows), -1)
        e = examine(f0, time[rows], v, start)
        examined.append((ik, CODES.index(e["decision"])))
        if e["decision"] != "split":
            ik += 1
            continue
        new = len(main)
        label[rows[e["low"]]] = new
        channels = near[:, main[ik]]
        mean = np.concatenate([mean, np.zeros_like(mean[:, :, :1])], axis=2)
        mean[:, channels, new], mean[:, channels, ik] = e["c"][1], e["c"][0]
        w = np.concatenate([w, v[:, None, :]], axis=1)
        main.append(main[ik])
        sim = np.block([[sim, sim[:, ik : ik + 1]], [sim[ik : ik + 1], sim[ik : ik + 1, ik : ik + 1]]])
        sim[ik, new] = sim[new, ik] = 1
    main = np.array(main)
    w, u, mu, _, _ = decompose(mean, w, near, main)
    best = all_lags(w, u).max(axis=2)
    return dict(
        label=label.astype(np.int32),
        examined=np.array([e[0] for e in examined], np.int32),
        code=np.array([e[1] for e in examined], np.int32),
        dWU=mean,
        W=w,
        U=u,
        mu=mu,
        simScore=np.where(sim == 1, 1.0, best),
        iNeigh=most_similar(best, len(near)).astype(np.int32),
        iNeighPC=near[:, main].astype(np.int32),
    )


# --- 6.4: cutoffs ----------------------------------------------------------------------------------------------------------


def cutoff(t, vexp, th0=10.0, th1=4.0):
    thr, fmax, good, trace = th0, 0.1, 0, []
    while thr >= th1:
        sel = t[vexp > thr]
        if not len(sel):
            trace.append((thr, 0, math.nan, math.nan))
            thr -= 0.5
            continue
        c = refractory(sel, sel)
        trace.append((thr, len(sel), c["Q"], c["R"]))
        if c["Q"] > fmax or c["R"] > 0.05:
            break
        if thr == th0 and c["Q"] < 0.05:
            fmax = min(0.05, max(0.01, 2 * c["Q"]))
        good = 1
        thr -= 0.5
    thr += 0.5
    sel = t[vexp > thr]
    contam = refractory(sel, sel)["Q"] if len(sel) else math.nan
    return thr, good, 1.0 if math.isnan(contam) else contam, trace


# --- data ------------------------------------------------------------------------------------------------------------------


def positions(n):
    i = np.arange(n)
    return np.stack([np.where(i % 2 == 0, 0.0, 32.0), 20.0 * (i // 2)], axis=1)


def nearest(n, size):
    xy = positions(n)
    d2 = ((xy[:, None] - xy[None]) ** 2).sum(axis=2)
    return np.argsort(d2, axis=1, kind="stable")[:, :size].T


def spike(t, width, rebound):
    t = t - (P0 - 1)
    return -np.exp(-((t / width) ** 2)) + rebound * np.exp(-(((t - 2.5 * width) / (2.5 * width)) ** 2))


def mean_waveforms(rng, c, k, noise):
    """[L, C, K]: spikes that arrive later and broader on distant channels."""
    xy = positions(c)
    t = np.arange(L, dtype=float)
    out = rng.normal(size=(L, c, k)) * noise
    for n in range(k):
        centre = xy[rng.integers(c)] + rng.uniform(-8, 8, 2)
        peak, width, rebound = rng.uniform(12, 40), rng.uniform(2, 5), rng.uniform(0.1, 0.5)
        for ch in range(c):
            far = np.hypot(*(xy[ch] - centre))
            shape = spike(t - rng.uniform(-0.4, 0.4) - far / 40, width + far / 30, rebound)
            out[:, ch, n] += peak * np.exp(-far / 30) * shape
    return out


def basis():
    """Orthonormal [L, 3] that spans spikes of various widths."""
    t = np.arange(L, dtype=float)
    shapes = np.stack([spike(t - d, w, 0.3) for d in (-1, 0, 1) for w in (2, 3, 4.5)], axis=1)
    v = np.linalg.svd(shapes, full_matrices=False)[0][:, :3]
    v[:, 0] *= -np.sign(v[P0 - 1, 0])
    return v.astype(np.float32)


def warm_start(rng, k):
    return basis()[:, None, :].astype(float) + rng.normal(size=(L, k, 3)) * 0.1


def refractory_train(rng, rate, duration, gap=0.003):
    t = np.cumsum(gap + rng.exponential(1 / rate - gap, int(rate * duration * 2)))
    return (t[t < duration] * FS).astype(np.int64)


def poisson_train(rng, rate, duration):
    return np.sort(rng.integers(0, int(duration * FS), int(rate * duration)))


# --- files -----------------------------------------------------------------------------------------------------------------


def decompose_file(rng):
    out = {}
    for name, c, m, k in (("a", 8, 6, 4), ("b", 7, 7, 2)):
        mean = mean_waveforms(rng, c, k, 0.3)
        add_decomposition(out, name, mean, warm_start(rng, k), nearest(c, m), main_channels(mean))
    t = np.arange(L, dtype=float)
    c, fade = 8, np.exp(-np.arange(8) / 2.0)
    shapes = [spike(t - phase, 3, 0.3) for phase in (0, 0.25, 0.5, 0.75)]  # sub-sample phases
    shapes += [-spike(t, 3, 0.3), spike(t - 21, 3, 0.0), 0.4 * spike(t - 1, 3, 0) - spike(t - 15, 3, 0)]  # positive, late, inverted
    mean = 20 * np.stack([np.outer(s, np.roll(fade, n)) for n, s in enumerate(shapes)], axis=2)
    mean[:, :, :4] += rng.normal(size=(L, c, 4)) * 0.2
    start = warm_start(rng, mean.shape[2])
    start[:, 1, 2] = 0  # stays zero
    add_decomposition(out, "c", mean, start, nearest(c, 5), np.arange(mean.shape[2]))
    return out


def add_decomposition(out, name, mean, start, near, main):
    w, u, mu, jmax, ustar = decompose(mean, start, near, main)
    values = dict(dWU=mean, W_in=start, iC=near.astype(np.int32), iW=main.astype(np.int32), W=w, U=u, mu=mu, jmax=jmax, ustar=ustar)
    out.update({f"{key}_{name}": value for key, value in values.items()})


def some_templates(rng, c, m, k):
    mean = mean_waveforms(rng, c, k, 0.2)
    near, main = nearest(c, m), main_channels(mean)
    w, u, mu, _, _ = decompose(mean, warm_start(rng, k), near, main)
    return w, u, mu, near, main


def similarity_file(rng):
    out = {}
    for name, c, m, k in (("a", 12, 6, 8), ("b", 9, 7, 4)):
        w, u, _, near, main = some_templates(rng, c, m, k)
        w, u = w.astype(np.float32), u.astype(np.float32)
        lags = all_lags(w.astype(float), u.astype(float))
        values = dict(W=w, U=u, iW=main, iC=near, UtU=overlaps(near, main), cc0=zero_lag(w.astype(float), u.astype(float)))
        values.update(simScore=lags.max(axis=2), lag=lags.argmax(axis=2), iNeigh=most_similar(lags.max(axis=2), m))
        if name == "b":
            values["WtW"] = lags
        out.update({f"{key}_{name}": v.astype(np.int32) if v.dtype == np.int64 else v for key, v in values.items()})
    near, main = nearest(64, 10), np.sort(rng.integers(0, 64, 20))
    out.update(iW_w=main.astype(np.int32), iC_w=near.astype(np.int32), UtU_w=overlaps(near, main))
    return out


def triage_file(rng):
    out = {}
    for name, shifts in (("a", ()), ("b", ((1, 3.0, 2.0), (2, 12.0, 0.5), (3, 13.0, 0.5)))):
        w, u, mu, _, _ = some_templates(rng, 12, 6, 6)
        nsp = rng.uniform(0.0, 3.0, 6) + 0.05
        nsp[4] = 0.01
        for n, louder, factor in shifts:  # near-copies of templates 1, 2, 3
            w, u = np.concatenate([w, w[:, n : n + 1]], 1), np.concatenate([u, u[:, n : n + 1]], 1)
            mu, nsp = np.append(mu, mu[n] + louder), np.append(nsp, nsp[n] * factor)
        kept, dropped = triage(w, u, mu, nsp, 0.0437)
        values = dict(W=w, U=u, mu=mu, nsp=nsp, m0=np.float64(0.0437), kept=kept.astype(np.int32), ndropped=dropped.astype(np.int32))
        out.update({f"{key}_{name}": value for key, value in values.items()})
    return out


def ccg_file(rng):
    one = refractory_train(rng, 20, 12)
    deal = rng.random(len(one)) < 0.4
    empty = np.zeros(0, np.int64)
    grid = np.sort(rng.choice(np.arange(0, 6 * 30000, 15), 120, replace=False))
    cases = [
        ("one unit with itself", one, one),
        ("one unit dealt into two", one[deal], one[~deal]),
        ("independent trains", poisson_train(rng, 15, 10), poisson_train(rng, 25, 10)),
        ("lags are multiples of half a bin", grid, np.sort(rng.choice(grid, 60, replace=False))),
        ("unsorted, with repeats", rng.permutation(np.repeat(poisson_train(rng, 10, 8), 2)), poisson_train(rng, 10, 8)),
        ("one list empty", empty, one[:9]),
        ("one spike with itself", one[:1], one[:1]),
        ("3 ms apart, shoulders empty", np.array([1000]), np.array([1090])),
        ("lags at the limit", np.array([0]), np.array([-15000, -14999, 14999, 15000, 15001])),
    ]
    out = dict(case=np.array([c[0] for c in cases]))
    for key, column in (("1", 1), ("2", 2)):
        out["s" + key] = np.concatenate([c[column] for c in cases]).astype(np.int64)
        out["off" + key] = np.cumsum([0] + [len(c[column]) for c in cases]).astype(np.int64)
    for suffix, integer in (("", False), ("_int", True)):
        results = [refractory(a, b, integer) for _, a, b in cases]
        out.update({key + suffix: np.array([r[key] for r in results]) for key in results[0]})
    return out


def merge_file(rng):
    trains = [refractory_train(rng, 40, 25), refractory_train(rng, 22, 25), refractory_train(rng, 30, 25)]
    part = rng.random(len(trains[0]))
    pieces = [trains[0][part < 0.5], trains[0][(part >= 0.5) & (part < 0.8)], trains[0][part >= 0.8], trains[1], trains[2], np.zeros(0, np.int64)]
    time = np.concatenate(pieces)
    label = np.repeat(np.arange(len(pieces)), [len(p) for p in pieces])
    order = rng.permutation(len(time))
    time, label = time[order], label[order]
    sim = np.full((6, 6), 0.3) + 0.7 * np.eye(6)
    for i, j, s in ((0, 1, 0.8), (0, 2, 0.8), (1, 2, 0.8), (3, 4, 0.9), (3, 1, 0.499), (5, 0, 0.95)):
        sim[i, j] = sim[j, i] = s
    after, tests = merge(time, label, sim)
    return dict(
        time=time,
        label=label.astype(np.int32),
        simScore=sim,
        label_out=after.astype(np.int32),
        tested=np.array([t[:2] for t in tests], np.int32),
        tested_Q=np.array([t[2] for t in tests]),
        tested_R=np.array([t[3] for t in tests]),
        merged=np.array([t[4] for t in tests]),
    )


def features(rng, n, entries, centres, which, drift=3.0, spread=0.0):
    """Quantised features [n, 3, entries] around the centre that `which` names, with slow drift along the list."""
    f = centres[which] * (1 + spread * rng.normal(size=(n, 1, 1))) + rng.normal(size=(n, 3, entries)) * 1.5
    f[:, 0, 0] += drift * np.sin(np.arange(n) / 300.0)
    return (np.rint(f * 8) / 8).astype(np.float32)


def split_em_file(rng):
    v = basis()
    out = dict(V=v)
    entries = 4
    centres = rng.normal(size=(2, 3, entries)) * 3
    centres[:, 0] += -12
    distinct = centres.copy()
    distinct[1, 0] = distinct[0, 0][::-1] * np.array([0.3, 1.4, 0.5, 1.2])
    alike = np.stack([centres[0], centres[0] * 1.1])
    alike[1, 1, 2] += 8
    train = refractory_train(rng, 12, 60)
    cases = [
        ("two neurons", distinct, rng.random(760) < 0.45, poisson_train(rng, 20, 38)),
        ("one neuron in two states", distinct, rng.random(len(train)) < 0.5, train),
        ("one neuron of varying amplitude", np.stack([centres[0]] * 2), rng.random(400) < 0.5, poisson_train(rng, 20, 20)),
        ("two of one shape", alike, rng.random(640) < 0.5, poisson_train(rng, 20, 32)),
    ]
    for i, (kind, centre, which, times) in enumerate(cases):
        n = len(which)
        order = np.concatenate([rng.permutation(part) for part in np.array_split(np.arange(n), 6)])  # batches out of order inside
        t, which = times[:n][order], which[order].astype(int)
        f0 = features(rng, n, entries, centre, which, spread=0.25 * (i == 2)).transpose(0, 2, 1).reshape(n, -1)
        name = f"c{i}"
        out.update({f"{name}_kind": np.array(kind), f"{name}_F0": f0, f"{name}_t": t})
        for start in ("p1", "p2"):
            e = examine(f0, t, v.astype(float), start)
            out[f"{name}_Fc_mean"] = e["fc"][::7]
            out.update({f"{name}_{start}_{key}": e[key] for key in ("w0", "w", "r1", "gauss", "loglik", "stats")})
            out[f"{name}_{start}_decision"] = np.array(e["decision"])
            out[f"{name}_{start}_code"] = np.int32(CODES.index(e["decision"]))
            print(name, kind, start, e["decision"], np.round(e["stats"], 3))
    return out


def split_all_file(rng):
    v = basis()
    c, entries = 8, 5
    near = nearest(c, entries)
    mean = np.zeros((L, c, 3))
    which, label, pc = [], [], []
    # Cluster 0 holds two neurons, cluster 1 three, cluster 2 is small; every neuron has its own profile over the channels.
    loud = {0: [(0, 14), (3, 13)], 1: [(1, 16), (2, 12), (4, 15)], 2: [(0, 10)]}
    size = {0: 750, 1: 1100, 2: 150}
    for cluster, neurons in loud.items():
        centres = np.zeros((len(neurons), 3, entries))
        for k, (entry, height) in enumerate(neurons):
            centres[k, 0] = height * np.exp(-0.9 * np.abs(np.arange(entries) - entry))
            centres[k, 1:] = rng.normal(size=(2, entries))
        kind = rng.integers(0, len(neurons), size[cluster])
        pc.append(features(rng, size[cluster], entries, centres, kind, drift=1.0))
        label.append(np.full(size[cluster], cluster))
        which.append(kind)
        main = (1, 4, 6)[cluster]
        waves = v.astype(float) @ centres.mean(axis=0)
        mean[:, near[:, main], cluster] = waves
        mean[:, main, cluster] = waves[:, np.argmax(np.abs(waves[P0 - 1]))] * 1.2
    n = sum(size.values())
    order = rng.permutation(n)
    label, pc = np.concatenate(label)[order], np.concatenate(pc)[order]
    time = rng.permutation(poisson_train(rng, n / 200, 200.01)[:n])
    w, u, _, _, _ = decompose(mean, warm_start(rng, 3), near, main_channels(mean))
    sim = all_lags(w, u).max(axis=2)
    st3 = np.stack([time, label, rng.uniform(8, 20, n), rng.uniform(4, 30, n), np.arange(n) // 200], axis=1).astype(float)
    out = dict(st3=st3, PC=pc, W=w, dWU=mean, simScore=sim, iC=near.astype(np.int32), V=v)
    for start in ("p1", "p2"):
        r = split_all(time, label, pc, w, mean, sim, near, v.astype(float), start)
        label, w, mean, sim = r["label"], r["W"], r["dWU"], r["simScore"]
        out.update({f"{start}_{key}": value for key, value in r.items()})
        print(start, r["examined"], r["code"], np.bincount(label))
    return out


def cutoff_file(rng):
    clean = refractory_train(rng, 20, 40)
    noise = poisson_train(rng, 30, 40)
    burst = np.sort(np.concatenate([clean, clean[::6] + 150]))
    cases = [
        ("clean", clean, rng.uniform(4, 30, len(clean))),
        ("noise below 7.3", np.concatenate([clean, noise]), np.concatenate([rng.uniform(9, 30, len(clean)), rng.uniform(3, 7.3, len(noise))])),
        ("fails at once", noise, rng.uniform(8, 20, len(noise))),
        ("nothing above the last threshold", noise, rng.uniform(6.1, 8.9, len(noise))),
        ("a few violations", burst, rng.uniform(5, 20, len(burst))),
        ("one spike", np.array([77]), np.array([12.0])),
        ("too few to tell", clean[:5], np.array([11.0, 12.0, 5.0, 4.4, 9.0])),
    ]
    cases = [(name, t, np.rint(s * 64) / 64) for name, t, s in cases]  # some scores equal a threshold
    results = [cutoff(t, s) for _, t, s in cases]
    lengths = np.cumsum([0] + [len(t) for _, t, _ in cases])
    return dict(
        case=np.array([c[0] for c in cases]),
        t=np.concatenate([c[1] for c in cases]).astype(np.int64),
        vexp=np.concatenate([c[2] for c in cases]),
        off=lengths.astype(np.int64),
        Ths=np.array([r[0] for r in results]),
        good=np.array([r[1] for r in results], np.int32),
        contam=np.array([r[2] for r in results]),
        n_kept=np.array([(s > r[0]).sum() for (_, _, s), r in zip(cases, results)], np.int32),
        trace=np.array([row for r in results for row in r[3]]),
        trace_off=np.cumsum([0] + [len(r[3]) for r in results]).astype(np.int64),
    )


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "golden") / "kilosort2"
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "stage3_kernels": lambda rng: dict(Ka=KA, Kb=KB),
        "stage3_decompose": decompose_file,
        "stage3_similarity": similarity_file,
        "stage3_triage": triage_file,
        "stage4_ccg": ccg_file,
        "stage4_merge": merge_file,
        "stage4_split_em": split_em_file,
        "stage4_split_all": split_all_file,
        "stage4_cutoff": cutoff_file,
    }
    for seed, (name, make) in enumerate(files.items()):
        np.savez_compressed(folder / f"{name}.npz", **make(np.random.default_rng(seed)))
        print(name, (folder / f"{name}.npz").stat().st_size, "bytes")


if __name__ == "__main__":
    main()
