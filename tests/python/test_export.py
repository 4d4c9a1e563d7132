"""Other programs read what `ferrosort export` writes."""

import json
import shutil
import warnings

import numpy as np
import pandas as pd
import pynwb
import pytest
import spikeinterface as si
from nwbinspector import Importance, inspect_nwbfile
from phylib.io.alf import EphysAlfCreator
from phylib.io.model import load_model
from probeinterface import read_probeinterface
from spikeinterface.core.motion import Motion
from spikeinterface.extractors import read_nwb_sorting

from sorting import ferrosort

METADATA = {
    "session_start_time": "2026-03-01T14:30:00+01:00",
    "session_description": "a simulation",
    "experimenter": "Doe, Jane; Roe, Richard",
    "subject_id": "M17",
    "species": "Mus musculus",
    "sex": "F",
    "age": "P90D",
    "location": "CA1",
}


def export(result, format, output, *options):
    ferrosort("export", result, "--format", format, "--output", output, "--quiet", *options)
    return output


def gain_uv(recording):
    return json.loads((recording / "meta.json").read_text())["gain_to_uV"]


def waveforms_uv(sorting, recording):
    """Mean waveforms of the units that have spikes, from the files for phy."""
    inverse = sorting.array("whitening_mat_inv")
    gain = np.broadcast_to(gain_uv(recording), inverse.shape[:1])
    mean = [sorting.amplitudes[sorting.clusters == unit].mean() for unit in sorting.units()]
    return np.stack([m * sorting.templates[unit] @ inverse * gain for m, unit in zip(mean, sorting.units())])


@pytest.fixture(scope="module")
def nwb(simulated, tmp_path_factory):
    """An NWB file with everything that can be told, and the sorting behind it."""
    options = [word for pair in METADATA.items() for word in ("--metadata", "=".join(pair))]
    return export(simulated.folder, "nwb", tmp_path_factory.mktemp("nwb") / "a.nwb", *options), simulated


def inspected(path):
    return [message for message in inspect_nwbfile(nwbfile_path=path)]


def test_nwb_is_valid(nwb):
    path, _ = nwb
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert not pynwb.validate(path=str(path))
    worse = [message for message in inspected(path) if message.importance.value > Importance.BEST_PRACTICE_SUGGESTION.value]
    assert not worse


def test_nwb_without_metadata_has_nothing_critical(auto, tmp_path):
    done = ferrosort("export", auto.folder, "--format", "nwb", "--output", tmp_path / "a.nwb")
    assert "session_start_time=" in done.stderr
    critical = [message for message in inspected(tmp_path / "a.nwb") if message.importance.value > Importance.BEST_PRACTICE_VIOLATION.value]
    assert not critical


def test_nwb_holds_the_sorting(nwb, recording):
    path, sorting = nwb
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        file = io.read()
        assert file.session_start_time.isoformat() == METADATA["session_start_time"]
        assert file.experimenter == ("Doe, Jane", "Roe, Richard") and file.subject.age == "P90D"
        electrodes = file.electrodes.to_dataframe()
        positions = sorting.array("channel_positions")
        assert np.array_equal(electrodes[["rel_x", "rel_y"]], positions)
        assert np.array_equal(electrodes["channel"], sorting.array("channel_map"))
        assert set(electrodes["location"]) == {"CA1"} and set(electrodes["group_name"]) == {"shank0"}
        assert electrodes["group"].iloc[0].device is file.devices["probe"]
        units = file.units.to_dataframe()
        assert np.array_equal(units.index, sorting.units())
        labels = sorting.table("group")
        rate = sorting.params["sample_rate"]
        wanted = waveforms_uv(sorting, recording)
        for place, (unit, row) in enumerate(units.iterrows()):
            np.testing.assert_allclose(row["spike_times"], sorting.train(unit) / rate, atol=1e-12)
            assert row["label"] == labels[unit] and row["num_spikes"] == len(sorting.train(unit))
            local = row["electrodes"].index.to_numpy()
            np.testing.assert_allclose(row["waveform_mean"] * 1e6, wanted[place][:, local], atol=1e-3, rtol=1e-3)
            assert np.ptp(wanted[place], axis=0).argmax() == local[0]
        assert file.units.resolution == pytest.approx(1 / rate)


def test_spikeinterface_reads_the_nwb_file(nwb):
    path, sorting = nwb
    read = read_nwb_sorting(path, sampling_frequency=sorting.params["sample_rate"], t_start=0.0)
    for place, unit in enumerate(sorting.units()):
        train = read.get_unit_spike_train(read.unit_ids[place])
        assert np.array_equal(train, sorting.train(unit))


