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


def test_each_column_whitens_one_channel_from_its_neighbours(kilosort2):
    """Column c holds the channels nearest to c: a recorded row times the matrix is a whitened row."""
    matrix, positions = kilosort2.array("whitening_mat"), kilosort2.array("channel_positions")
    count = kilosort2.manifest["parameters"]["whitening_range"]
    for channel, column in enumerate(matrix.T):
        support = np.flatnonzero(column)
        assert len(support) == count
        distance = np.linalg.norm(positions - positions[channel], axis=1)
        assert distance[support].max() <= np.sort(distance)[count - 1] + 1e-9


def mean_waveforms(sorting, filtered):
    """(unit, mean filtered waveform, template at the mean amplitude, whitened) of units with over 100 spikes."""
    length = sorting.templates.shape[1]
    for unit in sorting.units():
        times, amplitudes = sorting.train(unit), sorting.amplitudes[sorting.clusters == unit]
        if len(times) <= 100:
            continue
        template = sorting.templates[unit] * amplitudes.mean()
        first = times - np.unravel_index(template.argmin(), template.shape)[0]
        first = first[(first >= 0) & (first + length <= len(filtered))]
        yield unit, np.mean([filtered[start : start + length] for start in first], axis=0), template


def test_unwhitened_templates_are_mean_waveforms(kilosort2, filtered):
    inverse = kilosort2.array("whitening_mat_inv")
    ratios = []
    for unit, mean, template in mean_waveforms(kilosort2, filtered):
        got = template @ inverse
        best = np.argmax(np.ptp(got, axis=0))
        lag = int(mean[:, best].argmin()) - int(got[:, best].argmin())
        assert abs(lag) <= 2, f"unit {unit}: the trough is {lag} samples from the spike time"
        large = np.ptp(mean, axis=0) > 0.2 * np.ptp(mean, axis=0).max()
        expected, got = mean[:, large].ravel(), got[:, large].ravel()
        assert np.corrcoef(expected, got)[0, 1] > 0.95, unit
        ratios.append(np.dot(expected, got) / np.dot(expected, expected))
    assert len(ratios) >= 5
    # Three components on the nearest channels leave a little of each waveform out.
    assert abs(np.median(ratios) - 1) < 0.1 and np.abs(np.array(ratios) - 1).max() < 0.2, ratios


def test_the_inverse_is_not_transposed(kilosort2, filtered):
    """What three components on the nearest channels leave out of a waveform is missing either way; the rest fits better."""
    inverse = kilosort2.array("whitening_mat_inv")
    errors = np.zeros(2)
    for _, mean, template in mean_waveforms(kilosort2, filtered):
        for i, matrix in enumerate([inverse, inverse.T]):
            errors[i] += ((template @ matrix - mean) ** 2).sum() / (mean**2).sum()
    assert errors[0] < 0.95 * errors[1]
