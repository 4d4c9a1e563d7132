"""The whitening matrices have phylib's orientation: a template times the inverse is the spike in raw counts."""

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt


def filtered_recording(sorting):
    """The raw samples as the sorter sees them before whitening, `[samples, sorted channels]`."""
    params, manifest = sorting.params, sorting.manifest
    path = sorting.folder / params["dat_path"]
    raw = np.fromfile(path, dtype=params["dtype"]).reshape(-1, params["n_channels_dat"]).astype(np.float64)
    raw = raw[:, sorting.array("channel_map")]
    raw -= raw.mean(axis=0)
    raw -= np.median(raw, axis=1, keepdims=True)
    sos = butter(3, manifest["parameters"]["highpass_hz"], "highpass", fs=params["sample_rate"], output="sos")
    return sosfiltfilt(sos, raw, axis=0)


@pytest.fixture(scope="module")
def filtered(kilosort2):
    return filtered_recording(kilosort2)


def test_matrices_are_inverse(simulated):
    product = simulated.array("whitening_mat") @ simulated.array("whitening_mat_inv")
    assert np.allclose(product, np.eye(len(product)), atol=1e-6)


def test_whitening_whitens(kilosort2, filtered):
    """Rows times the matrix have unit variance and no correlation between neighbours."""
    covariance = np.cov((filtered @ kilosort2.array("whitening_mat")).T)
    assert 0.5 < np.median(np.diag(covariance)) < 2.0
    off_diagonal = covariance - np.diag(np.diag(covariance))
    assert np.abs(off_diagonal).mean() < 0.05


def test_unwhitened_templates_are_mean_waveforms(kilosort2, filtered):
    inverse = kilosort2.array("whitening_mat_inv")
    length = kilosort2.templates.shape[1]
    checked = 0
    for unit in kilosort2.units():
        times, amplitudes = kilosort2.train(unit), kilosort2.amplitudes[kilosort2.clusters == unit]
        if len(times) <= 100 or kilosort2.table("group")[unit] != "good":
            continue
        template = kilosort2.templates[unit] @ inverse * amplitudes.mean()
        trough = np.unravel_index(template.argmin(), template.shape)[0]
        first = times - trough
        first = first[(first >= 0) & (first + length <= len(filtered))]
        mean = np.mean([filtered[start : start + length] for start in first], axis=0)
        best = np.argmax(np.ptp(template, axis=0))
        lag = abs(int(mean[:, best].argmin()) - trough)
        assert lag <= 2, f"unit {unit}: the trough is {lag} samples from the spike time"
        large = np.ptp(mean, axis=0) > 0.2 * np.ptp(mean, axis=0).max()
        expected, got = mean[:, large].ravel(), template[:, large].ravel()
        assert np.corrcoef(expected, got)[0, 1] > 0.95, unit
        assert abs(np.dot(expected, got) / np.dot(expected, expected) - 1) < 0.1, unit
        checked += 1
    assert checked >= 5
