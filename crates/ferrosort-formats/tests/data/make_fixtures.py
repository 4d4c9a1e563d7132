"""Makes the probe files that the tests of ferrosort-formats read.

    python -m venv venv && venv/bin/pip install scipy==1.17.1 h5py==3.16.0 probeinterface==0.4.2 numpy==2.4.6
    venv/bin/python make_fixtures.py

Every chanmap/*.mat describes the same four sites unless its name says otherwise:
chanMap 4 2 3 1, xcoords 0 32 0.5 32, ycoords 10 20 30 40, connected 1 1 0 1, kcoords 1 1 2 2.
"""

import json
import struct
from pathlib import Path

import h5py
import numpy as np
import probeinterface as pi
from scipy.io import savemat

HERE = Path(__file__).parent
CHANMAP = HERE / "chanmap"
JSON = HERE / "json"


def column(values, dtype=np.float64):
    return np.asarray(values, dtype).reshape(-1, 1)


def sites():
    return {
        "chanMap": column([4, 2, 3, 1]),
        "chanMap0ind": column([3, 1, 2, 0]),
        "connected": column([1, 1, 0, 1]),
        "xcoords": column([0, 32, 0.5, 32]),
        "ycoords": column([10, 20, 30, 40]),
        "kcoords": column([1, 1, 2, 2]),
        "fs": np.array([[30000.0]]),
        "name": "four sites",
    }


def without(*names):
    return {k: v for k, v in sites().items() if k not in names}


def compact_v5(path, variables):
    """A v5 file with small numbers in small storage, as MATLAB writes doubles (SciPy never does)."""

    def element(kind, data):
        if len(data) <= 4:
            return struct.pack("<HH", kind, len(data)) + data.ljust(4, b"\0")
        return struct.pack("<II", kind, len(data)) + data + b"\0" * (-len(data) % 8)

    body = b""
    for name, values, matlab_class, logical, storage, dtype in variables:
        values = np.asarray(values)
        matrix = struct.pack("<IIII", 6, 8, matlab_class | (0x200 if logical else 0), 0)
        matrix += struct.pack("<IIii", 5, 8, values.size, 1)
        matrix += element(1, name.encode()) + element(storage, values.astype(dtype).tobytes())
        body += struct.pack("<II", 14, len(matrix)) + matrix
    header = b"MATLAB 5.0 MAT-file, Platform: PCWIN64".ljust(124) + struct.pack("<HH", 0x100, 0x4D49)
    path.write_bytes(header + body)


def v73(path, variables):
    """HDF5 with MATLAB's 512-byte header, transposed arrays and class attributes."""
    with h5py.File(path, "w", userblock_size=512, libver="earliest") as f:
        for name, values in variables.items():
            if isinstance(values, str):
                d = f.create_dataset(name, data=np.array([[ord(c)] for c in values], np.uint16))
                d.attrs["MATLAB_class"] = np.bytes_("char")
                continue
            logical = values.dtype == bool
            d = f.create_dataset(name, data=(values.astype(np.uint8) if logical else values).T)
            d.attrs["MATLAB_class"] = np.bytes_("logical" if logical else "double")
    header = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: fixture HDF5 schema 1.00 .".ljust(116)
    with open(path, "r+b") as f:
        f.write(header + b"\0" * 8 + struct.pack("<HH", 0x200, 0x4D49))


