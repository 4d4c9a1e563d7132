"""Files of Intan, written by the published description, against neo."""

import struct

import numpy as np
import pytest
from neo.rawio import IntanRawIO

from converted import Converted, noise, refused

N = 6


def text(value):
    return struct.pack("<I", 2 * len(value)) + value.encode("utf-16-le")


def group(channels, words):
    out = text("Port A") + text("A") + struct.pack("<hhh", 1, len(channels), N)
    for i, (name, kind) in enumerate(channels):
        out += text(name) + text(name) + struct.pack("<hhhh", i, i, kind, 1)
        out += struct.pack(f"<{words}h", *([0] * words)) + struct.pack("<ff", 1.0, 0.0)
    return out


AMPLIFIERS = [(f"A-{i:03d}", 0) for i in range(N)]


def rhd_header(version, kinds):
    out = struct.pack("<Ihhfh6fhff", 0xC6912702, *version, 30000.0, 1, *[1.0] * 6, 0, 1000.0, 1000.0)
    out += text("a note") + text("") + text("")
    if version >= (1, 1):
        out += struct.pack("<h", 0)
    if version >= (1, 3):
        out += struct.pack("<h", 0)
    if version >= (2, 0):
        out += text("n/a")
    return out + struct.pack("<h", 1) + group(AMPLIFIERS + kinds, 6)


def rhs_header(dc):
    out = struct.pack("<Ihhfh8fhffhh3f", 0xD69127AC, 3, 0, 30000.0, 1, *[1.0] * 8, 0, 1000.0, 1000.0, 0, 0, *[1.0] * 3)
    out += text("") + text("") + text("") + struct.pack("<hh", dc, 0) + text("n/a")
    return out + struct.pack("<h", 1) + group(AMPLIFIERS + [("ANALOG-IN-1", 3), ("DIGITAL-IN-1", 5)], 7)


def blocks(samples, frames, before, first=0):
    """Blocks of amplifiers; `before` gives the shapes of what follows them."""
    rng = np.random.default_rng(3)
    out = b""
    for start in range(0, len(samples), frames):
        stamps = np.arange(first + start, first + start + frames, dtype="<i4")
        out += stamps.tobytes() + samples[start : start + frames].T.astype("<u2").tobytes()
        out += rng.integers(0, 65536, before, dtype=np.uint16).tobytes()
    return out


def neo_amplifiers(path, frames):
    reader = IntanRawIO(str(path))
    reader.parse_header()
    stream = list(reader.header["signal_streams"]["id"]).index("0")
    return reader, reader.get_analogsignal_chunk(0, 0, 0, frames, stream_index=stream)


def check(path, samples, ours):
    reader, theirs = neo_amplifiers(path, len(samples))
    header = reader.header["signal_channels"]
    header = header[header["stream_id"] == "0"]
    np.testing.assert_allclose(ours.gains, header["gain"])
    assert ours.rate == header["sampling_rate"][0]
    scaled = theirs * header["gain"] + header["offset"]
    np.testing.assert_allclose(ours.samples * ours.gains, scaled, atol=1e-6)


@pytest.mark.parametrize("version", [(1, 0), (1, 2), (1, 3), (2, 0), (3, 1)])
def test_traditional_rhd(tmp_path, version):
    frames = 128 if version >= (2, 0) else 60
    kinds = [("A-AUX1", 1), ("A-VDD1", 2), ("ANALOG-IN-0", 3), ("DIGITAL-IN-0", 4)]
    samples = noise(5 * frames, N, dtype=np.uint16)
    path = tmp_path / "rat_260101_120000.rhd"
    path.write_bytes(rhd_header(version, kinds) + blocks(samples, frames, frames // 4 + 1 + 2 * frames))
    ours = Converted(path)
    np.testing.assert_array_equal(ours.samples, (samples.astype(int) - 32768).astype(np.int16))
    check(path, samples, ours)


@pytest.mark.parametrize("dc", [0, 1])
def test_traditional_rhs(tmp_path, dc):
    samples = noise(4 * 128, N, dtype=np.uint16)
    path = tmp_path / "rat.rhs"
    path.write_bytes(rhs_header(dc) + blocks(samples, 128, 128 * (N * (1 + dc) + 2)))
    ours = Converted(path)
    np.testing.assert_array_equal(ours.samples, (samples.astype(int) - 32768).astype(np.int16))
    check(path, samples, ours)


def test_files_of_a_session_in_a_folder(tmp_path):
    samples = noise(6 * 128, N, dtype=np.uint16)
    for part, name in enumerate(["rat_260101_120000.rhd", "rat_260101_120100.rhd"]):
        half = samples[part * 384 : part * 384 + 384]
        (tmp_path / name).write_bytes(rhd_header((3, 0), []) + blocks(half, 128, 0, first=384 * part))
    ours = Converted(tmp_path)
    np.testing.assert_array_equal(ours.samples, (samples.astype(int) - 32768).astype(np.int16))
    assert ours.meta["notes"] == []


@pytest.mark.parametrize("header", ["rhd", "rhs"])
def test_one_file_per_signal_type(tmp_path, header):
    samples = noise(500, N)
    info = tmp_path / f"info.{header}"
    info.write_bytes(rhd_header((3, 0), []) if header == "rhd" else rhs_header(0))
    np.arange(500, dtype="<i4").tofile(tmp_path / "time.dat")
    samples.tofile(tmp_path / "amplifier.dat")
    ours = Converted(tmp_path)
    np.testing.assert_array_equal(ours.samples, samples)
    if header == "rhd":
        check(info, samples, ours)


def test_one_file_per_channel(tmp_path):
    samples = noise(500, N)
    info = tmp_path / "info.rhd"
    info.write_bytes(rhd_header((3, 0), []))
    np.arange(500, dtype="<i4").tofile(tmp_path / "time.dat")
    for channel, (name, _) in enumerate(AMPLIFIERS):
        samples[:, channel].tofile(tmp_path / f"amp-{name}.dat")
    ours = Converted(tmp_path)
    np.testing.assert_array_equal(ours.samples, samples)
    check(info, samples, ours)


def test_damaged_files_are_one_sentence(tmp_path):
    path = tmp_path / "rat.rhd"
    path.write_bytes(rhd_header((3, 0), [])[:100])
    assert "complete header" in refused(path)
