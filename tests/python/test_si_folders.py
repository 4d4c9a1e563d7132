"""Folders that SpikeInterface saved: the same samples, scale and places."""

import warnings

import numpy as np
import probeinterface
import pytest
import spikeinterface.core as si
import zarr
from numcodecs import LZ4, Blosc, GZip, Zlib, Zstd

from converted import Converted, noise, refused

N = 6
warnings.simplefilter("ignore")


def recording(segments=1, dtype=np.int16, frames=4500):
    parts = [noise(frames + 100 * s, N, s).astype(dtype) for s in range(segments)]
    made = si.NumpyRecording(parts, 3000.0)
    probe = probeinterface.generate_multi_shank(num_shank=2, num_columns=1, num_contact_per_column=N // 2)
    probe.set_device_channel_indices(np.random.default_rng(1).permutation(N))
    made = made.set_probe(probe) or made
    made.set_channel_gains(np.linspace(0.1, 0.6, N))
    made.set_channel_offsets(0.0)
    return made, np.concatenate(parts)


def check(ours, made, samples):
    np.testing.assert_array_equal(ours.samples, samples)
    assert ours.rate == made.sampling_frequency
    np.testing.assert_allclose(ours.gains, made.get_channel_gains())
    np.testing.assert_array_equal(ours.channels(), np.arange(N))
    np.testing.assert_allclose(ours.positions(), made.get_channel_locations())


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.int32])
@pytest.mark.parametrize("segments", [1, 2])
def test_binary_folder(tmp_path, segments, dtype):
    made, samples = recording(segments, dtype)
    made.save(folder=tmp_path / "saved", n_jobs=1, progress_bar=False)
    check(Converted(tmp_path), made, samples)


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
@pytest.mark.parametrize("segments", [1, 2])
def test_zarr_folder(tmp_path, segments, dtype):
    made, samples = recording(segments, dtype)
    made.save(folder=tmp_path / "saved.zarr", format="zarr", n_jobs=1, progress_bar=False, chunk_duration="1s")
    check(Converted(tmp_path / "saved.zarr"), made, samples)


SHUFFLES = {"none": Blosc.NOSHUFFLE, "bytes": Blosc.SHUFFLE, "bits": Blosc.BITSHUFFLE}


@pytest.mark.parametrize("shuffle", SHUFFLES)
@pytest.mark.parametrize("cname", ["zstd", "lz4", "lz4hc", "zlib"])
@pytest.mark.parametrize("dtype", ["<i2", "<f4"])
def test_every_packing_of_blosc(tmp_path, cname, shuffle, dtype):
    # Values that pack, and some that do not; chunks whose values are not a multiple of 8; blocks of many sizes.
    base = np.cumsum(np.random.default_rng(0).integers(-3, 4, (7013, N)), axis=0)
    base[3000:4000] = noise(1000, N)
    for blocksize in (0, 512, 4096):
        store(tmp_path, base.astype(dtype), Blosc(cname, 5, SHUFFLES[shuffle], blocksize))
        np.testing.assert_array_equal(Converted(tmp_path / "a.zarr").samples, base.astype(dtype))


@pytest.mark.parametrize("codec", [None, Zlib(3), GZip(3), Zstd(3), LZ4()])
@pytest.mark.parametrize("order", ["C", "F"])
def test_other_packings_and_chunks_of_some_channels(tmp_path, codec, order):
    samples = np.cumsum(np.random.default_rng(0).integers(-3, 4, (1003, N)), axis=0).astype("<i2")
    store(tmp_path, samples, codec, chunks=(100, 4), order=order)
    np.testing.assert_array_equal(Converted(tmp_path / "a.zarr").samples, samples)


def store(folder, samples, codec, chunks=(1009, N), order="C"):
    group = zarr.open_group(str(folder / "a.zarr"), mode="w", zarr_version=2)
    group.attrs["sampling_frequency"] = 1000.0
    group.attrs["num_segments"] = 1
    group.create_dataset("traces_seg0", data=samples, chunks=chunks, compressor=codec, order=order)


def test_what_is_not_read_is_said(tmp_path):
    samples = noise(2000, N)
    store(tmp_path, samples, Blosc("blosclz"))
    assert "'blosclz', which is not read" in refused(tmp_path / "a.zarr")
    store(tmp_path, samples, Zlib())
    chunk = tmp_path / "a.zarr" / "traces_seg0" / "0.0"
    chunk.write_bytes(chunk.read_bytes()[:1000])
    assert "copy it again" in refused(tmp_path / "a.zarr")
