"""What a computation tells while it goes on."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from typing import Union

Progress = Union[bool, None, Callable[[str, int, int, str], None]]
"""``True`` for bars by tqdm, or a function that is called with the stage, the steps done, all steps, and their unit."""


class FerrosortWarning(UserWarning):
    """Something that the user should know and that does not stop the run."""


class Listener:
    """Hears of warnings; those that show progress derive from it. The methods are called on the thread that made the call."""

    def stage_started(self, stage: str, total: int, unit: str) -> None:
        """A stage of ``total`` steps begins."""

    def advanced(self, steps: int) -> None:
        """So many more steps are done."""

    def stage_finished(self, stage: str, seconds: float) -> None:
        """The stage is over."""

    def warning(self, message: str) -> None:
        """Something the user should know."""
        warnings.warn(message, FerrosortWarning, stacklevel=3)

    def note(self, message: str) -> None:
        """Something for a log."""
        logging.getLogger("ferrosort").info(message)


class _Callback(Listener):
    def __init__(self, function: Callable[[str, int, int, str], None]):
        self._function = function
        self._stage, self._done, self._total, self._unit = "", 0, 0, ""

    def stage_started(self, stage, total, unit):
        self._stage, self._done, self._total, self._unit = stage, 0, total, unit
        self._function(stage, 0, total, unit)

    def advanced(self, steps):
        self._done += steps
        self._function(self._stage, self._done, self._total, self._unit)


class _Bars(Listener):
    def __init__(self):
        try:
            from tqdm.auto import tqdm
        except ImportError as error:
            raise ImportError("progress=True shows bars by tqdm; install it (pip install tqdm), or pass a function") from error
        self._tqdm = tqdm
        self._bar = None

    def stage_started(self, stage, total, unit):
        self._bar = self._tqdm(total=total, desc=stage, unit=f" {unit}")

    def advanced(self, steps):
        self._bar.update(steps)

    def stage_finished(self, stage, seconds):
        self._bar.close()


def listener(progress: Progress) -> Listener:
    """The listener that shows progress as wanted."""
    if callable(progress):
        return _Callback(progress)
    return _Bars() if progress else Listener()
