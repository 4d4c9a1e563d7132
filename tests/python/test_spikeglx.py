"""Files of SpikeGLX for every probe that probeinterface knows: the same samples and places, and gains that neo agrees with
where neo is right."""

import numpy as np
import pytest
from neo.rawio import SpikeGLXRawIO
from probeinterface import read_spikeglx
from probeinterface.neuropixels_tools import _load_np_probe_features, build_neuropixels_probe

from converted import Converted, noise, refused

FEATURES = _load_np_probe_features()["neuropixels_probes"]
# Its readout table names groups of channels; SpikeGLX writes the places of the contacts as well.
GROUPS = ["NP1110"]
# Types of old probes; later ones are the number of the part.
TYPES = {"NP1000": 0, "NP2000": 21, "NP2010": 24}
SKUS = [sku for sku in FEATURES if sku not in GROUPS]


def electrodes(feature, n):
    """An electrode for each of n channels: (shank, bank, electrode), some of them in higher banks."""
    shanks, per_shank = int(feature["num_shanks"]), int(feature["cols_per_shank"]) * int(feature["rows_per_shank"])
    readout = int(feature["num_readout_channels"])
    for channel in range(n):
        bank = (channel // 48) % max(1, per_shank // readout)
        if feature["imro_table_format_type"] == "imro_np1000":
            yield 0, bank, bank * readout + channel
        else:
            yield channel % shanks, bank, (channel // shanks * 3 + 1) % per_shank


def channels_of(feature):
    """Channels that are read out; some tables give more than the probe has electrodes."""
    sites = int(feature["num_shanks"]) * int(feature["cols_per_shank"]) * int(feature["rows_per_shank"])
    return min(int(feature["num_readout_channels"]), sites)


def imro(feature, head, n):
    layout = feature["imro_table_format_type"]
    text = f"({head},{n})"
    for channel, (shank, bank, electrode) in enumerate(electrodes(feature, n)):
        if layout == "imro_np1000":
            text += f"({channel} {bank} 0 {500 if channel % 2 else 1000} 250 1)"
        elif layout in ("imro_np2000", "imro_np2003", "imro_np3010"):
            text += f"({channel} {1 << bank if layout != 'imro_np3010' else bank} 0 {electrode})"
        else:
            text += f"({channel} {shank} {bank} 0 {electrode})"
    return text


def write(folder, sku, saved, samples, sync=1, more="", name="run_g0_t0.imec0.ap"):
    feature = FEATURES[sku]
    n = channels_of(feature)
    lf = n if int(feature["adc_bit_depth"]) == 10 else 0
    bits, vpp = int(feature["adc_bit_depth"]), float(feature["adc_range_vpp"])
    words = list(saved) + [n + lf + i for i in range(sync)]
    assert samples.shape[1] == len(words)
    lines = [
        "typeThis=imec",
        f"imDatPrb_pn={sku}",
        "imDatPrb_sn=123",
        f"imDatPrb_type={TYPES.get(sku, sku[2:])}",
        f"fileName=D:/data/{name}.bin",
        "imSampRate=30000.25",
        f"imAiRangeMax={vpp / 2}",
        f"imAiRangeMin={-vpp / 2}",
        f"imMaxInt={1 << (bits - 1)}",
        f"nSavedChans={len(words)}",
        f"snsApLfSy={len(saved)},0,{sync}",
        f"acqApLfSy={n},{lf},{sync}",
        f"snsSaveChanSubset={','.join(map(str, words))}",
        f"fileSizeBytes={samples.size * 2}",
        f"fileTimeSecs={len(samples) / 30000.25}",
        "firstSample=0",
        "~snsChanMap=(1,1,1)" + "".join(f"(AP{c};{c}:{i})" for i, c in enumerate(saved)) + f"(SY0;{n + lf}:{len(saved)})",
        f"~imroTbl={imro(feature, sku, n)}",
    ]
    if "imChan0apGain" not in more and lf == 0:
        lines.append(f"imChan0apGain={feature['ap_gain_list'].split(',')[0]}")
    path = folder / f"{name}.bin"
    samples.astype("<i2").tofile(path)
    path.with_suffix(".meta").write_text("\n".join(lines) + "\n" + more)
    return path


@pytest.mark.parametrize("sku", SKUS)
def test_every_probe(tmp_path, sku):
    n = channels_of(FEATURES[sku])
    samples = noise(20, n + 1)
    path = write(tmp_path, sku, range(n), samples)
    ours = Converted(tmp_path)
    np.testing.assert_array_equal(ours.samples, samples)
    assert ours.rate == 30000.25 and ours.neural == list(range(n))
    theirs = read_spikeglx(path.with_suffix(".meta"))
    np.testing.assert_array_equal(ours.channels(), np.arange(n))
    # probeinterface counts x from the first contact of odd rows, SpikeGLX from the left edge of the shank.
    left = float(FEATURES[sku]["odd_row_horz_offset_left_edge_to_leftmost_electrode_center_um"])
    np.testing.assert_allclose(ours.positions(), theirs.contact_positions + [left, 0], atol=1e-9)
    if theirs.get_shank_count() > 1:
        np.testing.assert_array_equal(ours.shanks(), theirs.shank_ids.astype(int))


def gains(sku, saved):
    feature = FEATURES[sku]
    counts = 1 << (int(feature["adc_bit_depth"]) - 1)
    uv = float(feature["adc_range_vpp"]) / 2 / counts * 1e6
    if feature["imro_table_format_type"] == "imro_np1000":
        return np.array([uv / (500 if channel % 2 else 1000) for channel in saved])
    return np.full(len(saved), uv / float(feature["ap_gain_list"].split(",")[0]))


@pytest.mark.parametrize("sku", ["NP1000", "NP1300", "NP2000", "NP2003", "NP2013", "NP2020", "NP3020"])
def test_subsets_have_the_gains_and_places_of_their_channels(tmp_path, sku):
    saved = [3, 4, 5, 190, 193, 200]
    samples = noise(30, len(saved) + 1)
    path = write(tmp_path, sku, saved, samples)
    ours = Converted(path)
    np.testing.assert_array_equal(ours.samples, samples)
    np.testing.assert_allclose(ours.gains[:-1], gains(sku, saved), rtol=1e-12)
    every = list(electrodes(FEATURES[sku], 384))
    per_shank = int(FEATURES[sku]["cols_per_shank"]) * int(FEATURES[sku]["rows_per_shank"])
    indices = [every[channel][0] * per_shank + every[channel][2] for channel in saved]
    left = float(FEATURES[sku]["odd_row_horz_offset_left_edge_to_leftmost_electrode_center_um"])
    catalogue = build_neuropixels_probe(sku).contact_positions[indices]
    np.testing.assert_allclose(ours.positions(), catalogue + [left, 0], atol=1e-9)


@pytest.mark.parametrize("sku", ["NP1000", "NP2000", "NP2013"])
def test_neo_has_the_same_samples_rate_and_gains(tmp_path, sku):
    # All channels are saved: with a subset, neo takes gains by the place in the file.
    samples = noise(50, 385)
    write(tmp_path, sku, range(384), samples)
    reader = SpikeGLXRawIO(str(tmp_path))
    reader.parse_header()
    names = list(reader.header["signal_streams"]["name"])
    stream = next(i for i, name in enumerate(names) if name.endswith(".ap"))
    theirs = reader.get_analogsignal_chunk(0, 0, 0, 50, stream_index=stream)
    channels = reader.header["signal_channels"]
    channels = channels[channels["stream_id"] == reader.header["signal_streams"]["id"][stream]]
    ours = Converted(tmp_path)
    np.testing.assert_array_equal(ours.samples[:, :384], theirs[:, :384])
    assert ours.rate == channels["sampling_rate"][0]
    scale = {"V": 1e6, "uV": 1.0}
    expected = [c["gain"] * scale[str(c["units"])] for c in channels[:384]]
    np.testing.assert_allclose(ours.gains[:384], expected, rtol=1e-6)


def test_quad_base_has_four_sync_words(tmp_path):
    samples = noise(10, 1540)
    path = write(tmp_path, "NP2020", range(1536), samples, sync=4)
    ours = Converted(path)
    np.testing.assert_array_equal(ours.samples, samples)
    assert len(ours.channels()) == 1536 and max(ours.channels()) == 1535
    assert set(ours.shanks()) == {0, 1, 2, 3}


def test_ultra_probes_have_the_places_of_the_saved_map(tmp_path):
    probe = build_neuropixels_probe("NP1110")
    picked = np.arange(384) * 3
    at = probe.contact_positions[picked] + [15.5, 0]
    samples = noise(10, 385)
    path = write(tmp_path, "NP1000", range(384), samples)
    meta = path.with_suffix(".meta")
    lines = [l for l in meta.read_text().splitlines() if not l.startswith("~imroTbl")]
    table = "~imroTbl=(1110,2,0,500,250,1)" + "".join(f"({g} 0 0)" for g in range(24))
    places = "".join(f"(0:{x:g}:{y:g}:1)" for x, y in at)
    text = "\n".join(lines).replace("NP1000", "NP1110") + f"\n{table}\n~snsGeomMap=(NP1110,1,0,70){places}\n"
    meta.write_text(text)
    ours = Converted(path)
    np.testing.assert_allclose(ours.positions(), at)
    np.testing.assert_allclose(ours.gains[:384], 0.6 / 512 / 500 * 1e6)


def test_phase_3a(tmp_path):
    samples = noise(10, 385)
    path = write(tmp_path, "NP1000", range(384), samples)
    meta = path.with_suffix(".meta")
    lines = [line for line in meta.read_text().splitlines() if not line.startswith(("imDatPrb", "imMaxInt", "typeThis"))]
    text = "\n".join(lines).replace("(NP1000,384)", "(841011351,3,384)")
    meta.write_text(text + "\ntypeEnabled=imec\nimProbeOpt=3\nimProbeSN=841011351\n")
    ours = Converted(path)
    theirs = read_spikeglx(meta)
    np.testing.assert_allclose(ours.positions(), theirs.contact_positions + [11, 0])
    np.testing.assert_allclose(ours.gains[:384], gains("NP1000", range(384)))


def test_triggers_and_field_potentials(tmp_path):
    first, second, lf = noise(10, 385), noise(12, 385, 1), noise(5, 385, 2)
    write(tmp_path, "NP1000", range(384), first, name="run_g0_t2.imec0.ap")
    write(tmp_path, "NP1000", range(384), second, name="run_g0_t10.imec0.ap")
    path = write(tmp_path, "NP1000", range(384), lf, name="run_g0_t2.imec0.lf")
    meta = path.with_suffix(".meta")
    text = meta.read_text().replace("snsApLfSy=384,0,1", "snsApLfSy=0,384,1")
    words = ",".join(map(str, list(range(384, 768)) + [768]))
    lines = [f"snsSaveChanSubset={words}" if l.startswith("snsSave") else l for l in text.splitlines()]
    meta.write_text("\n".join(lines))
    ours = Converted(tmp_path)
    np.testing.assert_array_equal(ours.samples, np.concatenate([first, second]))
    low = Converted(tmp_path, "--stream", "imec0.lf")
    np.testing.assert_array_equal(low.samples, lf)
    np.testing.assert_allclose(low.gains[:384], 0.6 / 512 / 250 * 1e6)
    assert len(low.channels()) == 384


def test_refusals_are_one_sentence(tmp_path):
    path = write(tmp_path, "NP1000", range(4), noise(10, 5))
    assert "--channels is 385" in refused(path, "--channels", 385)
    meta = path.with_suffix(".meta")
    meta.write_text(meta.read_text().replace("imAiRangeMax=0.6", "imAiRangeMax=x"))
    assert "imAiRangeMax=x" in refused(path)
