#!/usr/bin/env python3
"""Golden numbers for the quality metrics: what SpikeInterface makes of a small sorting and recording.

    python tests/data/make_golden_quality.py [file]     by default tests/data/golden/quality/spikeinterface.json

Needs spikeinterface 0.105.3, numba and scikit-learn. Everything that goes in is made of integers by a linear congruential generator,
so that the test (crates/ferrosort-compare/tests/golden_quality.rs) makes the same and only the results are stored.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import spikeinterface as si
from probeinterface import generate_linear_probe
from spikeinterface.core import NumpyRecording, NumpySorting, create_sorting_analyzer
from spikeinterface.metrics.quality import pca_metrics
from spikeinterface.preprocessing import highpass_filter

FS = 10_000.0
N = 1_301_234
CHANNELS = 4
SHAPE = np.array([-100, -400, -1000, -600, -100, 200, 350, 300, 200, 100, 50])
TROUGH = 2
# Size of each unit in hundredths, its main channel, and shares on channels at distance 0, 1, 2, 3 in hundredths.
UNITS = [(100, 0), (60, 1), (40, 2), (150, 3), (80, 2), (100, 0), (50, 1), (70, 3)]
FALL = [100, 40, 15, 5]


def lcg(seed, n):
    """The next `n` states after `seed`: x <- 1664525 x + 1013904223 mod 2^32."""
    powers = np.full(n, 1664525, np.uint32)
    powers = np.multiply.accumulate(powers, dtype=np.uint32)
    before = np.concatenate([np.ones(1, np.uint32), powers[:-1]])
    sums = np.add.accumulate(before, dtype=np.uint32)
    return powers * np.uint32(seed) + sums * np.uint32(1013904223)


class Numbers:
    def __init__(self, seed):
        self.x = seed

    def below(self, m):
        self.x = (1664525 * self.x + 1013904223) % 2**32
        return self.x * m >> 32


def trains():
    r = Numbers(2024)

    def renewal(dead, spread, end=N):
        train, t = [], 0
        while True:
            t += dead + r.below(spread)
            if t >= end:
                return np.array(train, dtype="int64")
            train.append(t)

    units = [renewal(40, 420), renewal(2, 700), renewal(30, 1600), renewal(30, 900, 620_000), renewal(30, 3000)]
    units[4] = np.unique(np.concatenate([units[4], units[0][::5]]))
    return units + [np.array([], dtype="int64"), units[0][::9], units[0][::10]]


def recording(units):
    x = lcg(99, N * CHANNELS)
    noise = (x >> np.uint32(24)).astype("int64") + ((x >> np.uint32(16)) & np.uint32(255)) - 255
    traces = noise.reshape(N, CHANNELS)
    for (size, main), train in zip(UNITS, units):
        for t in train:
            first = t - TROUGH
            k0, k1 = max(0, -first), min(len(SHAPE), N - first)
            for c in range(CHANNELS):
                traces[first + k0 : first + k1, c] += SHAPE[k0:k1] * (size * FALL[abs(c - main)]) // 10_000
    probe = generate_linear_probe(CHANNELS, ypitch=20)
    probe.set_device_channel_indices(np.arange(CHANNELS))
    made = NumpyRecording([traces.astype("float32")], FS)
    made.set_channel_gains(1.0)
    made.set_channel_offsets(0.0)
    made.set_probe(probe)
    return made


def bell(r):
    """Nearly normal, standard deviation 1000."""
    return sum(r.below(1000) for _ in range(12)) - 6000


def given_amplitudes(unit, train):
    r = Numbers(31 + unit)
    values = -(100.0 + np.array([bell(r) for _ in train]) / 100.0)
    if unit == 1:  # cut off
        values = np.minimum(values, -95.0 - np.array([r.below(1000) for _ in train]) / 500.0)
    return values.astype("float32")


def given_depths(unit, train):
    r = Numbers(77 + unit)
    return np.array([40.0 + unit + t * 8 / N + bell(r) / 500.0 for t in train]).astype("float32")


def feature_metrics():
    """Three clusters of 150, 240 and 330 spikes in four dimensions; neighbours among 500 spikes only."""
    r = Numbers(4711)
    centres = [(0, 0, 0, 0), (3, 1, 0, 0), (0, 2, 3, 1)]
    clusters = [np.array([[c + bell(r) / 1000.0 for c in centre] for _ in range(n)]) for centre, n in zip(centres, (150, 240, 330))]
    values = np.concatenate(clusters)
    labels = np.repeat(np.arange(3), [len(c) for c in clusters])
    rows = []
    for unit in range(3):
        isolation, l_ratio = pca_metrics.mahalanobis_metrics(values, labels, unit)
        hit, miss = pca_metrics.nearest_neighbors_metrics(values, labels, unit, max_spikes=500, n_neighbors=5)
        rows.append(
            dict(
                isolation_distance=isolation,
                l_ratio=l_ratio,
                d_prime=pca_metrics.d_prime_metric(values, labels, unit),
                nn_hit_rate=hit,
                nn_miss_rate=miss,
                silhouette=pca_metrics.simplified_silhouette_score(values, labels, unit),
            )
        )
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def analyzer(raw, units):
    sorting = NumpySorting.from_unit_dict({str(k): t for k, t in enumerate(units)}, FS)
    filtered = highpass_filter(raw, freq_min=300.0, filter_order=3, margin_ms=50.0, dtype="float32")
    a = create_sorting_analyzer(sorting, filtered, sparse=False, main_channel_peak_sign="both")
    a.compute("random_spikes", method="uniform", max_spikes_per_unit=500, seed=1)
    a.compute("templates", ms_before=1.0, ms_after=2.0)
    a.compute("noise_levels", random_slices_kwargs=dict(seed=1))
    a.compute("spike_amplitudes")
    a.compute("spike_locations", method="center_of_mass", method_kwargs=dict(radius_um=75.0))
    return sorting, a


def columns(table):
    return {str(c): [None if not np.isfinite(v) else float(v) for v in table[c].astype(float)] for c in table.columns}


def main():
    out = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "golden/quality/spikeinterface.json")
    warnings.simplefilter("ignore")
    si.set_global_job_kwargs(n_jobs=1, progress_bar=False)
    units = trains()
    sorting, a = analyzer(recording(units), units)
    measured = a.compute("quality_metrics", metric_names=["snr", "amplitude_median", "sd_ratio"]).get_data()
    noise = a.get_extension("noise_levels").get_data()

    spikes = sorting.to_spike_vector()
    amplitudes = a.get_extension("spike_amplitudes").data["amplitudes"]
    locations = a.get_extension("spike_locations").data["spike_locations"]
    measured_depths = [float(np.median(locations["y"][spikes["unit_index"] == u])) if len(t) else None for u, t in enumerate(units)]
    given = np.zeros(len(amplitudes), "float32")
    for u, train in enumerate(units):
        given[spikes["unit_index"] == u] = given_amplitudes(u, train)
        locations["y"][spikes["unit_index"] == u] = given_depths(u, train)
    a.get_extension("spike_amplitudes").data["amplitudes"] = given
    names = """num_spikes firing_rate presence_ratio isi_violation rp_violation sliding_rp_violation synchrony firing_range
        amplitude_cv amplitude_cutoff noise_cutoff amplitude_median drift""".split()
    exact = a.compute("quality_metrics", metric_names=names, delete_existing_metrics=True).get_data()
    result = dict(
        made_with=dict(spikeinterface=si.__version__, numpy=np.__version__),
        num_spikes=[len(t) for t in units],
        sum_of_times=[int(t.sum()) for t in units],
        exact=columns(exact),
        measured=columns(measured) | dict(median_depth=measured_depths),
        noise_levels=[float(v) for v in noise],
        features=feature_metrics(),
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
