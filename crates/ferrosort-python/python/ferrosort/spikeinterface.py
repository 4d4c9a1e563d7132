"""The sorter in SpikeInterface.

>>> import ferrosort.spikeinterface, spikeinterface.sorters
>>> ferrosort.spikeinterface.register()
>>> sorting = spikeinterface.sorters.run_sorter("ferrosort", recording, folder="result")

Processes that are started anew, not forked (``spawn``, ``forkserver``, joblib's ``loky``), have to call :func:`register` too, for
example as the ``initializer`` of their pool.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from spikeinterface.sorters import sorterlist
from spikeinterface.sorters.basesorter import BaseSorter

import ferrosort

__all__ = ["FerrosortSorter", "register"]

_SEGMENTS = "segment_samples.json"


class FerrosortSorter(BaseSorter):
    """ferrosort as a sorter of SpikeInterface. Its result lies in ``sorter_output/sorting``, where phy opens it.

    Parameters that are None are those of the algorithm.
    """

    sorter_name = "ferrosort"
    sorter_description = "ferrosort: Kilosort2, its Python port, and a sorter of its own for any probe, on the processor."
    installation_mesg = "pip install ferrosort"
    handle_multi_segment = True
    # Without positions it takes the contacts to lie on a line, and warns.
    requires_locations = False
    gpu_capability = "not-supported"
    compatible_with_parallel = {"loky": True, "multiprocessing": True, "threading": True}

    _of_the_call = {
        "algorithm": ("auto", "Sorter: 'auto', 'kilosort2' or 'pykilosort'"),
        "threads": (None, "Threads to compute with; all cores when None"),
        "pitch_um": (20.0, "Distance of contacts, µm, where the recording has no positions"),
        "compat": (None, "Repeat the defects of an original program: 'kilosort2' or 'pykilosort'"),
        "keep_processed": (False, "Also write the filtered and whitened data"),
    }

    @classmethod
    def is_installed(cls) -> bool:
        return True

    @classmethod
    def get_sorter_version(cls) -> str:
        return ferrosort.__version__

    @classmethod
    def _dynamic_params(cls) -> tuple[dict[str, Any], dict[str, str]]:
        defaults = {name: default for name, (default, _) in cls._of_the_call.items()}
        meanings = {name: meaning for name, (_, meaning) in cls._of_the_call.items()}
        for parameter in ferrosort.parameters():
            # SpikeInterface refuses names that are not listed, so those of the original programs are too.
            for name in (parameter["name"], *parameter["aliases"]):
                defaults[name] = None
                meanings[name] = f"{parameter['meaning']} ({parameter['unit']})" if parameter["unit"] else parameter["meaning"]
        return defaults, meanings

    @classmethod
    def _check_apply_filter_in_params(cls, params: dict[str, Any]) -> bool:
        return True

    @classmethod
    def _setup_recording(cls, recording, sorter_output_folder, params, verbose) -> None:
        """Nothing: the samples are read where they are."""

    @classmethod
    def _run_from_folder(cls, sorter_output_folder: Path, params: dict[str, Any], verbose: bool) -> None:
        recording = cls.load_recording_from_folder(sorter_output_folder.parent)
        given = {name: value for name, value in params.items() if value is not None}
        sorting = ferrosort.sort(recording, output=sorter_output_folder / "sorting", progress=verbose, **given)
        (sorter_output_folder / _SEGMENTS).write_text(json.dumps(sorting.segment_samples))

    @classmethod
    def _get_result_from_folder(cls, sorter_output_folder: Path):
        sorting = ferrosort.read(sorter_output_folder / "sorting")
        sorting.segment_samples = json.loads((sorter_output_folder / _SEGMENTS).read_text())
        return sorting.to_spikeinterface()


def register() -> None:
    """Makes ``run_sorter("ferrosort", ...)`` and the lists of sorters of SpikeInterface know this sorter, in this process."""
    if FerrosortSorter.sorter_name not in sorterlist.sorter_dict:
        sorterlist.sorter_full_list.append(FerrosortSorter)
        sorterlist.sorter_dict[FerrosortSorter.sorter_name] = FerrosortSorter
