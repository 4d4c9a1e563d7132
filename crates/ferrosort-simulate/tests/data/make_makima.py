"""Golden numbers for modified Akima interpolation: makima.json.

    python make_makima.py     # made with SciPy 1.17.1
"""

import json
from pathlib import Path

import numpy as np
from scipy.interpolate import Akima1DInterpolator

rng = np.random.default_rng(3)
cases = []
for knots, values in [
    (np.arange(-48.0, 49, 6), None),
    (np.array([-24.0, -8, 8, 24]), None),
    (np.array([0.0, 1, 4, 6, 7, 11]), None),
    (np.arange(8.0), np.array([0.0, 0, 0, 1, 1, 1, 0, 0])),  # flat stretches
    (np.arange(6.0), np.zeros(6)),
    (np.array([0.0, 2, 3]), None),
]:
    if values is None:
        values = rng.normal(size=len(knots)) * 50
    x = np.sort(np.r_[knots, rng.uniform(knots[0], knots[-1], 8)])
    y = Akima1DInterpolator(knots, values, method="makima")(x)
    cases.append({"knots": knots.tolist(), "values": values.tolist(), "x": x.tolist(), "y": y.tolist()})
(Path(__file__).parent / "makima.json").write_text(json.dumps(cases) + "\n")
