"""The compiled part of ferrosort; the functions of the package are its public face."""

from typing import Any, Optional, Union

import numpy as np

_Contacts = tuple[list[int], list[float], list[float], list[int]]

__version__: str

class Memory:
    @property
    def __array_interface__(self) -> dict[str, Any]: ...

class Settings:
    def __init__(self, algorithm: str, compat: Optional[str], file: Optional[str], sets: list[str]) -> None: ...

class Recording:
    @staticmethod
    def open(paths: list[str], described: dict[str, Any], settings: Optional[Settings]) -> Recording: ...
    @staticmethod
    def of_array(array: np.ndarray, sample_rate: float, gain_uv: Optional[list[float]]) -> Recording: ...
    @staticmethod
    def of_reader(
        name: str,
        reader: Any,
        samples: int,
        channels: int,
        sample_rate: float,
        gain_uv: Optional[list[float]],
        contacts: Optional[_Contacts],
    ) -> Recording: ...
    @property
    def name(self) -> str: ...
    @property
    def sample_rate(self) -> float: ...
    @property
    def n_channels(self) -> int: ...
    @property
    def n_samples(self) -> int: ...
    @property
    def dtype(self) -> Optional[str]: ...
    @property
    def notes(self) -> list[str]: ...
    @property
    def gain_uv(self) -> Optional[np.ndarray]: ...
    @property
    def contacts_known(self) -> Optional[list[np.ndarray]]: ...
    def traces(self, start: int, end: int) -> np.ndarray: ...

def sort(
    recording: Recording,
    probe: Union[str, _Contacts, None],
    settings: Settings,
    ways: dict[str, Any],
    listener: Any,
) -> dict[str, Any]: ...
def read(
    path: str,
    sample_rate: Optional[float],
    prefer_truth: bool,
    keep_empty_units: bool,
    listener: Any,
) -> dict[str, Any]: ...
def parameters() -> list[tuple[str, list[str], str, str]]: ...
def simulate(
    preset: str,
    output: str,
    seed: Optional[int],
    sets: list[str],
    overwrite: bool,
    threads: Optional[int],
    listener: Any,
) -> None: ...
def compare(wanted: dict[str, Any], described: dict[str, Any], listener: Any) -> str: ...
def export(
    path: str,
    output: str,
    format: str,
    overwrite: bool,
    sample_rate: Optional[float],
    gain_uv: Optional[float],
    prefer_truth: bool,
    metadata: list[tuple[str, str]],
    listener: Any,
) -> None: ...
