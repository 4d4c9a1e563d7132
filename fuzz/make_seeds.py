"""Makes the seeds in corpus/ from the files of the tests and a few lines of its own. Needs only Python.

Run it from anywhere; a seed that is made the same way is the same bytes.
"""

import json
import re
import shutil
import struct
import zlib
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


def mtscomp(frames):
    """`.ch` and `.cbin` of two channels: differences over time, one chunk, channel after channel."""
    rows = [frames[0]] + [[(b - a + 2**15) % 2**16 - 2**15 for a, b in zip(old, new)] for old, new in zip(frames, frames[1:])]
    packed = zlib.compress(struct.pack(f"<{2 * len(rows)}h", *[row[c] for c in (0, 1) for row in rows]))
    ch = {"version": "1.0", "algorithm": "zlib", "comp_level": -1, "do_time_diff": True, "do_spatial_diff": False,
          "dtype": "int16", "n_channels": 2, "sample_rate": 100.0, "chunk_bounds": [0, len(frames)],
          "chunk_offsets": [0, len(packed)], "chunk_order": "F", "shape": [len(frames), 2]}
    return json.dumps(ch), packed


def intan():
    """A header of `.rhd` files of version 2 with two amplifier channels, and a block of samples."""
    def text(value):
        units = value.encode("utf-16-le")
        return struct.pack("<I", len(units)) + units

    def channel(name, kind):
        return text(name) + text("x") + struct.pack("<4h", 0, 0, kind, 1) + struct.pack("<6h2f", *[0] * 8)

    header = struct.pack("<I2hfh6fh2f", 0xC6912702, 2, 0, 25000.0, 1, *[0.0] * 6, 0, 0.0, 0.0)
    header += text("n") + struct.pack("<I", 2**32 - 1) + text("") + struct.pack("<2h", 1, 0) + text("ref")
    header += struct.pack("<h", 1) + text("Port A") + text("A") + struct.pack("<3h", 1, 3, 0)
    header += channel("A-000", 0) + channel("A-001", 0) + channel("A-AUX1", 1)
    slow = 2 * 32 + 2
    block = struct.pack("<128i", *range(128)) + struct.pack("<256H", *range(32768, 33024)) + bytes(slow)
    return header, block