def test_spikeinterface_loads_the_folder(simulated, recording, tmp_path):
    folder = export(simulated.folder, "spikeinterface", tmp_path / "si")
    loaded = si.load(folder)
    assert loaded.sampling_frequency == simulated.params["sample_rate"]
    assert np.array_equal(loaded.unit_ids, simulated.units())
    labels = simulated.table("group")
    assert list(loaded.get_property("quality")) == [labels[unit] for unit in loaded.unit_ids]
    for unit in loaded.unit_ids:
        assert np.array_equal(loaded.get_unit_spike_train(unit), simulated.train(unit))
    assert np.array_equal(loaded.get_property("num_spikes"), [len(simulated.train(unit)) for unit in loaded.unit_ids])
    # The way to an analyzer that docs/export.md shows.
    meta = json.loads((recording / "meta.json").read_text())
    traces = si.read_binary(
        recording / "recording.bin",
        sampling_frequency=meta["sample_rate"],
        dtype="int16",
        num_channels=meta["n_channels"],
        gain_to_uV=meta["gain_to_uV"],
        offset_to_uV=0.0,
    )
    traces.set_probegroup(read_probeinterface(recording / "probe.json"))
    analyzer = si.create_sorting_analyzer(loaded, traces, format="binary_folder", folder=tmp_path / "analyzer", sparse=False)
    analyzer.compute(["random_spikes", "templates"])
    reloaded = si.load_sorting_analyzer(tmp_path / "analyzer")
    assert np.array_equal(reloaded.unit_ids, loaded.unit_ids)
    assert list(reloaded.sorting.get_property("quality")) == list(loaded.get_property("quality"))


def test_tables_read_in_pandas(simulated, tmp_path):
    for format, separator in (("csv", ","), ("tsv", "\t")):
        folder = export(simulated.folder, format, tmp_path / format)
        units = pd.read_csv(folder / f"units.{format}", sep=separator)
        spikes = pd.read_csv(folder / f"spikes.{format}", sep=separator)
        assert np.array_equal(spikes["sample"], simulated.times) and np.array_equal(spikes["unit"], simulated.clusters)
        np.testing.assert_allclose(spikes["time_s"], simulated.times / simulated.params["sample_rate"])
        np.testing.assert_allclose(spikes["amplitude"], simulated.amplitudes.astype(np.float32))
        labels = simulated.table("group")
        assert np.array_equal(units["unit"], simulated.units())
        assert list(units["label"]) == [labels[unit] for unit in units["unit"]]
        assert np.isin(units["channel"], simulated.array("channel_map")).all()
    # A table of spikes is a result too.
    ferrosort("compare", simulated.folder, tmp_path / "csv" / "spikes.csv", "--no-recording", "--quiet")


def test_names_of_units_are_no_formulas(tmp_path):
    (tmp_path / "a.csv").write_text('sample,unit\n100,"=HYPERLINK(1)"\n200,@x\n')
    folder = export(tmp_path / "a.csv", "csv", tmp_path / "out", "--sample-rate", 30000)
    assert list(pd.read_csv(folder / "units.csv")["unit"]) == ["'=HYPERLINK(1)", "'@x"]
    ferrosort("compare", tmp_path / "a.csv", tmp_path / "a.csv", "--sample-rate", 30000, "--tables", tmp_path / "tables", "--quiet")
    for table in (tmp_path / "tables").glob("*.csv"):
        cells = pd.read_csv(table, header=None, dtype=str, keep_default_na=False).to_numpy().ravel()
        assert not [cell for cell in cells if cell[:1] in "=+@" and cell]


def test_alf_has_the_numbers_of_phylib(kilosort2, recording, tmp_path):
    folder = export(kilosort2.folder, "alf", tmp_path / "alf")
    model = load_model(kilosort2.folder / "params.py")
    EphysAlfCreator(model).convert(tmp_path / "phylib", ampfactor=np.ravel(gain_uv(recording))[0] * 1e-6)
    ours = {path.name: np.load(path) for path in folder.glob("*.npy")}
    theirs = {path.name: np.load(path) for path in (tmp_path / "phylib").glob("*.npy")}
    for name in ("spikes.times.npy", "channels.localCoordinates.npy"):
        np.testing.assert_allclose(ours[name].squeeze(), theirs[name].squeeze(), err_msg=name)
    assert np.array_equal(ours["spikes.samples.npy"], theirs["spikes.samples.npy"].squeeze())
    units = kilosort2.units()
    assert np.array_equal(units[ours["spikes.clusters.npy"]], theirs["spikes.clusters.npy"].squeeze())
    # Where phylib has no depth, for want of a positive feature, ours is that of the unit.
    placed = np.isfinite(theirs["spikes.depths.npy"])
    np.testing.assert_allclose(ours["spikes.depths.npy"][placed], theirs["spikes.depths.npy"][placed], atol=0.01)
    assert np.isfinite(ours["spikes.depths.npy"]).all()
    # phylib takes every template at the amplitude of each spike, and the channel where the whitened one is largest.
    np.testing.assert_allclose(ours["spikes.amps.npy"], theirs["spikes.amps.npy"], rtol=0.02)
    assert 20e-6 < np.median(ours["spikes.amps.npy"]) < 2e-3


