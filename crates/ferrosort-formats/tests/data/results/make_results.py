"""Makes the small results that the tests of `results` read, and what must come out of them (expected.json).

    python -m venv venv && venv/bin/pip install numpy==2.4.6 scipy==1.17.1 h5py==3.16.0 spikeinterface==0.105.3
    venv/bin/python make_results.py

rez.mat is laid out as MATLAB's `save -v7.3` does it: a 512-byte header, structures as groups, arrays transposed,
MATLAB_class attributes, text as uint16, logicals as uint8, empty arrays as their size with MATLAB_empty.
"""

import json
import shutil
import struct
from pathlib import Path

import h5py
import numpy as np
import spikeinterface as si
from scipy.io import savemat

HERE = Path(__file__).parent
EXPECTED = {}


def matlab_array(group, name, values):
    if isinstance(values, str):
        d = group.create_dataset(name, data=np.array([[ord(c)] for c in values], np.uint16))
        d.attrs["MATLAB_class"] = np.bytes_("char")
        d.attrs["MATLAB_int_decode"] = np.int32(2)
        return
    values = np.atleast_2d(values)
    if values.size == 0:
        d = group.create_dataset(name, data=np.array(values.shape, np.uint64))
        d.attrs["MATLAB_empty"] = np.uint8(1)
    elif values.dtype == bool:
        d = group.create_dataset(name, data=values.T.astype(np.uint8))
    else:
        # MATLAB deflates arrays of more than a few values.
        more = {"compression": "gzip", "chunks": True} if values.size > 100 else {}
        d = group.create_dataset(name, data=values.T, **more)
    kind = {"float64": "double", "float32": "single", "bool": "logical"}.get(values.dtype.name, values.dtype.name)
    d.attrs["MATLAB_class"] = np.bytes_(kind)


def v73(path, variables):
    def write(group, entries):
        for name, value in entries.items():
            if isinstance(value, dict):
                child = group.create_group(name)
                child.attrs["MATLAB_class"] = np.bytes_("struct")
                write(child, value)
            else:
                matlab_array(group, name, value)

    with h5py.File(path, "w", userblock_size=512, libver="earliest") as f:
        write(f, variables)
    header = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: fixture HDF5 schema 1.00 .".ljust(116)
    with open(path, "r+b") as f:
        f.write(header + b"\0" * 8 + struct.pack("<HH", 0x200, 0x4D49))


def column(values, dtype=np.float64):
    return np.asarray(values, dtype).reshape(-1, 1)


def kilosort2():
    """Three channels of four, two templates of rank 3 and six samples (nt0min 2), four batches of 96 samples."""
    rng = np.random.default_rng(1)
    w, u = rng.normal(size=(6, 2, 3)).round(3), rng.normal(size=(3, 2, 3)).round(3)
    for k in range(2):
        norm = np.linalg.norm(u[:, k] @ w[:, k].T)
        w[:, k] /= norm
    wrot = np.array([[200.0, -30, 0], [-50, 180, -20], [5, -10, 150]])
    # Sample, template from 1, amplitude, score, place in the order from 1; not in order of time.
    st3 = np.array([[40, 2, 12, 13, 1], [10, 1, 20, 21, 2], [40, 1, 22, 23, 2], [200, 2, 14, 15, 4.0]])
    ccb = rng.normal(size=(4, 4)).round(3)
    iorig = np.array([3, 1, 4, 2.0])
    ops = {
        "fs": 25000.0,
        "NchanTOT": 4.0,
        "Nchan": 3.0,
        "Nbatch": 4.0,
        "NT": 96.0,
        "ntbuff": 32.0,
        "nt0min": 2.0,
        "scaleproc": 200.0,
        "Th": np.array([[10.0, 4.0]]),
        "CAR": 1.0,
        "chanMap": column([4, 1, 2]),
        "kcoords": column([1, 1, 2]),
        "igood": column([True, True, False, True], bool),
        "fbinary": "D:\\data\\raw.dat",
        "fproc": "D:\\data\\temp_wh.dat",
        "tstart": 0.0,
        "sampsToRead": 256.0,
        "whiteningRange": np.inf,
    }
    rez = {
        "ops": ops,
        "xc": column([10, 20, 30]),
        "yc": column([0, 25, 50]),
        "xcoords": column([0, 10, 20, 30]),
        "ycoords": column([75, 0, 25, 50]),
        "Wrot": wrot,
        "ccb": ccb.astype(np.float32),
        "ccbsort": ccb[np.ix_(iorig.astype(int) - 1, iorig.astype(int) - 1)].astype(np.float32),
        "iorig": column(iorig),
        "st3": st3,
        "W": w,
        "U": u,
        "mu": column([20, 13]),
        "simScore": np.array([[1, 0.25], [0.25, 1]], np.float32),
        "est_contam_rate": column([0.05, 0.5]),
        "good": column([True, False], bool),
        "cProj": np.zeros((0, 0)),
    }
    folder = HERE / "kilosort2"
    folder.mkdir(exist_ok=True)
    v73(folder / "rez.mat", {"rez": rez})
    old = HERE / "kilosort2_v5"
    old.mkdir(exist_ok=True)
    savemat(old / "rez.mat", {"rez": rez}, do_compression=True)
    root = HERE / "kilosort2_root"
    root.mkdir(exist_ok=True)
    v73(root / "rez2.mat", {k: v for k, v in rez.items() if k not in ("st3", "W", "U")})
    templates = np.stack([np.concatenate([np.zeros((3, 3)), w[:, k] @ u[:, k].T]) for k in range(2)])
    physical = templates @ np.linalg.inv(wrot / 200) * np.array([21, 13.0])[:, None, None]
    EXPECTED["kilosort2"] = {
        "templates": templates.ravel().tolist(),
        "physical": physical.ravel().tolist(),
        "wrot": wrot.ravel().tolist(),
        "ccb": ccb.ravel().tolist(),
        "ccbsort": rez["ccbsort"].astype(float).ravel().tolist(),
    }


