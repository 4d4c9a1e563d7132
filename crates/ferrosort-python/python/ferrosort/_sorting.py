"""Sortings: spikes, units and templates as NumPy arrays."""

from __future__ import annotations

import json
import os
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Union

import numpy as np

from . import _ferrosort
from ._progress import listener
from ._recording import PathLike

if TYPE_CHECKING:
    import pandas
    from spikeinterface import BaseSorting


class Motion(NamedTuple):
    """Displacement of the tissue, positive = towards larger y."""

    times_s: np.ndarray
    """Centres of the time bins, s, float64 ``[times]``."""
    depths_um: np.ndarray
    """Depths, µm, float64 ``[depths]``; one for a rigid motion."""
    displacement_um: np.ndarray
    """Displacement, µm, float64 ``[times, depths]``."""


class Sorting:
    """Spikes and units of one recording. What a source does not have is None.

    Attributes
    ----------
    sample_rate : float
        Samples per second, Hz.
    spike_samples : int64 [spikes]
        Sample of each spike in the recording (in its files, where only a range of time was sorted), ascending.
    spike_units : int64 or str [spikes]
        Unit of each spike: one of ``unit_ids``.
    amplitudes : float64 or float32 [spikes]
        Factor of the unit's template, standard deviations (sd) of whitened noise; of other sorters as they give it.
    unit_ids : int64 or str [units]
        Names of the units. Rows of ``templates`` and ``similarity`` are in this order.
    templates : float32 [units, samples, channels]
        Whitened waveforms of norm about 1, preceded by zeros; of other sorters as they store them.
    similarity : float32 [units, units]
        Largest correlation of templates over lags.
    channels : int64 [channels]
        Column of the recording of each channel that was sorted.
    channel_positions : float64 [channels, 2]
        x and y of each channel, µm.
    channel_shanks : int64 [channels]
        Shank of each channel.
    whitening, whitening_inverse : float64 [channels, channels]
        A filtered row of counts times ``whitening`` is a whitened row, sd; and back.
    pc_features : float32 [spikes, components, slots]
        Projections of each spike, on the channels ``pc_feature_channels`` ``[units, slots]``.
    spike_depths_um, spike_scores : float32 [spikes]
        Position along the probe, µm, and score against the template, where a result that was read has them.
    intermediates : dict of arrays
        Arrays of the Kilosort family by their names (``ccb``, ``iorig``, ``st3``, ...), see docs/output.md.
    motion : Motion
        Estimated motion, or the true one of a simulation, where a result that was read has it: of the whole probe, or of the only
        shank that has one.
    shank_motions : dict of Motion
        By shank, where several have motions of their own; ``motion`` is then None.
    settings : dict
        How it was sorted.
    kind : str
        What the source was: ``ferrosort``, ``phy``, ``truth``, ...
    path : str
        Folder or file of the result.
    choices : list of str
        What the sorter decided by itself, and why, one sentence each; of results that were read, none.
    warnings : list of str
        What the user should know, one sentence each.
    seconds : float
        Wall time of the sorting, s; ``stage_seconds`` has it by stage.
    segment_samples : list of int
        Samples of each segment, if the recording was one of SpikeInterface with several.
    """

    def __init__(self, found: dict[str, Any], segment_samples: Optional[list[int]] = None):
        self.sample_rate: Optional[float] = found["sample_rate"]
        self.spike_samples: np.ndarray = found["spike_samples"]
        self.unit_ids: np.ndarray = _ids(found["unit_ids"])
        self.spike_units: np.ndarray = self.unit_ids[found["spike_rows"]]
        self.amplitudes: Optional[np.ndarray] = found["amplitudes"]
        self.templates: Optional[np.ndarray] = found.get("templates")
        self.similarity: Optional[np.ndarray] = found.get("similarity")
        self.channels: Optional[np.ndarray] = found.get("channels")
        self.channel_positions: Optional[np.ndarray] = found.get("channel_positions")
        self.channel_shanks: Optional[np.ndarray] = found.get("channel_shanks")
        self.whitening: Optional[np.ndarray] = found.get("whitening")
        self.whitening_inverse: Optional[np.ndarray] = found.get("whitening_inverse")
        self.pc_features: Optional[np.ndarray] = found.get("pc_features")
        self.pc_feature_channels: Optional[np.ndarray] = found.get("pc_feature_channels")
        self.spike_depths_um: Optional[np.ndarray] = found.get("spike_depths_um")
        self.spike_scores: Optional[np.ndarray] = found.get("spike_scores")
        self.intermediates: dict[str, np.ndarray] = found["intermediates"]
        self.motion: Optional[Motion] = Motion(*found["motion"]) if found.get("motion") else None
        self.shank_motions: dict[int, Motion] = {shank: Motion(*of) for shank, of in found.get("shank_motions", {}).items()}
        self.settings: dict[str, Any] = json.loads(found["settings"])
        self.kind: str = found["kind"]
        self.path: Optional[str] = None if found["path"] is None else os.fspath(found["path"])
        self.choices: list[str] = found.get("choices", [])
        self.warnings: list[str] = found["warnings"]
        self.seconds: Optional[float] = found["seconds"]
        self.stage_seconds: dict[str, float] = dict(found["stage_seconds"])
        self.segment_samples = segment_samples
        self._unit_columns: dict[str, Any] = found["unit_columns"]
        self._spike_rows: np.ndarray = found["spike_rows"]

    @cached_property
    def units(self) -> Union[pandas.DataFrame, dict[str, np.ndarray]]:
        """A row for each unit: a DataFrame with the index ``unit_ids``, or without pandas a dict of arrays.

        ``n_spikes``; ``label`` (``good``, ``mua``, ``noise``, or the source's word); ``contamination_pct``, estimated share of spikes
        of other neurons, per cent; and what else the source has: ``amplitude_counts``, mean peak-to-peak on the largest
        channel, counts; ``threshold_sd``, score that its spikes exceed, sd; ``x_um``, ``y_um``, ``ptp_uv``.
        """
        columns = {"n_spikes": np.bincount(self._spike_rows, minlength=len(self.unit_ids))}
        columns.update({name: np.asarray(values) for name, values in self._unit_columns.items()})
        try:
            import pandas
        except ImportError:
            return {"unit_id": self.unit_ids, **columns}
        return pandas.DataFrame(columns, index=pandas.Index(self.unit_ids, name="unit_id"))

    def train(self, unit: Any) -> np.ndarray:
        """Samples of the spikes of a unit, int64, ascending."""
        return self.spike_samples[self.spike_units == unit]

    def to_spikeinterface(self) -> BaseSorting:
        """The units that have spikes as a sorting of SpikeInterface, with the columns of :attr:`units` as properties."""
        from spikeinterface.core import NumpySorting

        ends = np.cumsum(self.segment_samples) if self.segment_samples else np.array([np.iinfo(np.int64).max])
        starts = np.concatenate([[0], ends[:-1]])
        bounds = np.searchsorted(self.spike_samples, np.stack([starts, ends]))
        parts = [slice(first, last) for first, last in bounds.T]
        has_spikes = np.bincount(self._spike_rows, minlength=len(self.unit_ids)) > 0
        sorting = NumpySorting.from_samples_and_labels(
            [self.spike_samples[part] - start for part, start in zip(parts, starts)],
            [self.spike_units[part] for part in parts],
            self.sample_rate,
            unit_ids=self.unit_ids[has_spikes],
        )
        for name, values in self._unit_columns.items():
            sorting.set_property(name, np.asarray(values)[has_spikes])
        return sorting

    def export(
        self,
        output: PathLike,
        format: str,
        *,
        overwrite: bool = False,
        gain_uv: Optional[float] = None,
        metadata: Optional[dict[str, str]] = None,
    ) -> None:
        """Writes the result at :attr:`path` for other programs, as ``ferrosort export`` does; docs/export.md says what each format holds.

        Parameters
        ----------
        output
            File to create for NWB, else folder.
        format
            ``nwb``, ``alf``, ``spikeinterface``, ``tsv``, ``csv`` or ``motion``.
        overwrite
            Replace an earlier export of this format.
        gain_uv
            µV of one count, where the result does not say it.
        metadata
            What NWB asks for and a sorting does not know: ``session_start_time``, ``subject_id``, ``species``, ...; a wrong key is
            answered with the list.

        Raises
        ------
        ValueError
            The sorting is only in memory, lacks what the format needs, or the output exists.
        OSError
            The operating system refused a write.
        """
        if self.path is None:
            raise ValueError("a sorting that is only in memory cannot be exported; pass output to sort, or use to_spikeinterface")
        _ferrosort.export(
            self.path,
            os.fspath(output),
            format,
            overwrite,
            self.sample_rate,
            gain_uv,
            self.kind == "truth",
            [(key, str(value)) for key, value in (metadata or {}).items()],
            listener(None),
        )

    def __len__(self) -> int:
        """Number of spikes."""
        return len(self.spike_samples)

    def __repr__(self) -> str:
        return f"<Sorting ({self.kind}): {len(self)} spikes of {len(np.unique(self._spike_rows))} units>"


def read(
    path: PathLike,
    *,
    sample_rate: Optional[float] = None,
    prefer_truth: bool = False,
    keep_empty_units: bool = False,
) -> Sorting:
    """Reads the result of a sorter, or the truth of a simulation.

    Parameters
    ----------
    path
        A folder or a file that docs/results.md lists: ferrosort, phy and all Kilosorts, ``rez.mat``, SpikeInterface, simulations, tables of spikes.
    sample_rate
        Samples per second, Hz, where the source does not say or is wrong.
    prefer_truth
        Read the truth where a folder holds a truth and a sorting.
    keep_empty_units
        Keep units without spikes; those of simulations always stay.

    Raises
    ------
    ValueError
        Nothing there that is known, or something that cannot be used.
    OSError
        The operating system refused a read.
    """
    return Sorting(_ferrosort.read(os.fspath(path), sample_rate, prefer_truth, keep_empty_units, listener(None)))


def _ids(names: list[str]) -> np.ndarray:
    """Whole numbers where all names are such."""
    if all(name.isascii() and name.isdigit() and (name == "0" or name[0] != "0") and len(name) < 19 for name in names):
        return np.array(names, dtype=np.int64)
    return np.array(names)
