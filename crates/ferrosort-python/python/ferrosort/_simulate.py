"""Simulating."""

from __future__ import annotations

import os
from typing import Any, Optional

from . import _ferrosort
from ._progress import Progress, listener
from ._recording import PathLike, Recording, read_recording
from ._toml import toml


def simulate(
    preset: PathLike,
    output: PathLike,
    *,
    seed: Optional[int] = None,
    overwrite: bool = False,
    threads: Optional[int] = None,
    progress: Progress = None,
    **settings: Any,
) -> Recording:
    """Makes a recording whose spikes are known.

    Parameters
    ----------
    preset
        A preset's name (``easy``, ``neuropixels-1``, ...; a wrong one is answered with the list), or a TOML file of settings.
    output
        Folder to create: ``recording.bin``, ``meta.json``, ``probe.json``, and the known spikes in ``truth/``.
    seed
        One seed for everything that is drawn.
    overwrite
        Replace an earlier simulation.
    threads
        Threads to compute with; all cores when None. The result does not depend on it.
    progress
        As in :func:`ferrosort.sort`.
    **settings
        Settings to change, by the names of ``ferrosort simulate --print PRESET``, with ``__`` for a dot: ``duration_s=30``,
        ``units__n=20``, ``noise={"kind": "none"}``.

    Returns
    -------
    Recording
        What was made. :func:`ferrosort.read` of the folder gives the known spikes.

    Raises
    ------
    ValueError
        A setting cannot be used, or the output exists.
    OSError
        The operating system refused a write.
    """
    sets = [f"{name.replace('__', '.')}={toml(value)}" for name, value in settings.items()]
    _ferrosort.simulate(os.fspath(preset), os.fspath(output), seed, sets, overwrite, threads, listener(progress))
    return read_recording(output)
