"""Makes the small HDF5 recordings that the fuzz targets start from: MaxWell's two layouts, and NWB as pynwb writes it.

    python -m venv venv && venv/bin/pip install h5py==3.16.0 numpy==2.4.6
    venv/bin/python make_recordings.py
"""

from pathlib import Path

import h5py
import numpy as np

FOLDER = Path(__file__).parent / "recordings"
SAMPLES = np.arange(40).reshape(20, 2).astype("<u2")


def mapping():
    table = np.zeros(3, [("channel", "<i4"), ("electrode", "<i4"), ("x", "<f8"), ("y", "<f8")])
    table["channel"] = [1, 0, -1]
    table["electrode"] = [0, 7, 14]
    table["x"], table["y"] = [0, 17.5, 35], [0, 17.5, 0]
    return table


def codes(values):
    """MaxWell's codes for samples that rise by two: ten bits, then the size of each step and its sign."""
    bits = f"{values[0]:010b}" + "1100" * (len(values) - 1)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


def maxone(name, packed):
    with h5py.File(FOLDER / name, "w") as file:
        file["version"] = np.array([b"20160704"])
        file["mapping"] = mapping()
        file["settings/gain"] = np.array([512.0])
        if not packed:
            file.create_dataset("sig", data=SAMPLES.T, chunks=(1, 10), compression="gzip")
            return
        create = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        create.set_chunk((1, 10))
        create.set_filter(401, h5py.h5z.FLAG_OPTIONAL)
        data = h5py.h5d.create(file.id, b"sig", h5py.h5t.STD_U16LE, h5py.h5s.create_simple((2, 20)), create)
        for channel in range(2):
            for start in (0, 10):
                data.write_direct_chunk((channel, start), codes(SAMPLES[start : start + 10, channel]))


def maxtwo():
    with h5py.File(FOLDER / "maxtwo.h5", "w") as file:
        file["version"] = np.array([b"20190530"])
        group = file.create_group("recordings/rec0000/well000")
        group["settings/mapping"] = mapping()[:2]
        group["settings/lsb"] = np.array([6.29e-6])
        group["settings/sampling"] = np.array([20000.0])
        group.create_dataset("groups/routed/raw", data=SAMPLES.T, chunks=(2, 10), compression="gzip")
        group["groups/routed/channels"] = np.array([1, 0], "<u4")
        file.require_group("wells/well000")["rec0000"] = h5py.SoftLink("/recordings/rec0000/well000")


def nwb(name, stamps, **packing):
    with h5py.File(FOLDER / name, "w") as file:
        file.attrs["neurodata_type"] = "NWBFile"
        series = file.create_group("acquisition/raw")
        series.attrs["neurodata_type"] = "ElectricalSeries"
        data = series.create_dataset("data", data=SAMPLES.astype("<i2"), **packing)
        data.attrs["conversion"] = 1e-6
        series["channel_conversion"] = np.array([1.0, 2.0])
        series["electrodes"] = np.array([1, 0])
        if stamps:
            series["timestamps"] = np.arange(20) / 100.0 + 5.0 * (np.arange(20) > 9)
        else:
            series["starting_time"] = 0.0
            series["starting_time"].attrs["rate"] = 100.0
        table = file.create_group("general/extracellular_ephys/electrodes")
        table["rel_x"], table["rel_y"] = np.array([0.0, 0.0]), np.array([0.0, 20.0])
        table["group_name"] = np.array([b"a", b"b"])


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    maxone("maxone.h5", packed=False)
    maxone("maxone_packed.h5", packed=True)
    maxtwo()
    nwb("nwb.h5", stamps=False)
    nwb("nwb_stamps.h5", stamps=True, chunks=(10, 2), compression="gzip", shuffle=True, fletcher32=True)
