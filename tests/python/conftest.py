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
    """Twenty simulated units on 64 channels, sorted: the folder holds recording/ and sorting/."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    ferrosort("demo", "--output", folder, "--duration", 30, "--quiet")
    return folder


@pytest.fixture(scope="session")
def kilosort2(demo):
    return Sorting(demo / "sorting")


@pytest.fixture(scope="session")
def pykilosort(demo, tmp_path_factory):
    output = tmp_path_factory.mktemp("pykilosort") / "sorting"
    ferrosort("sort", demo / "recording", "--algorithm", "pykilosort", "--output", output, "--quiet")
    return Sorting(output)


@pytest.fixture(scope="session", params=["kilosort2", "pykilosort"])
def simulated(request):
    """The same recording sorted with each algorithm."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session", params=REAL_NAMES or [pytest.param("", marks=pytest.mark.skip(reason=f"{REAL} is absent"))])
def real(request, tmp_path_factory):
    """A short real recording of ../shared/data/real, sorted."""
    output = tmp_path_factory.mktemp("real") / "sorting"
    ferrosort("sort", REAL / request.param, "--output", output, "--set", "Th=[6,3]", "--quiet")
    return Sorting(output)
