"""Oracle for preprocessing and matching (docs/kilosort2.md 1.4, 2.1-2.5, 4.5, 4.6, 4.8, 5.1).

NumPy and SciPy float64 that follow the formulas and take no shortcut; nothing is shared with the Rust program. The original's
edges and defects are kept (the `kilosort2-2.0.2` switches). The last part makes the outputs of a golden file from its inputs.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import butter, lfilter

L = 61
NB_EDGE = 64
COUNTS_PER_SD = 200.0
ROUNDS = 60
LOCKOUT = 60
POOLED = 7


# --- preprocessing ---------------------------------------------------------------------------------------------------------


def buffer(raw, k, nt):
    """Samples that batch k reads, and how many of them are dropped after the filter (2.1)."""
    start = max(0, k * (nt - NB_EDGE) - 2 * NB_EDGE)
    rows = np.minimum(np.arange(start, start + nt + 4 * NB_EDGE), len(raw) - 1)
    return raw[rows], 0 if k == 0 else NB_EDGE


def condition(block, fs, car=True):
    """Mean, median over channels, and the 150 Hz filter both ways from zero state (2.2)."""
    x = block.astype(float)
    x -= x.mean(axis=0)
    if car:
        x -= np.median(x, axis=1, keepdims=True)
    b, a = butter(3, 150.0, "highpass", fs=fs)
    for _ in range(2):
        x = lfilter(b, a, x, axis=0)[::-1]
    return x


def count_crossings(raw, fs, nt):
    """Peaks below -6 sd on every channel (1.4): counts, rates, pieces read, and how near any value came to a decision."""
    n_batches = -(-len(raw) // (nt - NB_EDGE))
    step = -(-n_batches // 100)
    pieces = [q for q in range(0, n_batches, step) if q * nt < len(raw)]
    counts = np.zeros(raw.shape[1], int)
    samples, margin = 0, np.inf
    for q in pieces:
        piece = raw[q * nt : q * nt + nt]
        z = condition(piece, fs)
        z /= z.std(axis=0)
        padded = np.pad(z, ((30, 30), (0, 0)), constant_values=np.inf)
        excess = z - sliding_window_view(padded, 61, axis=0).min(axis=2)
        x = np.arange(1, len(z) + 1)[:, None]
        counts += ((excess < 1e-3) & (z < -6) & (x >= L) & (x <= nt - L)).sum(axis=0)
        margin = min(margin, np.abs(z + 6).min(), np.abs(excess[z < -5.9] - 1e-3).min(initial=np.inf))
        samples += len(piece)
    return counts, counts / (samples / fs), pieces, margin


def covariance(raw, fs, nt, stride):
    """Over every stride-th batch, with the divisors of the original (2.3)."""
    n_batches = -(-len(raw) // (nt - NB_EDGE))
    total = 0.0
    for k in range(0, n_batches, stride):
        d = condition(buffer(raw, k, nt)[0], fs)
        total = total + d.T @ d / nt
    return total / -(-(n_batches - 1) // stride)


def nearest(xy, size):
    """[size, channels]: the nearest channels of each, itself first, ties to the lower index."""
    d2 = ((xy[:, None, :] - xy[None, :, :]) ** 2).sum(axis=2)
    return np.argsort(d2, axis=1, kind="stable")[:, : min(size, len(xy))].T


def inverse_root(s):
    e, d, _ = np.linalg.svd(s)
    return e @ np.diag((d + 1e-6) ** -0.5) @ e.T


def whitening(cc, xy, reach):
    """Column j makes output channel j (2.4); `reach` 0 is global."""
    if reach == 0:
        return COUNTS_PER_SD * inverse_root(cc)
    w = np.zeros_like(cc)
    for j, near in enumerate(nearest(xy, reach).T):
        w[near, j] = COUNTS_PER_SD * inverse_root(cc[np.ix_(near, near)])[:, 0]
    return w


def to_int16(z):
    """To nearest, halves away from zero, saturated (2.5)."""
    return np.clip(np.sign(z) * np.floor(np.abs(z) + 0.5), -32768, 32767).astype(np.int16)


# --- matching --------------------------------------------------------------------------------------------------------------


def covered(nt):
    """Starts that are correlated, and the end of the search for peaks (2.7)."""
    return 1024 * -(-(nt - 1024 - L + 1) // 1024), 60 + 1024 * -(-(nt - 1083) // 1024)


def local_maxima(s, threshold):
    """Where s exceeds the threshold and no value within 60 samples is larger."""
    padded = np.pad(s, LOCKOUT)
    return np.flatnonzero((s > threshold) & (s >= sliding_window_view(padded, 2 * LOCKOUT + 1).max(axis=1)))


class Pursuit:
    """Matching pursuit of one batch, with the row that the original leaves stale (4.5)."""

    def __init__(self, x, w, u, mu, ic, iw, lam):
        self.x, self.w, self.lam = x.astype(float), w.astype(float), lam
        self.mu = mu.astype(float)
        self.near = ic[:, iw].T
        mask = np.zeros(u.shape[:2], bool)
        for n, near in enumerate(self.near):
            mask[near, n] = True
        self.u = u * mask[:, :, None].astype(float)
        self.templates = np.einsum("tnq,cnq->ntc", self.w, self.u)
        self.overlap = (mask.T.astype(int) @ mask.astype(int)) > 0
        self.nt = len(x)
        self.p = np.einsum("tc,cnq->tnq", self.x, self.u)
        self.y = np.zeros((self.nt, len(mu)))
        self.correlate(np.arange(len(mu)), 0, min(covered(self.nt)[0], self.nt - L))
        self.s, self.best = np.zeros(self.nt), np.zeros(self.nt, int)
        self.compete(61, self.nt - L)

    def correlate(self, which, first, last):
        if first < last:
            windows = sliding_window_view(self.p[first : last + L - 1, which], L, axis=0)
            self.y[first:last, which] = np.einsum("tnqi,inq->tn", windows, self.w[:, which])

    def compete(self, first, last):
        rows = slice(max(first, 61), min(last, self.nt))
        s, best = np.zeros(len(self.s[rows])), np.zeros(len(self.s[rows]), int)
        for n, mu in enumerate(self.mu):
            g = (np.maximum(self.y[rows, n], 0) + self.lam * mu) ** 2 / (1 + self.lam) - self.lam * mu**2
            better = g > s + 1e-6
            s, best = np.where(better, g, s), np.where(better, n, best)
        self.s[rows], self.best[rows] = s, best

    def features(self, t, n, similar):
        mu, lam = self.mu[similar[:, n]], self.lam
        f = (self.y[t - 3 : t + 3][:, similar[:, n]] + lam / mu) / np.sqrt(1 + lam / mu**2)
        return np.maximum(f.max(axis=0), 0)

    def run(self, threshold, similar=None):
        """Rows (start, template, amplitude, score, round), and the template features, by (start, template)."""
        spikes, features = [], []
        end = covered(self.nt)[1]
        for k in range(ROUNDS):
            new = [(t, self.best[t], self.y[t, self.best[t]]) for t in local_maxima(self.s, threshold**2) if 60 <= t < end]
            spikes += [(t, n, y, np.sqrt(self.s[t]), k) for t, n, y in new]
            if similar is not None:
                features += [self.features(t, n, similar) for t, n, _ in new]
            for t, n, y in new:
                self.x[t : t + L] -= y * self.templates[n]
            reach = [(max(0, t - 61), t + 60) for t, _, _ in new]
            for (t, n, _), (a, b) in zip(new, reach):
                m = self.overlap[n]
                self.p[a:b, m] = np.einsum("tc,cnq->tnq", self.x[a:b], self.u[:, m])
            for (t, n, _), (a, b) in zip(new, reach):
                self.correlate(np.flatnonzero(self.overlap[n]), a, min(b, self.nt - L))
            for a, b in reach:
                self.compete(a, b)
        order = sorted(range(len(spikes)), key=lambda i: spikes[i][:2])
        return [spikes[i] for i in order], np.array([features[i] for i in order] if features else [])


def waveforms(pursuit, spikes):
    """Residual plus own contribution of every spike, [spikes, L, channels]."""
    return np.array([pursuit.x[t : t + L] + y * pursuit.templates[n] for t, n, y, _, _ in spikes])


def pursue(g, p=""):
    """Everything that 4.5 makes from the inputs in `g` whose names begin with `p`."""
    threshold, learn, lam, flag = g[p + "params"]
    x = (g[p + "batch"] / np.float32(COUNTS_PER_SD)).astype(np.float32)
    pursuit = Pursuit(x, *(g[p + name] for name in ("W", "U", "mu", "iC", "iW")), lam)
    first = pursuit.s.copy()
    spikes, features = pursuit.run(threshold, g[p + "iList"] if flag else None)
    st, ids, y, v, rounds = (np.array(column) for column in zip(*spikes))
    waves = waveforms(pursuit, spikes)
    sums, counts = np.zeros((L, x.shape[1], len(pursuit.mu))), np.zeros(len(pursuit.mu), int)
    for n, wave in zip(ids[v > learn], waves[v > learn]):
        sums[:, :, n] += wave
        counts[n] += 1
    out = {"st": st, "id": ids, "round": rounds, "y": y, "vexp": v, "dWU0": sums, "nsp0": counts, "residual": pursuit.x}
    out |= {"UtU": pursuit.overlap, "score_first": first, "score_last": pursuit.s}
    if flag:
        out["featW"] = features
        near = [wave[:, pursuit.near[n]] for n, wave in zip(ids, waves)]
        out["featPC"] = np.einsum("iq,nij->nqj", g[p + "V"].astype(float), np.array(near))
    return {p + name: value for name, value in out.items()}


def learning_step(before, sums, counts, pm):
    """Running means after one batch (4.8)."""
    f = pm**counts
    return f * before + (1 - f) * sums / np.maximum(1, counts)


def residual_search(x, prototypes, ic, v, threshold):
    """Where new templates begin (4.6)."""
    x = x.astype(float)
    nt = len(x)
    last = min(covered(nt)[0], nt - L + 1)
    q = np.zeros((nt, x.shape[1], prototypes.shape[1]))
    q[:last] = np.einsum("tci,ij->tcj", sliding_window_view(x, L, axis=0)[:last], prototypes.astype(float))
    size = np.arange(1, POOLED + 1)[:, None]
    # A prototype that is NaN never wins.
    pooled = [np.nanmax(np.cumsum(q[:, near], axis=1) ** 2 / size, axis=(1, 2)) for near in ic[:POOLED].T]
    clean, energy, channel = np.zeros(nt), np.zeros(nt), np.zeros(nt, int)
    period = 1024 * (nt // 1024)
    for t in range(nt):
        e, c = (energy[t - period], channel[t - period]) if t >= period else (0.0, 0)
        for k, value in enumerate(pooled):
            if value[t] > e + 1e-6:
                e, c = value[t], k
            if value[t] > clean[t] + 1e-6:
                clean[t] = value[t]
        energy[t], channel[t] = e, c
    end = min(nt - L, covered(nt)[1])
    found, clean_found = ([t for t in local_maxima(e, threshold**2) if 60 <= t < end] for e in (energy, clean))
    kept = [t for t in found if all(energy[s] <= energy[t] for s in found if abs(channel[s] - channel[t]) < 5)]
    basis = v.astype(float)
    snippets = [basis @ (basis.T @ x[t : t + L]) for t in kept]
    return {
        "t": np.array(kept),
        "ch": channel[kept],
        "cand_t": np.array(found),
        "cand_clean_t": np.array(clean_found),
        "E": energy,
        "E_clean": clean,
        "chmax": channel,
        "lead": np.array([np.diff(np.sort([value[t] for value in pooled])[-2:]) for t in kept]),
        "dWU_new": np.stack(snippets, axis=2),
    }


# --- outputs of a file from its inputs -------------------------------------------------------------------------------------


def numbered(g, prefix):
    """The numbers that follow `prefix` in the names of arrays."""
    return [int(name[len(prefix) :]) for name in g if name.startswith(prefix) and name[len(prefix) :].isdigit()]


def preprocess_outputs(g, recording):
    """All of 1.4 and 2 for the batches, strides and ranges that the names in `g` ask for."""
    fs, raw = float(recording["fs"]), recording["raw"][:, recording["chan_map"]]
    nt = len(g["proc_0"])
    out = dict(zip(["good_count", "good_rate", "good_batches", "good_margin"], count_crossings(raw, fs, nt)))
    good = out["good_rate"] >= 0.1
    raw, xy = raw[:, good], recording["xy"][good]
    cc = covariance(raw, fs, nt, int(g.get("covariance_stride", 5)))
    w = whitening(cc, xy, int(g.get("whitening_range", 32)))
    out |= {"good_mask": good, "xy_good": xy, "CC": cc, "Wrot": w, "Wrot_global": whitening(cc, xy, 0)}
    out |= {f"CC_skip{s}": covariance(raw, fs, nt, s) for s in numbered(g, "CC_skip")}
    out |= {f"Wrot_range{r}": whitening(cc, xy, r) for r in numbered(g, "Wrot_range")}
    for k in numbered(g, "proc_"):
        block, dropped = buffer(raw, k, nt)
        filtered = condition(block, fs)
        out |= {f"filt_in_{k}": block, f"discard_{k}": dropped, f"filt_out_{k}": filtered[g["filt_rows"]]}
        out[f"filt_out_{k}_nocar"] = condition(block, fs, car=False)[g["filt_rows"]]
        out[f"proc_{k}"] = to_int16(filtered[dropped : dropped + nt] @ w)
    return out


def learn_outputs(g):
    out = pursue(g)
    out["step_dWU_out"] = learning_step(g["step_dWU"], out["dWU0"], out["nsp0"], g["step_pm"])
    return out


def final_outputs(g):
    out = pursue(g)
    nt, k = len(g["batch"]), int(g["batch_index"])
    out["spike_time"] = 20 + k * (nt - NB_EDGE) - (NB_EDGE if k else 0) + out["st"]  # 5.1
    return out


def wide_outputs(g):
    return pursue(g, "w_") | pursue(g, "h_")


def residual_outputs(g):
    out = {}
    for case in "abc":
        found = residual_search(g[f"X_{case}"], g["wTEMP"], g["iC"], g["V"], float(g.get("Th", 10)))
        out |= {f"{name}_{case}": value for name, value in found.items()}
    return out


OUTPUTS = {
    "stage3_pursuit_learn": learn_outputs,
    "stage3_pursuit_final": final_outputs,
    "stage3_pursuit_wide": wide_outputs,
    "stage3_residual": residual_outputs,
}
