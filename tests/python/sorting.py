"""A sorted folder as NumPy arrays, read without any of the programs under test."""

import csv
import json
import os
import subprocess
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("FERROSORT", ROOT / "target" / "release" / "ferrosort"))


def ferrosort(*args, check=True):
    """Runs the binary and returns the finished process; fails with its error output."""
    done = subprocess.run([str(BINARY), *map(str, args)], capture_output=True, text=True)
    if check:
        assert done.returncode == 0, f"{' '.join(map(str, args))}\n{done.stderr}"
    return done


class Sorting:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.manifest = json.loads((self.folder / "run.json").read_text())
        self.params = {}
        exec((self.folder / "params.py").read_text(), self.params)  # our own file, as phy and SpikeInterface read it
        self.times = self.array("spike_times")
        self.clusters = self.array("spike_clusters")
        self.amplitudes = self.array("amplitudes")
        self.templates = self.array("templates")

    def array(self, name):
        return np.load(self.folder / f"{name}.npy")

    def table(self, name):
        """A TSV as {cluster id: value}."""
        with open(self.folder / f"cluster_{name}.tsv", newline="") as file:
            rows = list(csv.reader(file, delimiter="\t"))
        assert rows[0][0] == "cluster_id"
        return {int(cluster): value for cluster, value in rows[1:]}

    def units(self):
        """Units that have spikes."""
        return np.unique(self.clusters)

    def train(self, unit):
        return self.times[self.clusters == unit]
