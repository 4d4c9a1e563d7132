"""The Python package: the same results as the program's, from whatever holds the samples."""

import concurrent.futures
import filecmp
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

ferrosort = pytest.importorskip("ferrosort", reason="the wheel is not installed (scripts/test installs it)")

from sorting import ferrosort as program  # noqa: E402  (after the skip)

# Recordings of tests have no probe file, and short ones make sorters warn.
pytestmark = pytest.mark.filterwarnings("ignore::ferrosort.FerrosortWarning")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Eight seconds of clear units: a recording folder."""
    folder = tmp_path_factory.mktemp("package") / "recording"
    program("simulate", "easy", "--channels", 16, "--units", 6, "--output", folder, "--duration", 8, "--quiet")
    return folder


@pytest.fixture(scope="module")
def by_program(small, tmp_path_factory):
    """What the program makes of it."""
    output = tmp_path_factory.mktemp("program") / "sorting"
    program("sort", small, "--output", output, "--quiet")
    return output


@pytest.fixture(scope="module")
def opened(small):
    return ferrosort.read_recording(small)


@pytest.fixture(scope="module")
def samples(small, opened):
    """The samples as they are stored, [samples, channels]."""
    return np.fromfile(small / "recording.bin", dtype=np.int16).reshape(-1, opened.n_channels)


@pytest.fixture(scope="module")
def expected(small):
    return ferrosort.sort(small)


def assert_same_spikes(a, b):
    assert len(a) > 100
    np.testing.assert_array_equal(a.spike_samples, b.spike_samples)
    np.testing.assert_array_equal(a.spike_units, b.spike_units)
    np.testing.assert_array_equal(a.amplitudes, b.amplitudes)
    np.testing.assert_array_equal(a.templates, b.templates)


def sort_samples(array, opened):
    return ferrosort.sort(array, opened.channel_positions, sample_rate=opened.sample_rate, gain_uv=opened.gain_uv)


@pytest.mark.parametrize("algorithm", ["auto", "kilosort2", "pykilosort"])
def test_files_are_those_of_the_program(small, algorithm, tmp_path):
    for name, threads in [("one", 1), ("two", 2)]:
        program("sort", small, "--algorithm", algorithm, "--threads", threads, "--output", tmp_path / f"{name}-program", "--quiet")
        ferrosort.sort(small, output=tmp_path / f"{name}-package", algorithm=algorithm, threads=threads)
    names = {p.relative_to(tmp_path / "one-program") for p in (tmp_path / "one-program").rglob("*") if p.is_file()}
    for package in ("one-package", "two-package"):
        written = {p.relative_to(tmp_path / package) for p in (tmp_path / package).rglob("*") if p.is_file()}
        assert written == names
        for name in names - {Path("run.json")}:
            assert filecmp.cmp(tmp_path / "one-program" / name, tmp_path / package / name, shallow=False), name
        manifests = [json.loads((tmp_path / folder / "run.json").read_text()) for folder in ("one-program", package)]
        for manifest in manifests:
            del manifest["timings"]
        assert manifests[0] == manifests[1]


def test_a_result_in_memory_is_the_one_in_files(expected, by_program):
    read = ferrosort.read(by_program)
    np.testing.assert_array_equal(read.spike_samples, expected.spike_samples)
    np.testing.assert_array_equal(read.spike_units, expected.spike_units)
    np.testing.assert_array_equal(expected.spike_samples, np.load(by_program / "spike_times.npy"))
    np.testing.assert_array_equal(expected.spike_units, np.load(by_program / "spike_clusters.npy"))
    np.testing.assert_array_equal(expected.amplitudes, np.load(by_program / "amplitudes.npy"))
    np.testing.assert_array_equal(expected.templates, np.load(by_program / "templates.npy"))
    np.testing.assert_array_equal(expected.whitening, np.load(by_program / "whitening_mat.npy"))
    np.testing.assert_array_equal(expected.whitening_inverse, np.load(by_program / "whitening_mat_inv.npy"))
    np.testing.assert_array_equal(expected.similarity, np.load(by_program / "similar_templates.npy"))
    np.testing.assert_array_equal(expected.channels, np.load(by_program / "channel_map.npy"))
    np.testing.assert_array_equal(expected.channel_positions, np.load(by_program / "channel_positions.npy"))
    assert (read.kind, read.path) == ("ferrosort", str(by_program))
    assert read.settings["algorithm"] == expected.settings["algorithm"] == "auto"


def test_units_are_a_table(expected):
    units = expected.units
    assert units.index.name == "unit_id" and list(units.index) == list(expected.unit_ids)
    assert units["n_spikes"].sum() == len(expected)
    assert set(units["label"]) <= {"good", "mua", "noise"}
    unit = units["n_spikes"].idxmax()
    assert len(expected.train(unit)) == units.loc[unit, "n_spikes"]


def test_arrays_stay_when_their_sorting_goes(small):
    templates = ferrosort.sort(small).templates
    copy = templates.copy()
    ferrosort.sort(small)
    np.testing.assert_array_equal(templates, copy)
    assert not templates.flags.owndata, "it is a view of what Rust made"


LAYOUTS = {
    "in order": lambda a: a,
    "by channel": np.asfortranarray,
    "columns of a wider array": lambda a: np.concatenate([a, a], axis=1)[:, : a.shape[1]],
    "every second sample of a longer array": lambda a: np.repeat(a, 2, axis=0)[::2],
    "backwards, turned": lambda a: a[::-1].copy()[::-1],
    "float32": lambda a: a.astype(np.float32),
    "int32": lambda a: a.astype(np.int32),
    "uint16": lambda a: (a.astype(np.int32) + 32768).astype(np.uint16),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_arrays_are_sorted_as_the_file(samples, opened, expected, layout):
    assert_same_spikes(sort_samples(LAYOUTS[layout](samples), opened), expected)


def test_memmaps_are_sorted_as_the_file(small, opened, expected):
    array = np.memmap(small / "recording.bin", dtype=np.int16, mode="r").reshape(-1, opened.n_channels)
    assert_same_spikes(sort_samples(array, opened), expected)


def test_flat_files_and_open_recordings_are_sorted_as_the_folder(small, opened, expected):
    described = {"sample_rate": opened.sample_rate, "channels": opened.n_channels, "gain_uv": opened.gain_uv}
    assert_same_spikes(ferrosort.sort(small / "recording.bin", small / "probe.json", **described), expected)
    assert_same_spikes(ferrosort.sort(opened), expected)
    part = ferrosort.sort(small, time_range=(2, 6))
    assert part.spike_samples.min() >= 2 * opened.sample_rate


def test_traces_are_the_samples(opened, samples):
    traces = opened.traces(100, 200)
    assert traces.dtype == np.float32 and opened.dtype == "int16"
    np.testing.assert_array_equal(traces, samples[100:200])
    assert opened.traces(5, 5).shape == (0, opened.n_channels)
    with pytest.raises(ValueError, match="outside the recording"):
        opened.traces(0, opened.n_samples + 1)


def probe_of(opened):
    probeinterface = pytest.importorskip("probeinterface")
    probe = probeinterface.Probe(ndim=2, si_units="um")
    probe.set_contacts(opened.channel_positions, shapes="circle", shape_params={"radius": 5})
    probe.set_device_channel_indices(opened.channels)
    return probe


def test_probes_are_files_arrays_or_objects(small, samples, opened, expected):
    probe = probe_of(opened)
    for given in (small / "probe.json", str(small / "probe.json"), opened.channel_positions, probe):
        sorting = ferrosort.sort(samples, given, sample_rate=opened.sample_rate, gain_uv=opened.gain_uv)
        assert_same_spikes(sorting, expected)
    with pytest.raises(ValueError, match="positions .channels, 2. in µm"):
        ferrosort.sort(samples, opened.channel_positions[:, 0], sample_rate=opened.sample_rate)


@pytest.fixture(scope="module")
def in_spikeinterface(samples, opened):
    core = pytest.importorskip("spikeinterface.core")
    recording = core.NumpyRecording([samples], opened.sample_rate)
    recording.set_channel_gains(opened.gain_uv)
    recording.set_channel_offsets(0.0)
    recording.set_probe(probe_of(opened))
    return recording


def test_recordings_of_spikeinterface_are_sorted_as_the_file(small, samples, opened, in_spikeinterface, expected, tmp_path):
    from spikeinterface.core import concatenate_recordings

    sorting = ferrosort.sort(in_spikeinterface)
    assert_same_spikes(sorting, expected)
    saved = in_spikeinterface.save(folder=tmp_path / "saved", verbose=False)
    assert_same_spikes(ferrosort.sort(saved), expected)
    half = len(samples) // 2
    halves = [in_spikeinterface.frame_slice(0, half), in_spikeinterface.frame_slice(half, len(samples))]
    assert_same_spikes(ferrosort.sort(concatenate_recordings(halves)), expected)


def test_segments_come_back(samples, opened, expected):
    from spikeinterface.core import NumpyRecording

    third = len(samples) // 3
    recording = NumpyRecording([samples[:third], samples[third:]], opened.sample_rate)
    recording.set_channel_gains(opened.gain_uv)
    recording.set_channel_offsets(0.0)
    recording.set_probe(probe_of(opened))
    sorting = ferrosort.sort(recording)
    assert_same_spikes(sorting, expected)
    segments = sorting.to_spikeinterface()
    assert segments.get_num_segments() == 2
    for unit in segments.unit_ids:
        trains = [segments.get_unit_spike_train(unit, segment_index=i) + first for i, first in enumerate([0, third])]
        np.testing.assert_array_equal(np.concatenate(trains), expected.train(unit))


def test_an_error_while_samples_are_read_is_the_cause(in_spikeinterface, monkeypatch):
    def refuse(*_, **__):
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(in_spikeinterface, "get_traces", refuse)
    with pytest.raises(OSError, match="the disk is gone") as caught:
        ferrosort.sort(in_spikeinterface)
    assert isinstance(caught.value.__cause__, RuntimeError)


def program_says(*args):
    done = program(*args, "--quiet", check=False)
    return done.returncode, done.stderr.strip().removeprefix("error: ")


def test_exceptions_say_what_the_program_says(small, by_program, tmp_path):
    output = tmp_path / "sorting"
    mistakes = [
        ([tmp_path / "none"], {}, ["sort", tmp_path / "none", "--output", output]),
        ([small], {"Thh": 3}, ["sort", small, "--output", output, "--set", "Thh=3"]),
        ([small], {"Th": [3]}, ["sort", small, "--output", output, "--set", "Th=[3]"]),
        ([small], {"output": by_program}, ["sort", small, "--output", by_program]),
        ([small], {"channels": 3}, ["sort", small, "--output", output, "--channels", "3"]),
        ([small / "recording.bin"], {}, ["sort", small / "recording.bin", "--output", output]),
        ([small, small / "meta.json"], {}, ["sort", small, "--output", output, "--probe", small / "meta.json"]),
        ([small], {"fs": 3, "sample_rate": 4}, ["sort", small, "--output", output, "--set", "fs=3", "--sample-rate", "4"]),
    ]
    for args, options, command in mistakes:
        code, sentence = program_says(*command)
        with pytest.raises(ValueError) as caught:
            ferrosort.sort(*args, **options)
        assert (code, sentence) == (2, str(caught.value))
    with pytest.raises(OSError, match="cannot create"):
        ferrosort.sort(small, output="/proc/nothing/sorting")
    with pytest.raises(TypeError, match="a int is not a recording"):
        ferrosort.sort(3)


def test_arrays_that_cannot_be_used_are_refused(samples, opened):
    rate = {"sample_rate": opened.sample_rate}
    for array, options, words in [
        (samples, {}, "pass sample_rate"),
        (samples[:, 0], rate, "has 1 dimensions"),
        (samples.astype(np.float64), rate, "of type <f8"),
        (samples.astype(">i2"), rate, "of type >i2"),
        (samples[:, :0], rate, "no channels"),
        (samples, {"sample_rate": np.nan}, "sample rate is NaN"),
        (samples, {**rate, "gain_uv": [1, 2, 3]}, "3 gains for"),
        (samples, {**rate, "time_range": (0, 1)}, "time_range cannot be given"),
        (np.full((90_000, 4), np.nan, np.float32), rate, "NaN"),
    ]:
        with pytest.raises(ValueError, match=words):
            ferrosort.sort(array, **options)


def test_warnings_and_progress_reach_python(samples, opened):
    told = []
    with pytest.warns(ferrosort.FerrosortWarning, match="no probe was given"):
        sorting = ferrosort.sort(samples, sample_rate=opened.sample_rate, progress=lambda *step: told.append(step))
    assert any("no probe was given" in warning for warning in sorting.warnings)
    assert [step for step in told if step[1] == step[2]], "stages end with all their steps"
    assert all(0 <= done <= total for _, done, total, _ in told)
    with pytest.raises(ZeroDivisionError):
        ferrosort.sort(samples, sample_rate=opened.sample_rate, progress=lambda *_: 1 / 0)
    ferrosort.sort(samples, sample_rate=opened.sample_rate, progress=True)


def test_python_goes_on_while_it_computes(small):
    ticks, over = [], threading.Event()

    def tick():
        while not over.wait(0.01):
            ticks.append(time.monotonic())

    thread = threading.Thread(target=tick)
    thread.start()
    started = time.monotonic()
    ferrosort.sort(small, threads=1)
    took = time.monotonic() - started
    over.set()
    thread.join()
    assert len(ticks) > took / 0.01 / 10, "another thread got a tenth of its turns at least"


def sort_in_child(folder):
    return ferrosort.sort(folder).spike_samples


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_of_a_pool_sort(small, expected, method):
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        for found in pool.map(sort_in_child, [small, small], timeout=300):
            np.testing.assert_array_equal(found, expected.spike_samples)


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_ctrl_c_stops_and_leaves_nothing(tmp_path):
    recording = tmp_path / "recording"
    program("simulate", "easy", "--output", recording, "--duration", 60, "--quiet")
    script = textwrap.dedent(
        f"""
        import ferrosort, sys
        def progress(stage, done, total, unit):
            print("going", flush=True)
        try:
            ferrosort.sort({str(recording)!r}, output={str(tmp_path / "sorting")!r}, progress=progress)
        except KeyboardInterrupt as interrupt:
            print(interrupt)
            sys.exit(77)
        """
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "going\n"
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 77 and "interrupted" in rest.splitlines()[-1], rest
    assert not (tmp_path / "sorting").exists()


@pytest.fixture(scope="module")
def registered():
    module = pytest.importorskip("ferrosort.spikeinterface")
    module.register()
    module.register()
    return module


def test_run_sorter(registered, small, in_spikeinterface, expected, tmp_path):
    from spikeinterface.sorters import available_sorters, get_default_sorter_params, run_sorter

    assert available_sorters().count("ferrosort") == 1
    assert {"algorithm", "threshold", "Th"} <= set(get_default_sorter_params("ferrosort"))
    recording = in_spikeinterface.save(folder=tmp_path / "saved", verbose=False)
    sorting = run_sorter("ferrosort", recording, folder=tmp_path / "auto", threads=1)
    for unit in sorting.unit_ids:
        np.testing.assert_array_equal(sorting.get_unit_spike_train(unit), expected.train(unit))
    assert set(sorting.get_property("label")) <= {"good", "mua", "noise"}
    kilosort2 = run_sorter("ferrosort", recording, folder=tmp_path / "kilosort2", algorithm="kilosort2", Th=[8, 4])
    written = json.loads((tmp_path / "kilosort2" / "sorter_output" / "sorting" / "run.json").read_text())
    assert written["algorithm"] == "kilosort2" and written["parameters"]["threshold"] == [8.0, 4.0]
    assert len(kilosort2.unit_ids) > 0


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_run_sorter_in_a_process_pool(registered, in_spikeinterface, expected, tmp_path, method):
    from spikeinterface.sorters import run_sorter

    recording = in_spikeinterface.save(folder=tmp_path / "saved", verbose=False)
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context, initializer=registered.register) as pool:
        jobs = [pool.submit(run_sorter, "ferrosort", recording, folder=tmp_path / f"run{i}") for i in range(2)]
        for job in jobs:
            sorting = job.result(timeout=300)
            assert sorting.count_total_num_spikes() == len(expected)


def test_simulations_and_comparisons_are_those_of_the_program(small, by_program, tmp_path):
    made = ferrosort.simulate(
        "easy", tmp_path / "package", duration_s=8, probe__n_channels=16, units__n=6, noise={"kind": "none"}, seed=3
    )
    settings = ["--set", "probe.n_channels=16", "--set", "units.n=6", "--set", "noise={kind='none'}", "--seed", "3"]
    program("simulate", "easy", "--output", tmp_path / "program", "--duration", 8, *settings, "--quiet")
    for name in ("recording.bin", "truth/spike_samples.npy", "truth/spike_units.npy"):
        assert filecmp.cmp(tmp_path / "package" / name, tmp_path / "program" / name, shallow=False), name
    assert (made.n_channels, made.duration_s) == (16, 8)
    with pytest.raises(ValueError, match="there is no preset and no file nope; presets are"):
        ferrosort.simulate("nope", tmp_path / "nope")

    page = tmp_path / "report.html"
    numbers = ferrosort.compare(small, by_program, report=page)
    program("compare", small, by_program, "--json", tmp_path / "numbers.json", "--quiet")
    assert numbers == json.loads((tmp_path / "numbers.json").read_text())
    assert numbers["truth"] and page.stat().st_size > 10_000
    with pytest.raises(ValueError, match="exists"):
        ferrosort.compare(small, by_program, report=page)
    with pytest.raises(ValueError, match="--delta-ms is -1"):
        ferrosort.compare(small, by_program, delta_ms=-1)
    with pytest.raises(ValueError, match="only in memory"):
        ferrosort.compare(small, ferrosort.sort(small))
    truth = ferrosort.read(small)
    assert truth.kind == "truth" and len(truth.units) == 6
