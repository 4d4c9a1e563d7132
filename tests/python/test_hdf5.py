"""NWB files of pynwb and files of MaxWell's layout: the same samples, scale and places."""

import zlib
from datetime import datetime, timezone

import h5py
import numpy as np
import pytest
from hdmf.backends.hdf5.h5_utils import H5DataIO
from neo.rawio import MaxwellRawIO
from numcodecs import Blosc, Zstd
from pynwb import NWBHDF5IO, NWBFile
from pynwb.ecephys import LFP, ElectricalSeries

from converted import Converted, noise, refused

N = 8
X, Y = np.tile([0.0, 30.5], N // 2), np.repeat(np.arange(N // 2), 2) * 20.0


def nwb_file(places=True):
    nwb = NWBFile("a session", "id", datetime(2026, 1, 1, tzinfo=timezone.utc))
    device = nwb.create_device("probe")
    groups = [nwb.create_electrode_group(f"shank{s}", "a shank", "CA1", device) for s in range(2)]
    if places:
        nwb.add_electrode_column("rel_x", "x")
        nwb.add_electrode_column("rel_y", "y")
    for i in range(N):
        # The table is in another order than the channels.
        extra = {"rel_x": X[N - 1 - i], "rel_y": Y[N - 1 - i]} if places else {}
        nwb.add_electrode(x=1e4, y=2e4, z=3e4, group=groups[i % 2], location="CA1", **extra)
    return nwb


def series(nwb, samples, name="raw", **more):
    region = nwb.create_electrode_table_region(list(range(N))[::-1], "all")
    clock = {} if "timestamps" in more else {"rate": 25000.5, "starting_time": 3.0}
    return ElectricalSeries(name=name, data=samples, electrodes=region, **clock, **more)


def write(path, nwb):
    with NWBHDF5IO(path, "w") as io:
        io.write(nwb)


@pytest.mark.parametrize("chunks", [None, (100, N), (37, 3), (1000, 1)])
@pytest.mark.parametrize("compression", [None, "gzip"])
def test_series_of_pynwb(tmp_path, chunks, compression):
    samples = noise(1000, N)
    nwb, path = nwb_file(), tmp_path / "a.nwb"
    data = H5DataIO(samples, chunks=chunks or (compression and True), compression=compression)
    each = np.linspace(1, 2, N)
    nwb.add_acquisition(series(nwb, data, conversion=0.195e-6, offset=1e-3, channel_conversion=each))
    write(path, nwb)
    ours = Converted(path)
    np.testing.assert_array_equal(ours.samples, samples)
    np.testing.assert_allclose(ours.gains, 0.195 * each)
    assert ours.rate == 25000.5
    np.testing.assert_allclose(ours.positions(), np.c_[X, Y])
    assert len(set(ours.shanks())) == 2


@pytest.mark.parametrize("number, codec", [(32015, Zstd(3)), (32001, Blosc("zstd", 5, Blosc.BITSHUFFLE)), (32001, Blosc("lz4"))])
def test_compressions_beside_those_of_hdf5(tmp_path, number, codec):
    samples = np.cumsum(np.random.default_rng(0).integers(-3, 4, (1000, N)), axis=0).astype("<i2")
    nwb, path = nwb_file(), tmp_path / "a.nwb"
    nwb.add_acquisition(series(nwb, samples))
    write(path, nwb)
    with h5py.File(path, "r+") as file:
        del file["acquisition/raw/data"]
        create = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        create.set_chunk((250, N))
        create.set_filter(number, h5py.h5z.FLAG_OPTIONAL)
        group, space = file["acquisition/raw"].id, h5py.h5s.create_simple(samples.shape)
        data = h5py.h5d.create(group, b"data", h5py.h5t.STD_I16LE, space, create)
        for start in range(0, 1000, 250):
            data.write_direct_chunk((start, 0), codec.encode(np.ascontiguousarray(samples[start : start + 250])))
    np.testing.assert_array_equal(Converted(path).samples, samples)


@pytest.mark.parametrize("dtype", [np.int32, np.uint16, np.float32, np.float64, ">i2", np.int8])
def test_types_of_samples(tmp_path, dtype):
    samples = np.random.default_rng(0).integers(0, 100, (500, N)).astype(dtype)
    nwb, path = nwb_file(), tmp_path / "a.nwb"
    nwb.add_acquisition(series(nwb, samples))
    write(path, nwb)
    centre = 32768 if dtype == np.uint16 else 0
    np.testing.assert_array_equal(Converted(path).samples, samples.astype(float) - centre)


def test_time_stamps_and_several_series(tmp_path):
    samples, other = noise(500, N), noise(500, N, 1)
    nwb, path = nwb_file(places=False), tmp_path / "a.nwb"
    nwb.add_acquisition(series(nwb, samples, timestamps=5 + np.arange(500) / 20000))
    nwb.add_acquisition(LFP(electrical_series=series(nwb, other, "lfp")))
    write(path, nwb)
    ours = Converted(tmp_path)
    np.testing.assert_array_equal(ours.samples, samples)
    np.testing.assert_allclose(ours.rate, 20000)
    assert ours.probe is None and any("rel_x" in note for note in ours.meta["notes"])
    np.testing.assert_array_equal(Converted(path, "--stream", "lfp").samples, other)
    assert "choose" not in refused(path, "--stream", "none") and "acquisition/raw" in refused(path, "--stream", "none")


def test_damaged_nwb_is_one_sentence(tmp_path):
    nwb, path = nwb_file(), tmp_path / "a.nwb"
    nwb.add_acquisition(series(nwb, H5DataIO(noise(5000, N), compression="gzip", chunks=(500, N))))
    write(path, nwb)
    content = path.read_bytes()
    for length in (100, len(content) // 3, len(content) - 100):
        path.write_bytes(content[:length])
        refused(path)
    path.write_bytes(content)
    with h5py.File(path, "r+") as file:
        del file["acquisition/raw/data"]
        file["acquisition/raw"].create_dataset("data", (1 << 50, N), "i2", chunks=(1000, N))
    assert "more than the file can hold" in refused(path)
    with h5py.File(path, "r+") as file:
        del file["acquisition/raw/data"]
        file["acquisition/raw"].create_dataset("data", (0, 1 << 50), "i2", chunks=(1000, N), maxshape=(None, None))
    assert "more than any recording has" in refused(path)


def mapping(n, unused=0):
    table = np.zeros(n + unused, [("channel", "<i4"), ("electrode", "<i4"), ("x", "<f8"), ("y", "<f8")])
    order = np.random.default_rng(4).permutation(n)
    table["channel"][:n] = order
    table["channel"][n:] = -1
    table["electrode"] = np.arange(n + unused) * 7
    table["x"], table["y"] = np.arange(n + unused) * 17.5, (np.arange(n + unused) % 3) * 17.5
    return table


def maxtwo(path, wells):
    with h5py.File(path, "w") as file:
        file.create_dataset("version", data=np.array([b"20190530"]))
        for well, samples in wells.items():
            group = file.create_group(f"recordings/rec0000/{well}")
            table = mapping(samples.shape[1])
            group["settings/mapping"] = table
            group["settings/lsb"] = np.array([6.29e-6])
            group["settings/sampling"] = np.array([20000.0])
            routed = group.create_dataset("groups/routed/raw", data=samples.T, chunks=(samples.shape[1], 100), compression="gzip")
            assert routed.shape[0] == samples.shape[1]
            group["groups/routed/channels"] = table["channel"].astype("<u4")
            file.require_group(f"wells/{well}")["rec0000"] = h5py.SoftLink(f"/recordings/rec0000/{well}")


def ten_bits(frames, channels, seed=0):
    return np.random.default_rng(seed).integers(0, 1024, (frames, channels)).astype(np.uint16)


def test_wells_of_maxtwo(tmp_path):
    wells = {"well000": ten_bits(350, 20), "well003": ten_bits(350, 20, 1)}
    path = tmp_path / "data.raw.h5"
    maxtwo(path, wells)
    assert "well000/rec0000, well003/rec0000" in refused(path)
    reader = MaxwellRawIO(str(path))
    reader.parse_header()
    for stream, (well, samples) in enumerate(wells.items()):
        ours = Converted(path, "--stream", well)
        np.testing.assert_array_equal(ours.samples, samples.astype(np.int16))
        theirs = reader.get_analogsignal_chunk(0, 0, 0, 350, stream_index=stream)
        np.testing.assert_array_equal(ours.samples, theirs)
        np.testing.assert_allclose(ours.gains, reader.header["signal_channels"]["gain"][0])
        assert ours.rate == 20000
        table = mapping(20)
        np.testing.assert_allclose(ours.positions(), np.c_[table["x"], table["y"]])


def test_maxone_of_2016(tmp_path):
    samples, path = ten_bits(300, 30), tmp_path / "trace.raw.h5"
    table = mapping(20, unused=5)
    with h5py.File(path, "w") as file:
        file.create_dataset("version", data=np.array([b"20160704"]))
        file.create_dataset("sig", data=samples.T, chunks=(1, 100), compression="gzip")
        file["mapping"] = table
        file["settings/gain"] = np.array([512.0])
    ours = Converted(path)
    routed = table[table["channel"] >= 0]
    np.testing.assert_array_equal(ours.samples, samples[:, routed["channel"]].astype(np.int16))
    np.testing.assert_allclose(ours.positions(), np.c_[routed["x"], routed["y"]])
    np.testing.assert_allclose(ours.gains, 3.3 / 1024 / 512 * 1e6)
    assert ours.rate == 20000


def packed(values):
    """The vendor's codes for 10-bit samples, by their description."""
    bits = f"{int(values[0]):010b}"
    short = {0: "00", 1: "01", -1: "10"}
    for before, value in zip(values[:-1].astype(int), values[1:].astype(int)):
        step = value - before
        if step in short:
            bits += short[step]
        elif abs(step) <= 6:
            bits += "1" * abs(step) + "0" + ("1" if step < 0 else "0")
        else:
            bits += "1111111" + f"{value:010b}"
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


@pytest.mark.parametrize("deflate", [False, True])
def test_the_compression_of_maxwell(tmp_path, deflate):
    steps = np.random.default_rng(5).integers(-4, 5, (300, 12))
    steps[::50] *= 40
    samples = np.clip(512 + np.cumsum(steps, axis=0), 0, 1023).astype(np.uint16)
    path, table = tmp_path / "trace.raw.h5", mapping(12)
    with h5py.File(path, "w") as file:
        file.create_dataset("version", data=np.array([b"20160704"]))
        file["mapping"] = table
        file["settings/lsb"] = np.array([6.2e-6])
        create = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        create.set_chunk((1, 100))
        # Optional: h5py need not know the filter to write chunks that are packed already.
        create.set_filter(401, h5py.h5z.FLAG_OPTIONAL)
        if deflate:
            create.set_deflate(4)
        data = h5py.h5d.create(file.id, b"sig", h5py.h5t.STD_U16LE, h5py.h5s.create_simple((12, 300)), create)
        for channel in range(12):
            for start in range(0, 300, 100):
                chunk = packed(samples[start : start + 100, channel])
                data.write_direct_chunk((channel, start), zlib.compress(chunk) if deflate else chunk)
    np.testing.assert_array_equal(Converted(path).samples, samples[:, table["channel"]].astype(np.int16))


def test_other_hdf5_is_refused(tmp_path):
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["a"] = np.arange(3)
    assert "neither" in refused(path)
