"""Results with nothing or almost nothing in them are valid folders."""

import json

import numpy as np
import pytest
from spikeinterface.extractors import read_kilosort, read_phy

from sorting import Sorting, ferrosort
from test_readers import TABLES, assert_phylib_opens, assert_spikeinterface_agrees

RATE = 30000


def sort_array(folder, samples, *options):
    """Sorts an int16 array `[samples, channels]` without a probe."""
    folder.mkdir()
    recording = folder / "raw.bin"
    samples.astype(np.int16).tofile(recording)
    options = ["--channels", samples.shape[1], "--sample-rate", RATE, *options]
    ferrosort("sort", recording, *options, "--algorithm", "kilosort2", "--output", folder / "sorting", "--quiet")
    return Sorting(folder / "sorting")


def noise(seconds, channels, seed=0):
    return np.random.default_rng(seed).normal(0, 10, (int(seconds * RATE), channels))


@pytest.fixture(scope="module")
def silent(tmp_path_factory):
    """Constant samples: no channel has a single threshold crossing."""
    return sort_array(tmp_path_factory.mktemp("small") / "silent", np.zeros((2 * RATE, 8)))


@pytest.fixture(scope="module")
def one_neuron(tmp_path_factory):
    """One large unit on one of four channels, in noise."""
    samples = noise(20, 4)
    shape = -400 * np.exp(-0.5 * ((np.arange(61) - 20) / 4) ** 2)
    for start in np.random.default_rng(1).choice(len(samples) // 200 - 1, 400, replace=False) * 200:
        samples[start : start + 61, 1] += shape
        samples[start : start + 61, 2] += 0.5 * shape
    return sort_array(tmp_path_factory.mktemp("small") / "one", samples, "--set", "NT=16448")


def test_a_silent_recording_gives_an_empty_sorting(silent):
    assert len(silent.times) == 0
    assert "phy cannot open this folder" in " ".join(silent.manifest["warnings"])
    for name in TABLES:
        assert sorted(silent.table(name)) == list(range(len(silent.templates)))
    assert len(read_kilosort(silent.folder).unit_ids) == 0


def test_one_neuron_opens_everywhere(one_neuron):
    assert 350 <= len(one_neuron.times) <= 450
    assert len(one_neuron.units()) >= 1
    assert_phylib_opens(one_neuron)
    assert_spikeinterface_agrees(read_kilosort(one_neuron.folder), one_neuron)
    assert_spikeinterface_agrees(read_phy(one_neuron.folder), one_neuron)


@pytest.mark.parametrize("channels", [1, 2])
def test_few_channels_are_sorted(tmp_path, channels):
    sorting = sort_array(tmp_path / "few", noise(5, channels, seed=2), "--set", "minfr_goodchannels=0")
    assert sorting.array("channel_map").tolist() == list(range(channels))


def test_a_folder_in_an_awkward_place_is_found_again(tmp_path):
    """Spaces, an apostrophe and letters beyond ASCII in the path of the raw file."""
    folder = tmp_path / "it's Ångström's data"
    sorting = sort_array(folder, noise(2, 4))
    assert (sorting.folder / sorting.params["dat_path"]).resolve() == (folder / "raw.bin").resolve()
    assert json.loads((sorting.folder / "run.json").read_text())["recording"]["n_channels"] == 4
