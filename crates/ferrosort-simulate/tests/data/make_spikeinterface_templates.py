"""Golden numbers for the parametric generator: spikeinterface_templates.json.

    python make_spikeinterface_templates.py     # made with SpikeInterface 0.105.3, NumPy in double precision
"""

import json
from pathlib import Path

import numpy as np
from spikeinterface.core.generate import default_unit_params_range, generate_templates

rng = np.random.default_rng(7)
channels = np.array([[43.0, 0.0], [11.0, 0.0], [59.0, 20.0], [27.0, 120.0]])
cases = []
for profile, rate, before, after in [
    ("exponential", 30000.0, 1.5, 3.0),  # 135 samples
    ("power", 30000.0, 1.0, 3.0),  # 120 samples
    ("exponential", 20000.0, 1.5, 3.0),
    ("exponential", 32000.0, 2.0, 3.0),
]:
    params = {k: float(rng.uniform(*limits)) for k, limits in default_unit_params_range.items()}
    position = [float(v) for v in rng.uniform([10, -10, 5], [60, 60, 45])]
    templates = generate_templates(
        channels,
        np.array([position]),
        rate,
        before,
        after,
        dtype="float64",
        unit_params={k: np.array([v]) for k, v in params.items()},
        spatial_profile=profile,
    )
    cases.append(
        {
            "profile": profile,
            "sample_rate_hz": rate,
            "before_ms": before,
            "after_ms": after,
            "position_um": position,
            "params": params,
            # [channels, samples], µV
            "templates": [[float(f"{v:.9g}") for v in row] for row in templates[0].T],
        }
    )
out = {"channels_um": channels.tolist(), "cases": cases}
(Path(__file__).parent / "spikeinterface_templates.json").write_text(json.dumps(out) + "\n")
