"""The same bytes from a build with little optimisation of our code and from the one under test (docs/guarantees.md)."""

import subprocess
import sys

import pytest

from sorting import BINARY, ROOT

BUILDS = [ROOT / "target" / "debug" / "ferrosort", BINARY]


@pytest.mark.skipif(not all(build.is_file() for build in BUILDS), reason=f"there are not two builds: {BUILDS}")
def test_two_builds_give_the_same_bytes():
    done = subprocess.run([sys.executable, ROOT / "scripts" / "two-builds", *BUILDS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "the same to the last bit" in done.stdout


def test_a_difference_is_named(tmp_path):
    """A program that is not a build at all does not pass."""
    done = subprocess.run([sys.executable, ROOT / "scripts" / "two-builds", "/bin/true", "/bin/true"], capture_output=True, text=True)
    assert done.returncode != 0
