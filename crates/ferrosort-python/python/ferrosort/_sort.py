"""Sorting."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Optional, Union

import numpy as np

from . import _ferrosort
from ._progress import Progress, listener
from ._recording import Contacts, PathLike, Recording, open_any, segment_samples
from ._sorting import Sorting
from ._toml import toml

if TYPE_CHECKING:
    from probeinterface import Probe, ProbeGroup
    from spikeinterface import BaseRecording

#: What describes a recording rather than how to sort it: options of :func:`ferrosort.read_recording`.
_OF_THE_RECORDING = ("sample_rate", "channels", "dtype", "gain_uv", "offset", "time_range", "stream")


def sort(
    recording: Union[PathLike, Sequence[PathLike], np.ndarray, Recording, BaseRecording],
    probe: Union[PathLike, np.ndarray, Probe, ProbeGroup, None] = None,
    *,
    output: Optional[PathLike] = None,
    algorithm: str = "auto",
    threads: Optional[int] = None,
    progress: Progress = None,
    overwrite: bool = False,
    keep_processed: bool = False,
    pitch_um: float = 20.0,
    compat: Optional[str] = None,
    parameter_file: Optional[PathLike] = None,
    **params: Any,
) -> Sorting:
    """Sorts a recording.

    The result is the same for any number of threads, and the same that the program ``ferrosort sort`` gives.

    Parameters
    ----------
    recording
        - a path (or several flat files in order of time), of any format that ferrosort knows;
        - a NumPy array or memmap ``[samples, channels]`` of int16, uint16, int32 or float32, with ``sample_rate``. It is read in
          place: do not change it while the call runs;
        - a recording of SpikeInterface: its segments one after the other, with its positions and gains;
        - a :class:`ferrosort.Recording`.
    probe
        Where the contacts are, if the recording does not say: a file (probeinterface JSON, Kilosort channel map, ``.prb``,
        Kilosort4 JSON), positions ``[channels, 2]`` in µm (x, y), or an object of probeinterface.
    output
        Folder to create for the result, as `docs/output.md` describes it. Without one, nothing is written.
    algorithm
        ``auto``, ``kilosort2`` or ``pykilosort``.
    threads
        Threads to compute with; all cores when None.
    progress
        ``True`` for bars by tqdm, or a function that is called with the stage, the steps done, all steps, and their unit, on
        the thread of the caller.
    overwrite
        Replace the sorting in the output folder when this one is complete.
    keep_processed
        Also write the filtered and whitened data to the output folder.
    pitch_um
        Without positions, contacts are taken to lie on a line with this distance, µm.
    compat
        ``kilosort2`` or ``pykilosort``: repeat the defects of an original program.
    parameter_file
        Parameters from a TOML file; those in ``params`` win.
    **params
        Parameters of the algorithm; None leaves the default (see :func:`ferrosort.parameters`), by their names here or in the original programs, for example
        ``Th=[6, 2]``; and for files ``sample_rate``, ``channels``, ``dtype``, ``gain_uv``, ``offset``, ``time_range``, ``stream`` (see
        :func:`ferrosort.read_recording`).

    Returns
    -------
    Sorting
        Spikes, units and templates.

    Raises
    ------
    ValueError
        The input, the probe or a parameter cannot be used.
    OSError
        The operating system refused a read or a write, or samples could not be had from a recording of SpikeInterface.
    KeyboardInterrupt
        Ctrl-C. Nothing is left under the name of the output; the same call goes on where this one was stopped.
    """
    params = {name: value for name, value in params.items() if value is not None}
    described = {name: params.pop(name) for name in _OF_THE_RECORDING if name in params}
    sets = [f"{name}={toml(value)}" for name, value in params.items()]
    settings = _ferrosort.Settings(algorithm, compat, _path(parameter_file), sets)
    ways = {
        "output": _path(output),
        "overwrite": overwrite,
        "keep_processed": keep_processed,
        "pitch_um": pitch_um,
        "threads": threads,
    }
    opened = open_any(recording, described, settings)
    found = _ferrosort.sort(opened, contacts(probe), settings, ways, listener(progress))
    return Sorting(found, segment_samples(recording))


def parameters() -> list[dict[str, Any]]:
    """Parameters of the Kilosort algorithms: of each the ``name``, its ``aliases`` in the original programs, ``unit`` and ``meaning``."""
    return [dict(zip(("name", "aliases", "unit", "meaning"), row)) for row in _ferrosort.parameters()]


def contacts(probe: Any) -> Union[str, Contacts, None]:
    """A probe file's path, or columns of channels, x, y and shanks."""
    if probe is None or isinstance(probe, (str, os.PathLike)):
        return _path(probe)
    if hasattr(probe, "get_global_contact_positions") or hasattr(probe, "contact_positions"):
        return _of_probeinterface(probe)
    positions = np.asarray(probe, dtype=float)
    if positions.ndim != 2 or positions.shape[1] != 2:
        raise ValueError(f"the probe is an array of shape {positions.shape}; give positions [channels, 2] in µm")
    return list(range(len(positions))), positions[:, 0].tolist(), positions[:, 1].tolist(), [0] * len(positions)


def _of_probeinterface(probe: Union[Probe, ProbeGroup]) -> Contacts:
    """Wired contacts, ascending by channel, as when they are read from a file of probeinterface."""
    rows = []
    shanks: dict[tuple[int, str], int] = {}
    for number, one in enumerate(getattr(probe, "probes", [probe])):
        if one.device_channel_indices is None:
            raise ValueError("the probe is not wired to channels; call its set_device_channel_indices first")
        ids = one.shank_ids if one.shank_ids is not None else [""] * len(one.contact_positions)
        for channel, position, shank in zip(one.device_channel_indices, one.contact_positions, ids):
            if channel >= 0:
                place = shanks.setdefault((number, str(shank)), len(shanks))
                rows.append((int(channel), float(position[0]), float(position[1]), place))
    channels, x_um, y_um, places = (list(column) for column in zip(*sorted(rows))) if rows else ([], [], [], [])
    return channels, x_um, y_um, places


def _path(path: Optional[PathLike]) -> Optional[str]:
    return None if path is None else os.fspath(path)