def test_alf_describes_units_and_channels(simulated, recording, tmp_path):
    folder = export(simulated.folder, "alf", tmp_path / "alf")
    load = lambda name: np.load(folder / f"{name}.npy")  # noqa: E731
    metrics = pd.read_csv(folder / "clusters.metrics.csv")
    assert np.array_equal(metrics["cluster_id"], np.arange(len(metrics))) and np.array_equal(metrics["unit"], simulated.units())
    assert pd.read_csv(folder / "clusters.uuids.csv")["uuids"].is_unique
    wanted = waveforms_uv(simulated, recording)
    channels, waveforms = load("clusters.waveformsChannels"), load("clusters.waveforms")
    for place in range(len(metrics)):
        np.testing.assert_allclose(waveforms[place] * 1e6, wanted[place][:, channels[place]], atol=1e-3, rtol=1e-3)
    np.testing.assert_allclose(load("clusters.amps") * 1e6, np.ptp(wanted, axis=1).max(axis=1), rtol=1e-3)
    assert np.array_equal(load("channels.rawInd"), simulated.array("channel_map"))
    assert np.array_equal(load("clusters.channels"), channels[:, 0])
    length = len(simulated.times)
    assert {load(f"spikes.{name}").shape for name in ("times", "samples", "clusters", "templates", "amps", "depths")} == {(length,)}


def test_motion_loads(demo, tmp_path):
    truth = Motion.load(export(demo / "recording", "motion", tmp_path / "truth", "--truth"))
    assert np.array_equal(truth.displacement[0], np.load(demo / "recording/truth/displacement.npy").reshape(truth.displacement[0].shape))
    found = Motion.load(export(demo / "sorting", "motion", tmp_path / "found"))
    intermediates = demo / "sorting" / "intermediates"
    assert np.array_equal(found.displacement[0], np.load(intermediates / "motion.npy"))
    assert np.array_equal(found.temporal_bins_s[0], np.load(intermediates / "motion_times.npy"))
    # Both are positive towards larger y: what the sorter followed is what the tissue did, but for its mean.
    times, depths = found.temporal_bins_s[0], np.full(len(found.temporal_bins_s[0]), np.median(found.spatial_bins_um))
    moved = [motion.get_displacement_at_time_and_depth(times, depths) for motion in (truth, found)]
    assert np.corrcoef(*moved)[0, 1] > 0.9


def test_shanks_that_moved_apart_load_one_by_one(demo, tmp_path):
    sorting = shutil.copytree(demo / "sorting", tmp_path / "sorting")
    intermediates = sorting / "intermediates"
    motion, depths = (np.load(intermediates / f"{name}.npy") for name in ("motion", "motion_depths"))
    np.save(intermediates / "motion.npy", np.hstack([motion, -motion]))
    np.save(intermediates / "motion_depths.npy", np.tile(depths, 2))
    np.save(intermediates / "motion_shanks.npy", np.repeat([0, 1], len(depths)))
    folder = export(sorting, "motion", tmp_path / "motion")
    for shank, sign in enumerate([1, -1]):
        found = Motion.load(folder / f"shank{shank}")
        assert np.array_equal(found.displacement[0], sign * motion)
        assert np.array_equal(found.spatial_bins_um, depths)
    package = pytest.importorskip("ferrosort", reason="the package is not installed")
    result = package.read(sorting)
    assert result.motion is None and list(result.shank_motions) == [0, 1]
    assert np.array_equal(result.shank_motions[1].displacement_um, -motion)
    assert np.array_equal(result.shank_motions[1].depths_um, depths)


def test_the_package_exports_the_same(auto, tmp_path):
    package = pytest.importorskip("ferrosort", reason="the package is not installed")
    by_program = export(auto.folder, "alf", tmp_path / "program")
    sorting = package.read(auto.folder)
    sorting.export(tmp_path / "package", "alf")
    names = sorted(path.name for path in by_program.iterdir())
    assert names == sorted(path.name for path in (tmp_path / "package").iterdir())
    for name in names:
        assert (by_program / name).read_bytes() == (tmp_path / "package" / name).read_bytes(), name
    with pytest.raises(ValueError, match="--overwrite"):
        sorting.export(tmp_path / "package", "alf")
    sorting.export(tmp_path / "package", "alf", overwrite=True)
    with pytest.raises(ValueError, match="no format 'pdf'"):
        sorting.export(tmp_path / "x", "pdf")
    with pytest.raises(ValueError, match="no key 'colour'"):
        sorting.export(tmp_path / "x", "nwb", metadata={"colour": "red"})
    with pytest.warns(package.FerrosortWarning, match="1970"):
        sorting.export(tmp_path / "a.nwb", "nwb", metadata={"subject_id": "M17"})
    with pynwb.NWBHDF5IO(str(tmp_path / "a.nwb"), "r") as io:
        assert io.read().subject.subject_id == "M17"
    sorting.path = None
    with pytest.raises(ValueError, match="only in memory"):
        sorting.export(tmp_path / "x", "alf")
