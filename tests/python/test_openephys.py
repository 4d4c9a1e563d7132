"""Recordings of Open Ephys against neo (samples, rates, scale) and probeinterface (places)."""

import json

import numpy as np
import pytest
from neo.rawio import OpenEphysBinaryRawIO
from probeinterface import read_openephys_neuropixels
from probeinterface.neuropixels_tools import _load_np_probe_features

from converted import Converted, noise, refused

FEATURES = _load_np_probe_features()["neuropixels_probes"]
AP = "Neuropix-PXI-100.ProbeA-AP"


def channels(n, sync=False, bit_volts=0.195):
    named = [{"channel_name": f"CH{i}", "bit_volts": bit_volts, "units": "uV"} for i in range(n)]
    return named + ([{"channel_name": "AP_SYNC", "bit_volts": 1.0, "units": ""}] if sync else [])


def add_recording(node, number, streams, experiment=1):
    folder = node / f"experiment{experiment}" / f"recording{number}"
    entries = []
    for name, (samples, described) in streams.items():
        data = folder / "continuous" / name
        data.mkdir(parents=True)
        samples.astype("<i2").tofile(data / "continuous.dat")
        np.save(data / "timestamps.npy", np.arange(len(samples)) / 30000)
        np.save(data / "sample_numbers.npy", np.arange(len(samples)))
        entries.append(
            {
                "folder_name": f"{name}/",
                "sample_rate": 30000,
                "stream_name": name.split(".")[-1],
                "source_processor_name": name.split("-100")[0],
                "source_processor_id": 100,
                "recorded_processor": "Record Node",
                "recorded_processor_id": 101,
                "num_channels": len(described),
                "channels": described,
            }
        )
    structure = {"GUI version": "0.6.7", "continuous": entries, "events": [], "spikes": []}
    (folder / "structure.oebin").write_text(json.dumps(structure))
    return folder


def settings(node, probes, version="0.6.7", after=""):
    """probes: XML of NP_PROBE elements by name of the stream without its band."""
    streams = "".join(f'<STREAM name="{name}-AP"/><STREAM name="{name}-LFP"/>' for name in probes)
    custom = "".join(probes.values())
    editor = f"<CUSTOM_PARAMETERS>{custom}</CUSTOM_PARAMETERS>" if version >= "0.9" else custom
    node.joinpath("settings.xml").write_text(
        f"<SETTINGS><INFO><VERSION>{version}</VERSION></INFO><SIGNALCHAIN>"
        f'<PROCESSOR name="Neuropix-PXI" nodeId="100" libraryVersion="0.6.0">{streams}<EDITOR>{editor}</EDITOR></PROCESSOR>'
        f'{after}<PROCESSOR name="Record Node" nodeId="101"/></SIGNALCHAIN></SETTINGS>'
    )


def by_place(sku, picked, serial="77"):
    """A probe as plugins before 0.8 write it: bank and places of each channel."""
    feature = FEATURES[sku]
    columns, pitch = int(feature["cols_per_shank"]), float(feature["electrode_pitch_horz_um"])
    even, odd = (float(feature[f"{row}_row_horz_offset_left_edge_to_leftmost_electrode_center_um"]) for row in ("even", "odd"))
    per_shank = columns * int(feature["rows_per_shank"])
    bank, x, y = [], [], []
    for electrode in picked:
        shank, e = divmod(int(electrode), per_shank)
        row, column = divmod(e, columns)
        bank.append(f"0:{shank}" if int(feature["num_shanks"]) > 1 else "0")
        x.append(column * pitch + (odd if row % 2 else even) + shank * float(feature["shank_pitch_um"]))
        y.append(row * float(feature["electrode_pitch_vert_um"]))
    # Attributes are in no order in real files.
    order = np.random.default_rng(1).permutation(len(picked))
    attributes = lambda values: " ".join(f'CH{i}="{values[i]}"' for i in order)
    return (
        f'<NP_PROBE probe_part_number="{sku}" probe_serial_number="{serial}" slot="2" port="1" dock="1" isEnabled="1">'
        f"<CHANNELS {attributes(bank)}/><ELECTRODE_XPOS {attributes(x)}/><ELECTRODE_YPOS {attributes(y)}/></NP_PROBE>"
    )


def by_electrode(sku, picked, serial="77"):
    """A probe as newer plugins write it: the numbers of the electrodes."""
    electrodes = " ".join(f'CH{i}="{e}"' for i, e in enumerate(picked))
    return (
        f'<NP_PROBE probe_part_number="{sku}" probe_serial_number="{serial}" isEnabled="1">'
        f"<SELECTED_ELECTRODES {electrodes}/></NP_PROBE>"
    )


def same_places(ours, theirs, sku):
    shift = ours.positions() - theirs.contact_positions
    # Both count x from another edge.
    np.testing.assert_allclose(shift, np.broadcast_to(shift[0], shift.shape), atol=1e-6)
    if int(FEATURES[sku]["num_shanks"]) > 1:
        np.testing.assert_array_equal(ours.shanks(), theirs.shank_ids.astype(int))


