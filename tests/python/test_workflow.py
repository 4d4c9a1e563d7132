"""The Snakemake workflow, really run on four small recordings; one job is killed midway."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sorting import BINARY, ROOT, ferrosort

WORKFLOW = ROOT / "workflows" / "snakemake"
NAMES = ["m1", "m2", "m3", "m4"]
KILLED = "m3"

# Stands for ferrosort: it is ferrosort, but the first sorting of one recording gets SIGKILL as soon as it has found its spikes.
KILLER = """#!{python}
import os, subprocess, sys, time
from pathlib import Path

binary, killed, arguments = {binary!r}, {killed!r}, sys.argv[1:]
output = Path("results", killed, "sorting")
been_here = Path("killed")
if arguments[0] != "sort" or str(output) not in arguments or been_here.exists():
    os.execv(binary, [binary, *arguments])
been_here.touch()
job = subprocess.Popen([binary, *arguments])
kept = output.with_name(".sorting.unfinished") / "checkpoints" / "detection.checkpoint"
while job.poll() is None and not kept.exists():
    time.sleep(0.002)
job.kill()
sys.exit(128 - job.wait())
"""


def snakemake(folder, *options):
    """Runs the workflow in a folder that has a config.yaml, as a process of its own."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", WORKFLOW / "Snakefile", "--configfile", "config.yaml"]
    command += ["--profile", WORKFLOW / "profiles" / "local", "--cores", "2", *options]
    return subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True)


def configure(folder, **settings):
    (folder / "config.yaml").write_text(json.dumps(settings))


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """Four recordings, sorted by the workflow, and what it printed."""
    folder = tmp_path_factory.mktemp("night")
    for seed, name in enumerate(NAMES):
        options = ["--channels", 8, "--units", 4, "--duration", 8, "--seed", seed, "--output", folder / "data" / name]
        (folder / "data").mkdir(exist_ok=True)
        ferrosort("simulate", "easy", *options, "--quiet")
    killer = folder / "ferrosort-killed-once"
    killer.write_text(KILLER.format(python=sys.executable, binary=str(BINARY), killed=KILLED))
    killer.chmod(0o755)
    configure(folder, recordings=["data/m*"], ferrosort=str(killer), threads=1, title="Night")
    return folder, snakemake(folder)


def test_all_recordings_are_sorted_reported_and_summed_up(night):
    folder, done = night
    assert done.returncode == 0, done.stderr
    sessions = json.loads((folder / "results/summary.json").read_text())
    assert [session["name"] for session in sessions] == NAMES
    page = (folder / "results/summary.html").read_text()
    assert "4 recordings are sorted" in page and "<title>Night</title>" in page
    for session in sessions:
        result = json.loads((folder / "results" / session["name"] / "sorting/run.json").read_text())["result"]
        facts = session["finished"]
        assert facts["spikes"] == result["spikes"] > 0
        assert facts["good"] + facts["mua"] + facts["noise"] == facts["units"] == result["units"]
        assert f'href="{session["name"]}/report.html"' in page
        assert (folder / "results" / session["report"]).is_file()


def test_the_killed_job_goes_on_and_ends_with_the_same_bytes(night):
    folder, done = night
    assert (folder / "killed").exists() and "Trying to restart" in done.stderr, done.stderr
    log = (folder / "results" / KILLED / "sort.log").read_text()
    assert "going on with the run that was interrupted" in log, log
    assert re.search(r"detection: done before the interruption .* not done again", log), log
    # From the same folder to one as far away, since run.json and params.py have paths.
    command = [BINARY, "sort", f"data/{KILLED}", "--output", "uninterrupted/a/sorting", "--threads", "1", "--quiet"]
    subprocess.run(command, cwd=folder, check=True)
    uninterrupted = contents(folder / "uninterrupted/a/sorting")
    resumed = contents(folder / "results" / KILLED / "sorting")
    assert "spike_times.npy" in uninterrupted
    differing = [name for name in uninterrupted | resumed if uninterrupted.get(name) != resumed.get(name)]
    assert differing == []
    hidden = list((folder / "results" / KILLED).glob(".*"))
    assert hidden == [], "what was kept for resuming is removed at the end"


def contents(folder):
    """Bytes of every file of a sorting, by name; run.json without the only part that differs between two runs."""
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    files["run.json"] = json.loads(files["run.json"])
    del files["run.json"]["timings"]
    return files


def test_resources_come_from_the_plan_and_grow_with_each_attempt(night):
    folder, done = night
    planned = {name: json.loads((folder / "results" / name / "plan.json").read_text()) for name in NAMES}
    for name in NAMES:
        given = re.findall(rf"^Shell command: .* sort data/{name} .*--threads 1 --memory (\d+)M", done.stderr, re.MULTILINE)
        assert len(given) == 1 + (name == KILLED)
        assert int(given[0]) * 2**20 > planned[name]["memory_bytes"]
        usage = json.loads((folder / "results" / name / "usage.json").read_text())
        assert usage["peak_bytes"] < planned[name]["memory_bytes"]
        if name == KILLED:
            assert int(given[1]) > 1.9 * int(given[0])


def test_nothing_is_done_twice_and_a_failure_has_its_row(night):
    folder, _ = night
    again = snakemake(folder)
    assert again.returncode == 0 and "Nothing to be done" in again.stderr, again.stderr
    (folder / "data/m5.bin").write_bytes(b"\0" * 1000)
    failed = snakemake(folder, "--retries", "0")
    assert failed.returncode == 1
    assert "pass --channels" in (folder / "results/m5.bin/plan.log").read_text()
    sessions = json.loads((folder / "results/summary.json").read_text())
    assert sessions[-1]["missing"] == "there is no such folder"
    assert all("finished" in session for session in sessions[:-1])


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"recordings": ["nowhere/*"]}, "nowhere/* matches nothing"),
        ({"recordings": []}, "there are none"),
        ({"recording": ["a"]}, "unknown settings: recording"),
    ],
)
def test_mistakes_in_the_settings_are_named(tmp_path, settings, sentence):
    configure(tmp_path, **settings)
    done = snakemake(tmp_path, "--dry-run")
    assert done.returncode == 1 and sentence in done.stdout + done.stderr
