"""Makes the seeds in corpus/ from the files of the tests and a few lines of its own. Needs only Python.

Run it from anywhere; a seed that is made the same way is the same bytes.
"""

import re
import shutil
import struct
from pathlib import Path

HERE = Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
DATA = HERE.parent / "crates" / "ferrosort-formats" / "tests" / "data"
LIBRARY = HERE.parent / "crates" / "ferrosort-simulate" / "tests" / "data" / "library.mat"


def npy(descr, shape, *values):
    code = {"<i8": "q", "<i4": "i", "<f8": "d", "<f4": "f", "|u1": "B"}[descr]
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 16) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack(f"<{len(values)}{code}", *values)


def seed(target, name, content):
    path = CORPUS / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def copies(target, pattern):
    for path in sorted(DATA.glob(pattern)):
        seed(target, "-".join(path.relative_to(DATA).parts), path.read_bytes())


def pack(target, name, files):
    """Files in the form that `ferrosort_fuzz::files` cuts apart again."""
    text = (HERE / "fuzz_targets" / f"{target}.rs").read_text()
    names = re.findall(r'^    "(.*)",$', text, re.MULTILINE)
    parts = []
    for file, content in files.items():
        content = content if isinstance(content, bytes) else content.encode()
        parts.append(struct.pack("<BH", names.index(file), len(content)) + content)
    seed(target, name, b"".join(parts))


def arrays():
    seed("npy", "integers", npy("<i8", "(3,)", 5, 10, 20))
    seed("npy", "matrix", npy("<f8", "(2, 2)", 1.0, 0.0, 0.5, 1.0))
    seed("npy", "cube", npy("<f4", "(1, 3, 2)", 0, 1, -5, -2, 0, 1))
    seed("npy", "scalar", npy("<i4", "()", 7))
    seed("npy", "fortran", npy("<i4", "(2, 2)", 1, 2, 3, 4).replace(b"False", b"True "))
    seed("npy", "half", b"\x93NUMPY\x01\x00\x36\x00{'descr': '>f2', 'fortran_order': False, 'shape': (1,)}\n<\x00")
    copies("npy", "results/spikeinterface/numpy_folder/**/*.npy")
    copies("npz", "results/**/*.npz")


def matlab():
    copies("mat", "chanmap/*.mat")
    copies("mat", "structs.mat")
    seed("simulation_files", "library.mat", LIBRARY.read_bytes())
    seed("simulation_files", "pack.npz", (DATA / "results" / "spikeinterface" / "sorting.npz").read_bytes())
    copies("rez", "results/kilosort2*/*.mat")
    copies("rez", "results/emouse/*.mat")
    copies("rez", "results/mearec.h5")


def probes():
    copies("probe", "prb/*.prb")
    copies("probe", "json/*.json")
    copies("probe", "chanmap/v5.mat")


def settings():
    seed("parameters", "kilosort2", "Th = [6, 2]\nNT = 65600\nfshigh = 150.0\nreorder = true\nGPU = 1\n[compat]\nstale_row = true\n")
    seed("parameters", "recording", "fs = 30000\nNchanTOT = 385\ntrange = [0, inf]\nlam = 10\nfslow = inf\n")
    seed("simulation", "easy", 'preset = "easy"\nduration_s = 10.0\n[units]\nn = 5\ntarget = { kind = "snr", quantiles = [[0.0, 6.0], [1.0, 20.0]] }\n')
    seed("simulation", "noise", 'preset = "tetrode"\nnoise = { kind = "coloured" }\n[drift]\ngrid_um = 1.0\n[background]\ndistance_um = [150.0, 300.0]\n')
    seed("simulation", "motion", "time_s,depth_um,displacement_um\n0,0,1\n0,100,2\n10,0,1.5\n10,100,-2\n")
    for text in ["10..20", "10..", "..0.5", "int16", "<f4", "Th=[6,2]", "NT=65600", "reorder=false", "compat.stale_row=true",
                 "drift.grid_um=1", "units.n=5", "noise={kind=\"none\"}", "trange=[0,inf]"]:
        seed("options", re.sub(r"\W+", "_", text), text)
    meta = '{"sample_rate_hz": 20000.0, "n_channels": 2, "dtype": "%s", "gain_to_uV": %s, "file": "recording.bin", "channel_positions_um": [[0, 10], [0, 30.5]]}'
    seed("recording_folder", "int16", meta % ("int16", "0.5"))
    seed("recording_folder", "float32", meta % ("float32", "[1, 2.5]"))
    seed("recording_folder", "offset", '{"sample_rate": 30000, "n_channels": 4, "n_samples": 510, "offset_bytes": 16, "byte_order": "little"}')