def chanmaps():
    savemat(CHANMAP / "v4.mat", sites(), format="4")
    savemat(CHANMAP / "v5.mat", sites())
    savemat(CHANMAP / "v5_compressed.mat", sites(), do_compression=True)
    for dtype in ("uint8", "uint16"):
        integers = {k: (v.astype(dtype) if k != "xcoords" and isinstance(v, np.ndarray) else v) for k, v in sites().items()}
        savemat(CHANMAP / f"{dtype}.mat", integers, do_compression=True)
    savemat(CHANMAP / "logical.mat", sites() | {"connected": column([1, 1, 0, 1], bool)})
    savemat(CHANMAP / "no_connected.mat", without("connected", "kcoords"))
    savemat(CHANMAP / "shank_ind.mat", without("kcoords") | {"shankInd": column([1, 1, 2, 2])})
    savemat(CHANMAP / "no_coordinates.mat", without("xcoords", "ycoords", "connected"))
    savemat(CHANMAP / "unequal.mat", sites() | {"xcoords": column([0, 32, 0])})
    savemat(CHANMAP / "fraction.mat", sites() | {"chanMap": column([4, 2.5, 3, 1])})
    savemat(CHANMAP / "zero_based.mat", without("connected") | {"chanMap": column([3, 1, 2, 0])})
    savemat(CHANMAP / "no_map.mat", without("chanMap", "chanMap0ind"))
    nan = {k: (np.where([[0], [0], [1], [0]], np.nan, v) if k in ("chanMap", "kcoords") else v) for k, v in sites().items()}
    savemat(CHANMAP / "nan_disconnected.mat", nan)
    compact_v5(
        CHANMAP / "compact.mat",
        [
            ("chanMap", [4, 2, 3, 1], 6, False, 2, np.uint8),
            ("connected", [1, 1, 0, 1], 9, True, 2, np.uint8),
            ("xcoords", [0, 32, 0.5, 32], 6, False, 9, np.float64),
            ("ycoords", [10, 20, 30, 40], 6, False, 4, np.uint16),
            ("kcoords", [1, 1, 2, 2], 6, False, 2, np.uint8),
        ],
    )
    v73(CHANMAP / "v73.mat", sites() | {"connected": column([1, 1, 0, 1], bool)})
    v73(CHANMAP / "v73_no_kcoords.mat", without("kcoords", "connected"))


def structs():
    """A structure array with fields of several classes, as libraries of waveforms have."""
    fields = ["label", "xC", "waves", "note", "inner", "empty", "cell"]
    units = np.zeros((1, 2), dtype=[(name, object) for name in fields])
    cell = np.empty((1, 1), dtype=object)
    cell[0, 0] = np.array([[1.0]])
    for i, label in enumerate([np.uint8(7), np.int16(300)]):
        values = [
            np.array([[label]]),
            np.array([[-24, 8]], np.int16),
            np.array([[1.0, 2, 3], [4, 5, 6]]),
            "µV",
            {"a": 1.5},
            np.zeros((0, 0)),
            cell,
        ]
        for name, value in zip(fields, values):
            units[0, i][name] = value
    savemat(HERE / "structs.mat", {"fs": np.uint16(30000), "units": units}, do_compression=True)


def probeinterface_files():
    group = pi.ProbeGroup()
    probe = pi.generate_multi_shank(num_shank=2, num_columns=1, num_contact_per_column=3)
    probe.set_device_channel_indices([5, 4, -1, 0, 1, 2])
    group.add_probe(probe)
    pi.write_probeinterface(JSON / "two_shanks.json", group)

    mm = pi.Probe(ndim=2, si_units="mm")
    mm.set_contacts(positions=[[0, 0.02], [0.016, 0.04]], shapes="circle", shape_params={"radius": 0.006})
    pi.write_probeinterface(JSON / "millimetres.json", mm)

    group = pi.ProbeGroup()
    for i in range(2):
        probe = pi.generate_linear_probe(num_elec=2, ypitch=20)
        probe.move([500 * i, 0])
        probe.set_device_channel_indices([2 * i + 1, 2 * i])
        group.add_probe(probe)
    pi.write_probeinterface(JSON / "two_probes.json", group)

    kilosort4 = {"chanMap": [2, 0, 1], "xc": [0.0, 32.0, 0.0], "yc": [0, 20, 40], "kcoords": [0.0, 0.0, 1.0], "n_chan": 4}
    (JSON / "kilosort4.json").write_text(json.dumps(kilosort4))


if __name__ == "__main__":
    for folder in (CHANMAP, JSON):
        folder.mkdir(exist_ok=True)
    chanmaps()
    structs()
    probeinterface_files()
