"""Comparing."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any, Optional, Union

from . import _ferrosort
from ._progress import Progress, listener
from ._recording import PathLike, describe
from ._sorting import Sorting


def compare(
    *results: Union[PathLike, Sorting],
    truth: bool = False,
    report: Optional[PathLike] = None,
    tables: Optional[PathLike] = None,
    names: Optional[Sequence[str]] = None,
    exhaustive: bool = True,
    keep_noise: bool = False,
    delta_ms: float = 0.4,
    match_score: float = 0.5,
    chance_score: float = 0.1,
    time_offset: int = 0,
    recording: Union[PathLike, Sequence[PathLike], bool, None] = None,
    probe: Optional[PathLike] = None,
    overwrite: bool = False,
    threads: Optional[int] = None,
    progress: Progress = None,
    **described: Any,
) -> dict[str, Any]:
    """Compares results with each other, or with known spikes.

    Parameters
    ----------
    *results
        Folders or files of everything that :func:`ferrosort.read` reads, or sortings that have a ``path``. Rows of every matrix
        belong to the first, columns to the second.
    truth
        The first result is the truth; a simulation is taken as that by itself.
    report
        HTML file to write: a page with plots that needs no network.
    tables
        Folder to write tables into, as CSV.
    names
        Names of the results, as many as there are; else those of their folders.
    exhaustive
        Whether the truth knows every spike of the recording.
    keep_noise
        Leave units in that their sorter labelled ``noise``.
    delta_ms
        Largest distance of two spikes that count as one, ms.
    match_score, chance_score
        Smallest agreements (0 to 1) of two units that are matched, and that may be the same.
    time_offset
        Samples to subtract from the spike times of the second and further results.
    recording
        The recording, for waveforms and noise; None where the results say it is, False for none.
    probe
        Probe file, if neither results nor recording say where the contacts are.
    overwrite
        Replace a report that exists.
    threads, progress
        As in :func:`ferrosort.sort`.
    **described
        What a flat recording does not say: options of :func:`ferrosort.read_recording`.

    Returns
    -------
    dict
        The document that ``ferrosort compare --json`` writes; docs/comparison.md says what it holds.

    Raises
    ------
    ValueError
        A result or an option cannot be used.
    OSError
        The operating system refused a read or a write.
    """
    recordings = [] if recording is None or isinstance(recording, bool) else recording
    wanted = {
        "paths": [_path(result) for result in results],
        "names": None if names is None else list(names),
        "truth": truth,
        "exhaustive": exhaustive,
        "keep_noise": keep_noise,
        "delta_ms": delta_ms,
        "match_score": match_score,
        "chance_score": chance_score,
        "time_offset": time_offset,
        "recording": [recordings] if isinstance(recordings, (str, os.PathLike)) else list(recordings),
        "no_recording": recording is False,
        "probe": probe,
        "report": report,
        "tables": tables,
        "overwrite": overwrite,
        "threads": threads,
    }
    if not results:
        raise ValueError("there is nothing to compare; give paths of results")
    return json.loads(_ferrosort.compare(wanted, describe(described), listener(progress)))


def _path(result: Union[PathLike, Sorting]) -> str:
    if not isinstance(result, Sorting):
        return os.fspath(result)
    if result.path is None:
        raise ValueError("a sorting that is only in memory cannot be compared; pass output to sort, and its folder here")
    return result.path
