"""phylib and SpikeInterface read our folders and see what we wrote."""

import numpy as np
import pytest
from phylib.io.model import load_model
from spikeinterface.extractors import read_kilosort, read_phy
from spikeinterface.extractors.phykilosortextractors import read_kilosort_as_analyzer

TABLES = ["KSLabel", "group", "ContamPct", "Amplitude"]


def assert_phylib_opens(sorting):
    model = load_model(sorting.folder / "params.py")
    try:
        assert np.array_equal(model.spike_samples, sorting.times)
        assert np.array_equal(model.spike_clusters, sorting.clusters)
        assert model.n_templates == len(sorting.templates)
        assert model.sample_rate == sorting.params["sample_rate"]
        unit = sorting.units()[0]
        assert np.array_equal(model.get_cluster_spikes(unit), np.flatnonzero(sorting.clusters == unit))
        template = model.get_template(unit)
        assert np.isfinite(template.template).all()
        if sorting.manifest["algorithm"] != "auto":
            # phylib places a spike by its positive first components: exactly those with none (positive-going spikes) have no depth.
            placed = (sorting.array("pc_features")[:, 0, :] > 0).any(axis=1)
            assert placed.any()
            assert np.array_equal(np.isfinite(model.get_depths()), placed)
        assert model.traces is not None, "the raw file was not found"
        assert model.traces.shape[1] == sorting.params["n_channels_dat"]
    finally:
        model.close()


def assert_spikeinterface_agrees(loaded, sorting):
    units = {int(unit): unit for unit in loaded.unit_ids}
    assert set(sorting.units()) <= set(units)
    assert loaded.sampling_frequency == sorting.params["sample_rate"]
    for unit in sorting.units():
        assert np.array_equal(loaded.get_unit_spike_train(units[unit]), sorting.train(unit)), unit


def test_phylib(simulated):
    assert_phylib_opens(simulated)


def test_spikeinterface_read_kilosort(simulated):
    loaded = read_kilosort(simulated.folder)
    assert_spikeinterface_agrees(loaded, simulated)
    assert len(loaded.unit_ids) == len(simulated.units())
    good = read_kilosort(simulated.folder, keep_good_only=True)
    labels = simulated.table("KSLabel")
    assert len(good.unit_ids) == sum(labels[unit] == "good" for unit in simulated.units())


def test_spikeinterface_read_phy(simulated):
    loaded = read_phy(simulated.folder)
    assert_spikeinterface_agrees(loaded, simulated)
    assert len(loaded.unit_ids) == len(simulated.templates)


def test_spikeinterface_read_kilosort_as_analyzer(simulated):
    analyzer = read_kilosort_as_analyzer(simulated.folder)
    assert_spikeinterface_agrees(analyzer.sorting, simulated)
    assert analyzer.get_num_channels() == simulated.templates.shape[2]


def test_every_table_has_every_unit(simulated):
    for name in TABLES:
        assert sorted(simulated.table(name)) == list(range(len(simulated.templates))), name
    assert set(simulated.table("group").values()) <= {"good", "mua", "noise", "unsorted"}


def test_feature_files_match_their_index_files(with_features):
    n_spikes, n_units, n_channels = len(with_features.times), *with_features.templates.shape[::2]
    features, channels = with_features.array("pc_features"), with_features.array("pc_feature_ind")
    assert features.shape == (n_spikes, 3, channels.shape[1])
    assert channels.shape[0] == n_units and channels.max() < n_channels
    for row in channels:
        assert len(set(row)) == len(row), "a channel twice"
    features, units = with_features.array("template_features"), with_features.array("template_feature_ind")
    assert features.shape == (n_spikes, units.shape[1])
    assert units.shape[0] == n_units and units.max() < n_units
    assert np.isfinite(features).all()


def test_features_lie_on_the_channels_of_the_template(with_features):
    """Mean energy of a unit's features by channel follows the energy of its template: the index is the right one."""
    features, channels = with_features.array("pc_features"), with_features.array("pc_feature_ind")
    checked = 0
    for unit in with_features.units():
        spikes = with_features.clusters == unit
        if spikes.sum() < 50:
            continue
        energy = np.linalg.norm(features[spikes].mean(axis=0), axis=0)
        template = np.linalg.norm(with_features.templates[unit], axis=0)[channels[unit]]
        assert np.corrcoef(energy, template)[0, 1] > 0.8, unit
        checked += 1
    assert checked >= 5


def test_real_recordings_open(real):
    if len(real.times) < 2 or real.templates.shape[2] < 2:
        warnings = " ".join(real.manifest["warnings"])
        assert "phy cannot open this folder" in warnings
        pytest.skip(f"{real.manifest['recording']['name']}: fewer than 2 spikes or channels, as the warning says")
    assert_phylib_opens(real)
    assert_spikeinterface_agrees(read_kilosort(real.folder), real)