def texts():
    seed("table", "header", "sample,unit\n100,1\n200,2\n300,a b\n")
    seed("table", "plain", "100\t1\n200\t2\n")
    seed("table", "seconds", '# made by hand\ntime_s;neuron\n0.5;"x ""y"""\n1.25;z\n')
    params = "dat_path = ['../a.bin', r'b.bin']\nn_channels_dat = 385\ndtype = 'int16'\noffset = 0\nsample_rate = 30000.\nhp_filtered = False\n"
    seed("params_py", "phy", params)
    seed("params_py", "groups", "cluster_id\tgroup\n0\tgood\n1\tmua\n")
    seed("params_py", "info", "cluster_id\tKSLabel\tdepth\tfr\n0\tgood\t20.0\t3.5\n1\tnoise\t40\t\n")
    manifest = '{"ferrosort": "0.1.0", "algorithm": "kilosort2", "parameters": {"batch_samples": 65600, "batch_overlap": 64, "template_samples": 61, "trough_sample": 20, "whitened_scale": 200.0}, "compat": {"alignment_off_by_one": true}, "recording": {"sample_rate_hz": 30000.0, "n_samples": 1000, "first_sample": 0, "gain_uv": [1.0, 2.0], "files": [{"path": "a.bin", "n_samples": 1000}]}, "probe": {"name": "p"}, "processed": {"file": "params.py", "n_channels": 2, "batch_samples": 100, "first_samples": [0, 36]}, "timings": {"total_s": 1.5, "stages": [{"stage": "noise", "seconds": 0.5}]}}'
    seed("manifest", "kilosort2", manifest)
    return params, manifest


def folders(params, manifest):
    phy = {
        "spike_times.npy": npy("<i8", "(3,)", 5, 10, 20),
        "spike_clusters.npy": npy("<i4", "(3,)", 0, 1, 0),
        "spike_templates.npy": npy("<i4", "(3, 1)", 0, 1, 0),
        "amplitudes.npy": npy("<f8", "(3,)", 1.0, 2.0, 3.0),
        "templates.npy": npy("<f4", "(2, 3, 2)", *range(12)),
        "channel_map.npy": npy("<i4", "(2,)", 0, 1),
        "channel_positions.npy": npy("<f8", "(2, 2)", 0, 0, 0, 20),
        "whitening_mat_inv.npy": npy("<f8", "(2, 2)", 1, 0, 0, 1),
        "similar_templates.npy": npy("<f4", "(2, 2)", 1, 0.5, 0.5, 1),
        "params.py": params,
    }
    pack("phy_folder", "phy", phy)
    features = {
        "templates_ind.npy": npy("<f8", "(2, 2)", 0, 1, 1, -1),
        "pc_features.npy": npy("<f4", "(3, 1, 2)", *range(6)),
        "pc_feature_ind.npy": npy("<i4", "(2, 2)", 0, 1, 1, 0),
        "template_features.npy": npy("<f4", "(3, 2)", *range(6)),
        "cluster_group.tsv": "cluster_id\tgroup\n0\tgood\n",
    }
    pack("phy_folder", "features", phy | features)
    intermediates = {
        "run.json": manifest,
        "intermediates/Wrot.npy": npy("<f8", "(2, 2)", 1, 0, 0, 1),
        "intermediates/iorig.npy": npy("<i8", "(2,)", 1, 0),
        "intermediates/st3_c.npy": npy("<f8", "(3, 4)", 5, 0, 1, 9, 10, 1, 2, 8, 20, 0, 3, 7),
    }
    pack("phy_folder", "ferrosort", phy | intermediates)
    truth = {
        "truth/spike_samples.npy": npy("<i8", "(3,)", 5, 10, 20),
        "truth/spike_units.npy": npy("<i4", "(3,)", 0, 1, 0),
        "truth/units.csv": "unit_id,x,y,z,snr,best_channel,class,is_mua\n0,0,20,5,7.5,0,rs,0\n1,0,40,5,,1,fs,1\n",
        "truth/simulation.json": '{"n0": 1, "template_channels": [0, 1], "sample_rate_hz": 30000}',
        "truth/templates.npy": npy("<f4", "(2, 3, 2)", *range(12)),
        "truth/displacement.npy": npy("<f8", "(2, 1)", 0, 1),
        "truth/displacement_times.npy": npy("<f8", "(2,)", 0, 1),
        "truth/spike_overlap.npy": npy("|u1", "(3,)", 0, 1, 2),
        "truth/spike_ptp_uV.npy": npy("<f4", "(3,)", 100, 50, 99),
        "meta.json": '{"sample_rate": 30000, "n_channels": 2, "n_samples": 100}',
    }
    pack("result_folder", "truth", truth)
    spikeinterface = DATA / "results" / "spikeinterface" / "numpy_folder"
    names = ["numpysorting_info.json", "spikes.npy", "properties/gt_unit_locations.npy", "properties/quality.npy"]
    pack("result_folder", "spikeinterface", {name: (spikeinterface / name).read_bytes() for name in names})
    context = {
        ".kilosort/a/Wrot.npy": npy("<f8", "(2, 2)", 1, 0, 0, 1),
        ".kilosort/a/ccb0.npy": npy("<f8", "(2, 2)", 1, 0, 0, 1),
        ".kilosort/a/st3.npy": npy("<f8", "(3, 4)", 5, 0, 1, 9, 10, 1, 2, 8, 20, 0, 3, 7),
        ".kilosort/a/iorig.npy": npy("<i8", "(2,)", 1, 0),
        ".kilosort/a/params.json": '{"scaleproc": 200, "ntbuff": 64, "NT": 65600}',
    }
    pack("result_folder", "pykilosort", context)


if __name__ == "__main__":
    shutil.rmtree(CORPUS, ignore_errors=True)
    arrays()
    matlab()
    probes()
    settings()
    folders(*texts())
