"""Files that mtscomp packed unpack to the same samples."""

import hashlib
import json

import mtscomp
import numpy as np
import pytest

from converted import Converted, noise, refused
from sorting import ferrosort

RATE = 1000.0


def packed(folder, samples, name="raw", **options):
    flat = folder / "flat.bin"
    samples.tofile(flat)
    out = folder / f"{name}.cbin"
    mtscomp.compress(
        flat, out, out.with_suffix(".ch"), sample_rate=RATE, n_channels=samples.shape[1], dtype=samples.dtype, n_threads=1, **options
    )
    flat.unlink()
    return out


@pytest.mark.parametrize("spatial", [False, True])
@pytest.mark.parametrize("time", [False, True])
@pytest.mark.parametrize("order", ["F", "C"])
def test_every_packing(tmp_path, time, spatial, order):
    samples = noise(2345, 7)
    path = packed(tmp_path, samples, do_time_diff=time, do_spatial_diff=spatial, chunk_order=order)
    ours = Converted(path)
    np.testing.assert_array_equal(ours.samples, samples)
    assert ours.rate == RATE and ours.probe is None


def test_unsigned_samples_are_centred(tmp_path):
    samples = noise(1500, 3, dtype=np.uint16)
    ours = Converted(packed(tmp_path, samples))
    np.testing.assert_array_equal(ours.samples, (samples.astype(int) - 32768).astype(np.int16))


def test_the_names_and_metadata_of_ibl(tmp_path):
    samples = noise(1100, 385)
    path = packed(tmp_path, samples, "probe_g0_t0.imec0.ap.5a1b8f2e-0000-4000-8000-0123456789ab")
    ch = path.with_suffix(".ch")
    ch.rename(tmp_path / "probe_g0_t0.imec0.ap.00000000-0000-4000-8000-0123456789ab.ch")
    imro = "(0,384)" + "".join(f"({c} 0 0 500 250 1)" for c in range(384))
    meta = tmp_path / "probe_g0_t0.imec0.ap.ffffffff-0000-4000-8000-0123456789ab.meta"
    meta.write_text(
        "imDatPrb_pn=NP1000\nimSampRate=30000.07\nimAiRangeMax=0.6\nnSavedChans=385\nsnsApLfSy=384,0,1\n"
        f"snsSaveChanSubset=0:383,768\n~imroTbl={imro}\n"
    )
    ours = Converted(tmp_path)
    np.testing.assert_array_equal(ours.samples, samples)
    assert ours.rate == 30000.07 and len(ours.channels()) == 384


def test_damaged_files_are_one_sentence(tmp_path):
    path = packed(tmp_path, noise(1500, 3))
    content = bytearray(path.read_bytes())
    ch = json.loads(path.with_suffix(".ch").read_text())
    content[ch["chunk_offsets"][1] + 20] ^= 0xFF
    path.write_bytes(content)
    done = refused(path)
    assert "cannot be unpacked" in done
    path.write_bytes(content[:-10])
    assert "copy it again" in refused(path)


@pytest.mark.parametrize("frames", [900, 3456])
def test_mtscomp_unpacks_what_is_compressed_here(tmp_path, frames):
    samples = noise(frames, 5)
    flat, folder = tmp_path / "flat.bin", tmp_path / "packed"
    samples.tofile(flat)
    layout = ["--channels", 5, "--sample-rate", RATE]
    ferrosort("convert", flat, *layout, "--output", folder, "--compress", "--gain-uv", 0.5)
    back = tmp_path / "back.bin"
    mtscomp.decompress(folder / "recording.cbin", folder / "recording.ch", back, check_after_decompress=True)
    np.testing.assert_array_equal(np.fromfile(back, np.int16).reshape(-1, 5), samples)
    described = json.loads((folder / "recording.ch").read_text())
    assert described["sha1_uncompressed"] == hashlib.sha1(samples.tobytes()).hexdigest()
    assert described["sha1_compressed"] == hashlib.sha1((folder / "recording.cbin").read_bytes()).hexdigest()
    ours = Converted(folder)
    np.testing.assert_array_equal(ours.samples, samples)
    np.testing.assert_allclose(ours.gains, 0.5)