def recordings():
    samples = struct.pack("<16h", *range(16))
    probe = ("typeThis=imec\nimDatPrb_pn=NP1000\nimDatPrb_sn=17\nimSampRate=29999.757\nimAiRangeMax=0.6\nimMaxInt=512\n"
             "nSavedChans=4\nsnsApLfSy=3,0,1\nacqApLfSy=384,384,1\nsnsSaveChanSubset=0:2,768\nfirstSample=%d\nfileSizeBytes=32\n")
    imro = "~imroTbl=(0,384)" + "".join(f"({c} {int(c == 1)} 0 500 250 1)" for c in range(384)) + "\n"
    shanks = "~snsGeomMap=(NP2013,4,250,70)(0:27:0:1)(0:59:0:1)(1:27:15:0)\n"
    first, second = "a_g0_t0.imec0.ap", "a_g0_t1.imec0.ap"
    pack("spikeglx", "triggers", {f"{first}.meta": probe % 0 + imro, f"{first}.bin": samples,
                                  f"{second}.meta": probe % 10 + imro, f"{second}.bin": samples})
    pack("spikeglx", "places", {f"{first}.meta": probe % 0 + shanks, f"{first}.bin": samples})
    inputs = "typeThis=nidq\nniSampRate=25000\nniAiRangeMax=5\nnSavedChans=4\nsnsMnMaXaDw=2,1,0,1\nniMNGain=200\nsnsSaveChanSubset=all\n"
    pack("spikeglx", "inputs", {"a_g0_t0.nidq.meta": inputs, "a_g0_t0.nidq.bin": samples})
    ch, packed = mtscomp([[1, 32767], [5, -32768], [2, 0], [-7, 9]])
    pack("mtscomp", "plain", {"a.ch": ch, "a.cbin": packed})
    meta = '{"sample_rate": 100, "n_channels": 2, "n_samples": 4, "dtype": "int16", "gain_to_uV": 0.5}'
    pack("mtscomp", "folder", {"meta.json": meta, "recording.ch": ch, "recording.cbin": packed})

    column = '{"channel_name": "%s", "bit_volts": 0.195, "units": ""}'
    columns = ", ".join(column % name for name in ["CH0", "CH1", "CH2", "AP_SYNC"])
    structure = ('{"GUI version": "0.6.0", "events": [], "continuous": [{"folder_name": "A/", "stream_name": "ProbeA-AP", "sample_rate": 30000,'
                 f' "source_processor_id": 100, "num_channels": 4, "channels": [{columns}]}}]}}')
    xml = ('<SETTINGS><INFO><VERSION>0.6.4</VERSION></INFO><SIGNALCHAIN><PROCESSOR name="Neuropix-PXI" nodeId="100"><STREAM name="ProbeA-AP"/>'
           '<EDITOR><NP_PROBE probe_part_number="NP1000" probe_serial_number="7" isEnabled="1"><CHANNELS CH1="0" CH0="0" CH2="1"/>'
           '<ELECTRODE_XPOS CH0="27" CH1="59" CH2="11"/><ELECTRODE_YPOS CH0="0" CH1="0" CH2="20"/></NP_PROBE></EDITOR></PROCESSOR>'
           "</SIGNALCHAIN></SETTINGS>")
    files = {"settings.xml": xml}
    for number in (1, 2):
        folder = f"experiment1/recording{number}"
        files |= {f"{folder}/structure.oebin": structure, f"{folder}/continuous/A/continuous.dat": samples}
    pack("openephys", "two", files)

    header, block = intan()
    pack("intan", "traditional", {"a_260101_120000.rhd": header + block, "a_260101_120100.rhd": header + block})
    pack("intan", "together", {"info.rhd": header, "amplifier.dat": samples})
    pack("intan", "apart", {"info.rhd": header, "amp-A-000.dat": samples, "amp-A-001.dat": samples})

    group = ('{"specification": "probeinterface", "version": "0.4", "probes": [{"ndim": 2, "si_units": "um",'
             ' "contact_positions": [[0, 40], [0, 20]], "device_channel_indices": [1, 0]}]}')
    binary = {"class": "spikeinterface.core.binaryrecordingextractor.BinaryRecordingExtractor", "relative_paths": True,
              "kwargs": {"file_paths": ["traces_cached_seg0.raw", "traces_cached_seg1.raw"], "sampling_frequency": 100.0,
                         "num_channels": 2, "dtype": "<i2", "time_axis": 0, "file_offset": 0, "gain_to_uV": [0.5, 2.0]}}
    pack("si_folders", "binary", {"binary.json": json.dumps(binary), "probegroup.json": group,
                                  "traces_cached_seg0.raw": samples, "traces_cached_seg1.raw": samples})

    def array(shape, chunks, dtype, compressor):
        return json.dumps({"zarr_format": 2, "shape": shape, "chunks": chunks, "dtype": dtype, "compressor": compressor,
                           "filters": None, "order": "C", "fill_value": 0})

    zlib_chunk = zlib.compress(struct.pack("<4h", 7, 8, 0, 0))
    pack("si_folders", "zarr", {
        ".zgroup": '{"zarr_format": 2}',
        ".zattrs": f'{{"sampling_frequency": 100.0, "num_segments": 2, "probegroup": {group}}}',
        "traces_seg0/.zarray": array([3, 2], [2, 2], "<i2", None), "traces_seg0/0.0": samples[:8], "traces_seg0/1.0": samples[8:16],
        "traces_seg1/.zarray": array([1, 2], [2, 2], "<i2", {"id": "zlib", "level": 1}), "traces_seg1/0.0": zlib_chunk,
        "properties/gain_to_uV/.zarray": array([2], [2], "<f8", None), "properties/gain_to_uV/0": struct.pack("<2d", 0.5, 2.0),
    })
    copies("hdf5", "recordings/*.h5")


if __name__ == "__main__":
    shutil.rmtree(CORPUS, ignore_errors=True)
    arrays()
    matlab()
    probes()
    settings()
    folders(*texts())
    recordings()
