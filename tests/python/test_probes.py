"""Probe files written by MATLAB's formats, h5py and probeinterface describe the same probe."""

import json

import h5py
import numpy as np
import probeinterface
import pytest
from scipy.io import savemat

from sorting import ferrosort

N = 12
X, Y = np.tile([0.0, 32.0], N // 2), np.repeat(np.arange(N // 2), 2) * 20.0
SHANK = np.repeat([1, 2], N // 2)


def chanmap():
    return {
        "chanMap": np.arange(1, N + 1, dtype=np.uint8)[:, None],
        "chanMap0ind": np.arange(N, dtype=np.float64)[:, None],
        "connected": np.ones((N, 1), dtype=bool),
        "xcoords": X[:, None],
        "ycoords": Y[:, None],
        "kcoords": SHANK[:, None].astype(np.float64),
    }


def write_mat5(path):
    savemat(path, chanmap(), do_compression=True)


def write_mat73(path):
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in chanmap().items():
            data = file.create_dataset(name, data=value.T.astype(np.uint8 if value.dtype == bool else value.dtype))
            data.attrs["MATLAB_class"] = np.bytes_("logical" if value.dtype == bool else "double")


def write_prb(path):
    groups = {
        int(shank): {
            "channels": [int(c) for c in np.flatnonzero(SHANK == shank)],
            "geometry": {int(c): (float(X[c]), float(Y[c])) for c in np.flatnonzero(SHANK == shank)},
        }
        for shank in (1, 2)
    }
    path.write_text(f"total_nb_channels = {N}\nradius = 100\nchannel_groups = {groups!r}\n")


def write_kilosort4(path):
    probe = {"chanMap": list(range(N)), "xc": X.tolist(), "yc": Y.tolist(), "kcoords": SHANK.tolist(), "n_chan": N}
    path.write_text(json.dumps(probe))


def write_probeinterface(path):
    probe = probeinterface.Probe(ndim=2, si_units="um")
    probe.set_contacts(positions=np.c_[X, Y], shank_ids=SHANK.astype(str))
    probe.set_device_channel_indices(np.arange(N))
    probeinterface.write_probeinterface(path, probe)


WRITERS = {
    "v5.mat": write_mat5,
    "v73.mat": write_mat73,
    "probe.prb": write_prb,
    "kilosort4.json": write_kilosort4,
    "probeinterface.json": write_probeinterface,
}


@pytest.mark.parametrize("name", WRITERS)
def test_probe(tmp_path, name):
    recording, probe = tmp_path / "raw.bin", tmp_path / name
    np.random.default_rng(0).normal(0, 10, (20000, N)).astype(np.int16).tofile(recording)
    WRITERS[name](probe)
    done = ferrosort("info", recording, "--channels", N, "--sample-rate", 30000, "--probe", probe)
    assert f"{N} contacts on 2 shanks, x 0 to 32 µm, y 0 to 100 µm" in done.stdout, done.stdout