@pytest.mark.parametrize("writer", [by_place, by_electrode])
@pytest.mark.parametrize("sku", ["NP1000", "NP2003", "NP2013", "NP1300"])
def test_samples_scale_and_places(tmp_path, sku, writer):
    node = tmp_path / "Record Node 101"
    per_shank = int(FEATURES[sku]["cols_per_shank"]) * int(FEATURES[sku]["rows_per_shank"])
    picked = np.random.default_rng(0).permutation(per_shank * int(FEATURES[sku]["num_shanks"]))[:384]
    samples = noise(100, 385)
    ni = noise(100, 2, 1)
    streams = {
        AP: (samples, channels(384, sync=True)),
        "Neuropix-PXI-100.ProbeA-LFP": (noise(10, 384), channels(384)),
    }
    add_recording(node, 1, streams)
    settings(node, {"ProbeA": writer(sku, picked)}, "1.0.1" if writer is by_electrode else "0.6.7")
    ours = Converted(tmp_path)
    np.testing.assert_array_equal(ours.samples, samples)
    assert ours.neural == list(range(384))
    same_places(ours, read_openephys_neuropixels(node / "settings.xml", stream_name=AP), sku)
    reader = OpenEphysBinaryRawIO(str(node))
    reader.parse_header()
    names = list(reader.header["signal_streams"]["name"])
    stream = next(i for i, name in enumerate(names) if name.endswith("ProbeA-AP"))
    theirs = reader.get_analogsignal_chunk(block_index=0, seg_index=0, i_start=0, i_stop=100, stream_index=stream)
    np.testing.assert_array_equal(ours.samples[:, :384], theirs)
    header = reader.header["signal_channels"]
    header = header[header["stream_id"] == reader.header["signal_streams"]["id"][stream]]
    np.testing.assert_allclose(ours.gains[:384], header["gain"])
    assert ours.rate == header["sampling_rate"][0]


def test_a_channel_map_before_the_record_node(tmp_path):
    node = tmp_path / "Record Node 101"
    picked = np.arange(384)
    order = np.random.default_rng(2).permutation(384)
    add_recording(node, 1, {AP: (noise(10, 384), channels(384))})
    channel_map = (
        '<PROCESSOR name="Channel Map" nodeId="102"><STREAM name="ProbeA-AP"/><STREAM name="ProbeA-LFP"/><CUSTOM_PARAMETERS>'
        + 2 * ("<STREAM>" + "".join(f'<CH index="{i}"/>' for i in order) + "</STREAM>")
        + "</CUSTOM_PARAMETERS></PROCESSOR>"
    )
    settings(node, {"ProbeA": by_electrode("NP1000", picked)}, "1.0.1", channel_map)
    ours = Converted(tmp_path)
    same_places(ours, read_openephys_neuropixels(node / "settings.xml", stream_name=AP), "NP1000")


def test_paths_relative_to_the_recording(tmp_path, monkeypatch):
    node = tmp_path / "Record Node 101"
    samples = noise(10, 384)
    made = add_recording(node, 1, {AP: (samples, channels(384))})
    settings(node, {"ProbeA": by_electrode("NP1000", np.arange(384))}, "1.0.1")
    for folder, name in [(made, "."), (made, "structure.oebin"), (made / "continuous" / AP, "continuous.dat")]:
        monkeypatch.chdir(folder)
        ours = Converted(name)
        np.testing.assert_array_equal(ours.samples, samples)
        assert len(ours.channels()) == 384


def test_two_probes_are_chosen_by_stream(tmp_path):
    node = tmp_path / "Record Node 101"
    a, b = noise(10, 384), noise(10, 384, 1)
    other = AP.replace("ProbeA", "ProbeB")
    add_recording(node, 1, {AP: (a, channels(384)), other: (b, channels(384))})
    probes = {
        "ProbeA": by_electrode("NP1000", np.arange(384), "1"),
        "ProbeB": by_electrode("NP2013", np.arange(384) * 7, "2"),
    }
    settings(node, probes, "1.0.1")
    assert "choose one with --stream" in refused(node)
    ours = Converted(node, "--stream", other)
    np.testing.assert_array_equal(ours.samples, b)
    same_places(ours, read_openephys_neuropixels(node / "settings.xml", stream_name=other), "NP2013")


def test_pauses_and_experiments(tmp_path):
    node = tmp_path / "Record Node 101"
    parts = [noise(10 + i, 4, i) for i in range(3)]
    for number, part in enumerate(parts, 1):
        add_recording(node, number, {"Acquisition_Board-100.Rhythm": (part, channels(4))})
    ours = Converted(node)
    np.testing.assert_array_equal(ours.samples, np.concatenate(parts))
    assert "acquisition paused" in ours.meta["notes"][0]
    add_recording(node, 1, {"Acquisition_Board-100.Rhythm": (parts[0], channels(4))}, experiment=2)
    assert "2 recordings" in refused(tmp_path)
    one = Converted(node / "experiment2")
    np.testing.assert_array_equal(one.samples, parts[0])


def test_damaged_files_are_one_sentence(tmp_path):
    folder = add_recording(tmp_path / "Record Node 101", 1, {AP: (noise(10, 4), channels(4))})
    structure = folder / "structure.oebin"
    structure.write_text(structure.read_text()[:-5])
    assert "cannot be understood" in refused(tmp_path)