def emouse():
    folder = HERE / "emouse"
    folder.mkdir(exist_ok=True)
    savemat(folder / "eMouseGroundTruth.mat", {"gtRes": column([41, 100, 250], np.int64), "gtClu": column([12, 3, 12])})
    record = np.array([[0, 30.5, 12, 80, 90], [0.002, 60.25, 3, 70, 75], [0.007, 31.5, 12, 82, 99]])
    savemat(folder / "eMouseSimRecord.mat", {"yDriftRec": record})


def kilosort4():
    np.savez(
        HERE / "kilosort4_params.npz",
        st=np.array([50, 20, 30], np.int64),
        cl=np.array([0, 3, 1], np.int32),
        amp=np.array([1.0, 0.5, 1.5]),
        n_sim=np.int64(2),
        note=np.array([{"objects": "are not touched"}], dtype=object),
    )


def spikeinterface():
    folder = HERE / "spikeinterface"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    samples, labels = np.array([5, 9, 9, 30]), np.array(["b", "a", "b", "a"])
    sorting = si.NumpySorting.from_samples_and_labels([samples], [labels], 20000.0, unit_ids=["b", "a", "silent"])
    sorting.set_property("quality", ["good", "mua", "noise"])
    sorting.set_property("gt_unit_locations", np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]))
    si.NpzSortingExtractor.write_sorting(sorting, folder / "sorting.npz")
    sorting.save(folder=folder / "numpy_folder", format="numpy_folder")
    two = si.NumpySorting.from_samples_and_labels([samples, samples], [labels, labels], 20000.0)
    si.NpzSortingExtractor.write_sorting(two, folder / "two_segments.npz")
    integers = np.array([7, 3, 7, 3])
    one = si.NumpySorting.from_samples_and_labels([samples], [integers], 20000.0)
    one.save(folder=folder / "npz_folder", format="npz_folder")
    for path in folder.rglob("*"):
        if path.name.startswith("provenance"):
            path.unlink()


def mearec():
    with h5py.File(HERE / "mearec.h5", "w", libver="latest") as f:
        f["info/recordings/fs"] = 32000.0
        f["info/recordings/duration"] = 10.0
        for i, times in enumerate([[0.001, 0.5], [0.25], []]):
            f[f"spiketrains/{i}/times"] = np.array(times)
            f[f"spiketrains/{i}/t_stop"] = 10.0


def compressed():
    np.savez_compressed(HERE / "compressed.npz", a=np.arange(6, dtype=">i2").reshape(2, 3).T, text=np.array(["é", "bc"]))


if __name__ == "__main__":
    kilosort2()
    emouse()
    kilosort4()
    spikeinterface()
    mearec()
    compressed()
    (HERE / "expected.json").write_text(json.dumps(EXPECTED) + "\n")
