"""Values of Python as settings want them."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np


def toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(toml(entry) for entry in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{json.dumps(name)} = {toml(entry)}' for name, entry in value.items())}}}"
    if isinstance(value, (bool, str)):
        return json.dumps(value)
    if isinstance(value, os.PathLike):
        return json.dumps(os.fspath(value))
    return repr(value)
