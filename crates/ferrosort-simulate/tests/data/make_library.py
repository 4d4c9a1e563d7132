"""A tiny library of measured footprints in the format of the eMouse simulators: library.mat.

    python make_library.py     # made with SciPy 1.17.1
"""

from pathlib import Path

import numpy as np
from scipy.io import savemat

x = np.array([[-6, 0, 6, -6, 0, 6]], np.int16)
y = np.array([[0, 0, 0, 6, 6, 6]])
waves = 100 + 10.0 * np.arange(6)[:, None] + np.arange(5)[None, :]
units = np.zeros((1, 2), dtype=[(name, object) for name in ["waves", "label", "nChan", "yC", "xC"]])
for i, (label, y_class) in enumerate([(np.uint8(7), np.int16), (np.int16(300), np.float64)]):
    units[0, i] = (waves * (i or -1), np.array([[label]]), np.uint8(6), y.astype(y_class), x)
variables = {"fs": np.uint16(30000), "nt": np.uint8(5), "dataType": "UD", "uColl": units}
savemat(Path(__file__).parent / "library.mat", variables, do_compression=True)
