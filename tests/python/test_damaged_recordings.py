"""Files with changed bytes or a missing end, of every format: a sentence or a recording, never a crash."""

import numpy as np
import pytest
import test_hdf5
import test_intan
import test_mtscomp
import test_openephys
import test_si_folders
import test_spikeglx
from hdmf.backends.hdf5.h5_utils import H5DataIO

from converted import noise
from sorting import ferrosort


def spikeglx(folder):
    path = test_spikeglx.write(folder, "NP2013", range(16), noise(60, 17))
    return [path.with_suffix(".meta"), path]


def openephys(folder):
    node = folder / "Record Node 101"
    ap = test_openephys.AP
    made = test_openephys.add_recording(node, 1, {ap: (noise(50, 384), test_openephys.channels(384))})
    test_openephys.settings(node, {"ProbeA": test_openephys.by_place("NP2013", np.arange(384) * 5)})
    return [made / "structure.oebin", node / "settings.xml"]


def intan(folder):
    path = folder / "rat.rhd"
    samples = noise(3 * 128, test_intan.N, dtype=np.uint16)
    path.write_bytes(test_intan.rhd_header((3, 0), [("A-AUX1", 1)]) + test_intan.blocks(samples, 128, 32))
    return [path]


def mtscomp(folder):
    path = test_mtscomp.packed(folder, noise(1500, 3))
    return [path, path.with_suffix(".ch")]


def nwb(folder):
    made, path = test_hdf5.nwb_file(), folder / "a.nwb"
    data = H5DataIO(noise(800, test_hdf5.N), compression="gzip", chunks=(100, 4))
    made.add_acquisition(test_hdf5.series(made, data, conversion=1e-6))
    test_hdf5.write(path, made)
    return [path]


def maxwell(folder):
    path = folder / "data.raw.h5"
    test_hdf5.maxtwo(path, {"well000": test_hdf5.ten_bits(300, 8)})
    return [path]


def si_zarr(folder):
    made, _ = test_si_folders.recording()
    made.save(folder=folder / "a.zarr", format="zarr", n_jobs=1, progress_bar=False)
    return [folder / "a.zarr" / name for name in (".zattrs", "traces_seg0/.zarray", "traces_seg0/0.0")]


def si_binary(folder):
    made, _ = test_si_folders.recording()
    made.save(folder=folder / "a", n_jobs=1, progress_bar=False)
    return [folder / "a" / name for name in ("binary.json", "probegroup.json", "properties/gain_to_uV.npy")]


def damaged(content, rng):
    """The content with one of the ways in which files break."""
    content = bytearray(content)
    way = rng.integers(4)
    if way == 0:
        return content[: rng.integers(len(content))]
    first = rng.integers(len(content))
    # Headers stand at the start of most files.
    first = min(first, int(rng.integers(2000))) if way < 3 else first
    for at in range(first, min(first + int(rng.integers(1, 9)), len(content))):
        content[at] = rng.choice([0, 0x7F, 0x80, 0xFF, int(rng.integers(256)), ord("9"), ord("-")])
    return content


@pytest.mark.parametrize("write", [spikeglx, openephys, intan, mtscomp, nwb, maxwell, si_zarr, si_binary])
def test_damaged(tmp_path, write):
    rng = np.random.default_rng(11)
    files = write(tmp_path)
    assert ferrosort("info", tmp_path).returncode == 0
    for path in files:
        good = path.read_bytes()
        for _ in range(40):
            path.write_bytes(damaged(good, rng))
            done = ferrosort("info", tmp_path, check=False)
            assert done.returncode in (0, 2, 3), (path, done.returncode, done.stderr)
            assert "panicked" not in done.stderr, done.stderr
        path.write_bytes(good)
