"""ferrosort: sorts the spikes of extracellular recordings.

>>> import ferrosort
>>> ferrosort.simulate("easy", "simulation", duration_s=30)
>>> sorting = ferrosort.sort("simulation")
>>> sorting.units

Samples, units and channels count from 0. Positions are in µm, x across the shank and y along it, growing from the tip to the base.
Unusable input is a ``ValueError``, a refused read or write an ``OSError``; both say in one sentence what is wrong, where, and what to do.
What a run warns of is a :class:`FerrosortWarning`.

:mod:`ferrosort.spikeinterface` makes the sorter known to SpikeInterface.
"""

import importlib

from ._compare import compare
from ._ferrosort import __version__
from ._progress import FerrosortWarning
from ._recording import Recording, read_recording
from ._simulate import simulate
from ._sort import parameters, sort
from ._sorting import Motion, Sorting, read

__all__ = [
    "FerrosortWarning",
    "Motion",
    "Recording",
    "Sorting",
    "__version__",
    "compare",
    "parameters",
    "read",
    "read_recording",
    "simulate",
    "sort",
]


def __getattr__(name: str):
    # SpikeInterface takes a second to import, so that it is imported only where it is asked for.
    if name == "spikeinterface":
        return importlib.import_module(".spikeinterface", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
