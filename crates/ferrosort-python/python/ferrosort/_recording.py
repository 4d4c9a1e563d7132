"""Recordings: files, arrays, and what SpikeInterface holds."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Optional, Union

import numpy as np

from . import _ferrosort

if TYPE_CHECKING:
    from spikeinterface import BaseRecording

PathLike = Union[str, "os.PathLike[str]"]
Contacts = tuple[list[int], list[float], list[float], list[int]]

#: NumPy's codes of the types of samples that are read in place; others are made float32.
_IN_PLACE = ("<i2", "<u2", "<i4", "<f4")


class Recording:
    """An extracellular recording whose samples are read on demand.

    Made by :func:`read_recording`; :func:`ferrosort.sort` takes it.
    """

    def __init__(self, opened: _ferrosort.Recording):
        self._opened = opened

    @property
    def name(self) -> str:
        """What messages call it, usually its path."""
        return self._opened.name

    @property
    def sample_rate(self) -> float:
        """Samples per second, Hz."""
        return self._opened.sample_rate

    @property
    def n_channels(self) -> int:
        """Columns, those without a contact included."""
        return self._opened.n_channels

    @property
    def n_samples(self) -> int:
        """Samples of each channel."""
        return self._opened.n_samples

    @property
    def duration_s(self) -> float:
        """Length, s."""
        return self.n_samples / self.sample_rate

    @property
    def dtype(self) -> Optional[str]:
        """How a sample is stored: ``int16``, ``uint16``, ``int32`` or ``float32``."""
        return self._opened.dtype

    @property
    def gain_uv(self) -> Optional[np.ndarray]:
        """µV per count, float64 ``[channels]``, where known."""
        return self._opened.gain_uv

    @property
    def channels(self) -> Optional[np.ndarray]:
        """Column of each contact, int64 ``[contacts]``; None without a probe."""
        known = self._opened.contacts_known
        return None if known is None else known[0]

    @property
    def channel_positions(self) -> Optional[np.ndarray]:
        """x and y of each contact, µm, float64 ``[contacts, 2]``; None without a probe."""
        known = self._opened.contacts_known
        return None if known is None else known[1]

    @property
    def channel_shanks(self) -> Optional[np.ndarray]:
        """Shank of each contact, int64 ``[contacts]``; None without a probe."""
        known = self._opened.contacts_known
        return None if known is None else known[2]

    @property
    def notes(self) -> list[str]:
        """What to know about how the files were read, one sentence each."""
        return self._opened.notes

    def traces(self, start: int = 0, end: Optional[int] = None) -> np.ndarray:
        """Samples ``start`` to ``end`` (exclusive; the last one when None) in counts, float32 ``[end - start, channels]``.

        32768 is subtracted from ``uint16`` samples. Times :attr:`gain_uv` they are in µV.
        """
        return self._opened.traces(start, self.n_samples if end is None else end)

    def __repr__(self) -> str:
        return f"<Recording {self.name}: {self.n_channels} channels, {self.duration_s:.1f} s at {self.sample_rate:g} Hz>"


def read_recording(
    path: Union[PathLike, Sequence[PathLike]],
    *,
    channels: Optional[int] = None,
    sample_rate: Optional[float] = None,
    dtype: Any = None,
    gain_uv: Union[float, Sequence[float], None] = None,
    offset: Optional[int] = None,
    time_range: Union[str, tuple[Optional[float], Optional[float]], None] = None,
    stream: Optional[str] = None,
) -> Recording:
    """Opens a recording of any format that ferrosort knows.

    Parameters
    ----------
    path
        A file or folder, or several flat files in order of time.
    channels, sample_rate
        Columns, and samples per second (Hz); only flat files do not say them.
    dtype
        How flat files store a sample: ``int16`` (default), ``uint16``, ``int32`` or ``float32``, little-endian.
    gain_uv
        µV per count, one number or one for each channel.
    offset
        Bytes before the first sample of each flat file.
    time_range
        Only this stretch, s: ``(10, 20)``, ``(10, None)``, or ``"10..20"``.
    stream
        Which of several streams of a file or folder, by the name that an error lists.

    Raises
    ------
    ValueError
        The input cannot be used.
    OSError
        The operating system refused a read.
    """
    given = locals().copy()
    return Recording(open_files(given.pop("path"), given, None))


def open_files(path: Any, described: dict[str, Any], settings: Optional[_ferrosort.Settings]) -> _ferrosort.Recording:
    """Opens files; ``described`` are the options of :func:`read_recording`."""
    paths = [path] if isinstance(path, (str, os.PathLike)) else list(path)
    return _ferrosort.Recording.open([os.fspath(path) for path in paths], describe(described), settings)


def describe(described: dict[str, Any]) -> dict[str, Any]:
    """Options of :func:`read_recording`, of which some are given, as the compiled part wants them."""
    options = dict.fromkeys(("channels", "sample_rate", "dtype", "gain_uv", "offset", "time_range", "stream"))
    unknown = [name for name in described if name not in options]
    if unknown:
        raise TypeError(f"{unknown[0]} is no option; what a recording does not say itself is {', '.join(options)}")
    options.update(described)
    if options["dtype"] is not None:
        options["dtype"] = np.dtype(options["dtype"]).name
    options["gain_uv"] = _gains(options["gain_uv"])
    options["time_range"] = _time_range(options["time_range"])
    return options


def open_any(recording: Any, described: dict[str, Any], settings: _ferrosort.Settings) -> _ferrosort.Recording:
    """Opens whatever :func:`ferrosort.sort` takes for a recording; ``described`` are the options that were given."""
    if isinstance(recording, (str, os.PathLike, list, tuple)):
        return open_files(recording, described, settings)
    if isinstance(recording, np.ndarray):
        sample_rate = described.pop("sample_rate", None)
        if sample_rate is None:
            raise ValueError("an array does not say its sample rate; pass sample_rate in Hz")
        gains = _gains(described.pop("gain_uv", None))
        _no_more(described, "an array")
        return _ferrosort.Recording.of_array(recording, float(sample_rate), gains)
    if isinstance(recording, Recording):
        _no_more(described, "a recording that is open")
        return recording._opened
    if _is_spikeinterface(recording):
        _no_more(described, "a recording of SpikeInterface")
        return _open_spikeinterface(recording)
    raise TypeError(
        f"a {type(recording).__name__} is not a recording; give a path, a NumPy array [samples, channels], a ferrosort.Recording, "
        "or a recording of SpikeInterface"
    )


def segment_samples(recording: Any) -> Optional[list[int]]:
    """Samples of each segment of a recording of SpikeInterface that has several."""
    if not _is_spikeinterface(recording) or recording.get_num_segments() == 1:
        return None
    return [recording.get_num_samples(segment) for segment in range(recording.get_num_segments())]


def _no_more(described: dict[str, Any], what: str) -> None:
    if described:
        raise ValueError(f"{', '.join(described)} cannot be given for {what}, which says it or is cut in Python")


def _gains(gain_uv: Any) -> Optional[list[float]]:
    return None if gain_uv is None else np.atleast_1d(np.asarray(gain_uv, dtype=float)).tolist()


def _time_range(time_range: Any) -> Optional[str]:
    if time_range is None or isinstance(time_range, str):
        return time_range
    start, end = ("" if bound is None else repr(float(bound)) for bound in time_range)
    return f"{start}..{end}"


def _is_spikeinterface(recording: Any) -> bool:
    # Who has one of its recordings has imported it.
    module = sys.modules.get("spikeinterface.core")
    return module is not None and isinstance(recording, module.BaseRecording)


def _open_spikeinterface(recording: BaseRecording) -> _ferrosort.Recording:
    """Segments one after the other; gains and positions as SpikeInterface has them."""
    gains = _gains(recording.get_channel_gains()) if recording.has_scaleable_traces() else None
    segments = _Segments(recording)
    return _ferrosort.Recording.of_reader(
        f"recording of SpikeInterface ({type(recording).__name__})",
        segments,
        int(segments.ends[-1]),
        recording.get_num_channels(),
        float(recording.get_sampling_frequency()),
        gains,
        _contacts(recording),
    )


def _contacts(recording: BaseRecording) -> Optional[Contacts]:
    if not recording.has_probe() and recording.get_property("location") is None:
        return None
    positions = recording.get_channel_locations()
    # Groups are the shanks, unless somebody has made them something else.
    groups = np.unique(recording.get_channel_groups(), return_inverse=True)[1]
    return list(range(len(positions))), positions[:, 0].tolist(), positions[:, 1].tolist(), groups.tolist()


class _Segments:
    """Segments of a recording of SpikeInterface, one after the other."""

    def __init__(self, recording: BaseRecording):
        self._recording = recording
        # Several threads of the sorter ask; recordings need not be made for that.
        self._lock = threading.Lock()
        samples = [recording.get_num_samples(segment) for segment in range(recording.get_num_segments())]
        self.ends = np.cumsum(samples)
        self._starts = self.ends - samples

    def read(self, start: int, end: int) -> np.ndarray:
        """Samples ``[end - start, channels]``."""
        with self._lock:
            parts = [
                self._recording.get_traces(segment, max(start - first, 0), min(end, last) - first)
                for segment, (first, last) in enumerate(zip(self._starts, self.ends))
                if first < end and last > start
            ]
        traces = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return traces if traces.dtype.str in _IN_PLACE else traces.astype(np.float32)
