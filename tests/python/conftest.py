"""Sortings for the tests, made once by the release binary."""

import os
from pathlib import Path

import pytest

from sorting import Sorting, ferrosort

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "data" / "real"
REAL_NAMES = sorted(p.parent.name for p in REAL.glob("*/recording.raw"))


def pytest_report_header(config):
    lines = [f"ferrosort: {os.environ.get('FERROSORT', 'target/release/ferrosort')}"]
    if not REAL_NAMES:
        lines.append(f"SKIPPING real recordings: {REAL} is absent")
    return lines


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """Twenty units in drifting tissue, simulated, sorted and reported: recording/, sorting/ and report.html."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    ferrosort("demo", "--output", folder, "--duration", 30, "--quiet")
    return folder


@pytest.fixture(scope="session")
def recording(tmp_path_factory):
    """Twenty clear units on 64 channels that do not move: what their templates should be is known from the recording."""
    folder = tmp_path_factory.mktemp("easy") / "recording"
    ferrosort("simulate", "easy", "--noise", "coloured", "--output", folder, "--duration", 30, "--quiet")
    return folder


def sort(recording, algorithm, tmp_path_factory):
    output = tmp_path_factory.mktemp(algorithm) / "sorting"
    ferrosort("sort", recording, "--algorithm", algorithm, "--output", output, "--quiet")
    return Sorting(output)


@pytest.fixture(scope="session")
def kilosort2(recording, tmp_path_factory):
    return sort(recording, "kilosort2", tmp_path_factory)


@pytest.fixture(scope="session")
def auto(recording, tmp_path_factory):
    return sort(recording, "auto", tmp_path_factory)


@pytest.fixture(scope="session")
def pykilosort(recording, tmp_path_factory):
    return sort(recording, "pykilosort", tmp_path_factory)


@pytest.fixture(scope="session", params=["auto", "kilosort2", "pykilosort"])
def simulated(request):
    """The same recording sorted with each algorithm."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session", params=["kilosort2", "pykilosort"])
def with_features(request):
    """Sortings that have features of their spikes."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session", params=REAL_NAMES or [pytest.param("", marks=pytest.mark.skip(reason=f"{REAL} is absent"))])
def real(request, tmp_path_factory):
    """A short real recording of ../shared/data/real, sorted."""
    output = tmp_path_factory.mktemp("real") / "sorting"
    options = ["--algorithm", "kilosort2", "--set", "Th=[6,3]"]
    ferrosort("sort", REAL / request.param, "--output", output, *options, "--quiet")
    return Sorting(output)
