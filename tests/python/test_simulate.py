"""SpikeInterface and SciPy read simulated folders, and find in them what the truth says."""

import csv
import json

import numpy as np
import probeinterface
import pytest
import spikeinterface.core as si
from scipy.io import loadmat

from sorting import ferrosort


class Simulated:
    def __init__(self, folder):
        self.folder = folder
        self.meta = json.loads((folder / "meta.json").read_text())
        self.sim = json.loads((folder / "truth" / "sim.json").read_text())
        with open(folder / "truth" / "units.csv", newline="") as file:
            self.units = list(csv.DictReader(file))
        self.recording = si.read_binary(
            folder / "recording.bin",
            sampling_frequency=self.meta["sample_rate"],
            dtype=self.meta["dtype"],
            num_channels=self.meta["n_channels"],
            gain_to_uV=self.meta["gain_to_uV"],
            offset_to_uV=self.meta["offset_to_uV"],
        )
        self.sorting = si.read_npz_sorting(folder / "truth" / "sorting.npz")

    def array(self, name):
        return np.load(self.folder / "truth" / f"{name}.npy")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Still units of different sizes in thermal noise, with fixed amplitudes."""
    folder = tmp_path_factory.mktemp("simulate") / "sim"
    ferrosort(
        "simulate", "easy", "--output", folder, "--duration", 60, "--quiet", "--units", 8,
        "--set", "amplitude.recovery.loss=0", "--set", "background.n_hash=20",
        "--set", "firing.rates={kind=\"uniform\", low_hz=10.0, high_hz=20.0}",
        "--set", "firing.jitter=false", "--set", "firing.overlaps.avoid=true",
        # Fine counts: the median deviation of coarse ones is a whole number of them.
        "--set", "converter.counts_per_uv=10", "--set", "converter.bits=16",
    )  # fmt: skip
    return Simulated(folder)


def test_spikeinterface_reads_recording_sorting_and_probe(simulated):
    s = simulated
    assert s.recording.get_num_samples() == s.meta["n_samples"] == 60 * 30000
    assert list(s.sorting.unit_ids) == list(range(8))
    samples, units = s.array("spike_samples"), s.array("spike_units")
    assert np.all(np.diff(samples) >= 0)
    for unit in range(8):
        assert np.array_equal(s.sorting.get_unit_spike_train(unit), samples[units == unit])
        assert int(s.units[unit]["n_spikes"]) == np.sum(units == unit)
    probe = probeinterface.read_probeinterface(s.folder / "probe.json").probes[0]
    assert probe.get_contact_count() == 64
    assert np.sum(probe.device_channel_indices >= 0) == s.array("templates").shape[2]


def test_average_waveforms_are_the_true_templates(simulated):
    s = simulated
    templates, n0 = s.array("templates"), s.sim["n0"]
    channels = s.sim["template_channels"]
    traces = s.recording.get_traces() * s.meta["gain_to_uV"]
    samples, units = s.array("spike_samples"), s.array("spike_units")
    for unit, row in enumerate(s.units):
        inside = samples[units == unit]
        inside = inside[(inside > 100) & (inside < len(traces) - 100)]
        best = channels.index(int(row["best_channel"]))
        window = np.arange(templates.shape[1]) - n0
        mean = traces[inside[:, None] + window][:, :, channels].mean(axis=0)
        assert np.corrcoef(mean[:, best], templates[unit][:, best])[0, 1] > 0.99, f"unit {unit}"
        found, said = np.ptp(mean[:, best]), float(row["ptp_on_probe_uv"])
        assert abs(found / said - 1) < 0.05, f"unit {unit}: {found} for {said} µV"
        assert abs(np.ptp(templates[unit][:, best]) / said - 1) < 0.001


def test_snr_is_trough_over_the_noise_of_the_recording(simulated):
    s = simulated
    traces = s.recording.get_traces(end_frame=600_000) * s.meta["gain_to_uV"]
    sigma = np.median(np.abs(traces - np.median(traces, axis=0)), axis=0) / 0.6744898
    for row in s.units:
        found = float(row["trough_on_probe_uv"]) / sigma[int(row["best_channel"])]
        # The recording has the units' own spikes.
        assert abs(found / float(row["snr"]) - 1) < 0.08


@pytest.mark.parametrize("threads", [1, 3])
def test_bytes_do_not_depend_on_threads(tmp_path, threads):
    args = ["tetrode", "--duration", 3, "--quiet", "--seed", 5]
    ferrosort("simulate", *args, "--output", tmp_path / "a", "--threads", threads)
    ferrosort("simulate", *args, "--output", tmp_path / "b", "--threads", 2)
    for name in ["recording.bin", "truth/spike_samples.npy", "truth/units.csv", "truth/templates.npy"]:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_scipy_reads_the_emouse_files(tmp_path):
    folder = tmp_path / "emouse"
    ferrosort("simulate", "emouse-drift", "--output", folder, "--duration", 10, "--quiet")
    truth = loadmat(folder / "eMouseGroundTruth.mat")
    assert truth["gtRes"].dtype == np.int64 and truth["gtClu"].dtype == np.float64
    assert truth["gtRes"].shape == truth["gtClu"].shape and truth["gtRes"].shape[1] == 1
    assert set(np.unique(truth["gtClu"])) <= set(range(1, 75))
    assert np.all(np.diff(truth["gtRes"][:, 0]) >= 0)
    record = loadmat(folder / "eMouseSimRecord.mat")["yDriftRec"]
    assert record.shape == (len(truth["gtRes"]), 5)
    assert np.allclose(record[:, 0] * 30000 + 41, truth["gtRes"][:, 0])
    assert np.array_equal(record[:, 2], truth["gtClu"][:, 0])
    chan_map = loadmat(folder / "chanMap.mat")
    assert np.array_equal(chan_map["chanMap"][:, 0], np.arange(1, 65))
    assert np.all(chan_map["connected"] == 1)
    assert chan_map["xcoords"][:4, 0].tolist() == [43, 11, 59, 27]


def test_bad_values_are_one_sentence_and_exit_code_2(tmp_path):
    for args, named in [
        (["nothing"], "nothing"),
        (["tetrode", "--set", "units.m=3"], "units.m"),
        (["tetrode", "--duration", "-1"], "duration_s"),
        (["tetrode", "--waveforms", "/no/such/file.mat"], "/no/such/file.mat"),
        (["tetrode", "--noise", "loud"], "loud"),
    ]:
        done = ferrosort("simulate", *args, "--output", tmp_path / "x", check=False)
        assert done.returncode == 2, args
        assert named in done.stderr and len(done.stderr.strip().splitlines()) == 1, done.stderr
        assert list(tmp_path.iterdir()) == []
