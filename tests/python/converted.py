"""What ferrosort reads of a recording, as NumPy arrays: `ferrosort convert` writes it, NumPy reads it."""

import json
import tempfile
from pathlib import Path

import numpy as np

from sorting import ferrosort


class Converted:
    """A recording of any format after `ferrosort convert`."""

    def __init__(self, source, *options):
        sources = source if isinstance(source, (list, tuple)) else [source]
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "converted"
            ferrosort("convert", *sources, "--output", folder, *options)
            self.read(folder)

    def read(self, folder):
        self.meta = json.loads((folder / "meta.json").read_text())
        self.samples = np.fromfile(folder / "recording.bin", self.meta["dtype"]).reshape(-1, self.meta["n_channels"])
        self.gains = None if self.meta["gain_to_uV"] is None else np.array(self.meta["gain_to_uV"])
        self.neural = self.meta["neural_channels"]
        probe = folder / "probe.json"
        self.probe = json.loads(probe.read_text())["probes"][0] if probe.exists() else None

    @property
    def rate(self):
        return self.meta["sample_rate"]

    def channels(self):
        """Columns with a contact, in order."""
        return np.array(self.probe["device_channel_indices"])

    def positions(self):
        """Places of the contacts in the order of `channels`, µm."""
        return np.array(self.probe["contact_positions"])

    def shanks(self):
        return np.array(self.probe["shank_ids"]).astype(int)


def refused(source, *options):
    """The one sentence with which ferrosort refuses a recording."""
    done = ferrosort("info", source, *options, check=False)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert "panicked" not in done.stderr, done.stderr
    return done.stderr


def noise(frames, channels, seed=0, dtype=np.int16):
    """Samples that use the whole range of 16 bits."""
    return np.random.default_rng(seed).integers(-32768, 32768, (frames, channels)).astype(dtype)
