"""`ferrosort compare` gives SpikeInterface's numbers for the same spikes: counts, agreement, matches, performance, classes."""

import json

import numpy as np
import pytest
from spikeinterface.comparison import compare_sorter_to_ground_truth, compare_two_sorters
from spikeinterface.core import NumpySorting

from sorting import ferrosort

RATE = 30000
N_PAIRS = 204
RATES = ["accuracy", "recall", "precision", "false_discovery_rate", "miss_rate"]
COUNTS = ["tp", "fn", "fp", "num_gt", "num_tested"]


def dense(rng):
    """Trains with many spikes of a unit within the tolerance of each other."""
    trains = lambda n: [np.sort(rng.choice(3000, rng.integers(1, 121), replace=False)) for _ in range(n)]
    return trains(4), trains(5)


def sparse(rng):
    """Trains without anything in common but chance."""
    trains = lambda n: [np.unique(rng.integers(0, 300_000, rng.integers(1, 200))) for _ in range(n)]
    return trains(rng.integers(1, 7)), trains(rng.integers(1, 7))


def sorted_units(rng):
    """Known units, and what a sorter makes of them: losses, jitter, splits, merges, double detections, noise."""
    truth = [np.unique(rng.integers(0, 900_000, rng.integers(20, 300))) for _ in range(rng.integers(2, 8))]
    tested = []
    for train in truth:
        found = train[rng.random(len(train)) < rng.uniform(0.3, 1.0)]
        found = found + rng.integers(-5, 6, len(found))
        kind = rng.integers(5)
        if kind == 0 and len(found) > 1:
            parts = rng.random(len(found)) < 0.5
            tested += [found[parts], found[~parts]]
        elif kind == 1 and tested:
            tested[-1] = np.concatenate([tested[-1], found])
        elif kind == 2:
            tested.append(np.concatenate([found, found[::3] + 4]))
        elif kind != 3:
            tested.append(found)
    tested.append(rng.integers(0, 900_000, 50))
    tested = [np.unique(train[train >= 0]) for train in tested]
    return truth, [train for train in tested if len(train)]


MAKERS = [dense, sparse, sorted_units]


def table(path, trains):
    """Writes the trains as a table of spikes; unit i is called i."""
    rows = sorted((int(sample), unit) for unit, train in enumerate(trains) for sample in train)
    path.write_text("sample,unit\n" + "".join(f"{sample},{unit}\n" for sample, unit in rows))
    return path


def sorting(trains):
    units = {unit: np.asarray(train, dtype=np.int64) for unit, train in enumerate(trains)}
    return NumpySorting.from_unit_dict([units], sampling_frequency=RATE)


def find_comparison(value):
    """The comparison of spikes, wherever it is in the output."""
    if isinstance(value, dict):
        if "match_event_count" in value and "unit_ids_a" in value:
            return value
        value = list(value.values())
    for child in value if isinstance(value, list) else []:
        found = find_comparison(child)
        if found is not None:
            return found
    return None


def compare(folder, a, b, *options):
    """Our comparison, its matrices in the order of the units' numbers."""
    output = folder / "out.json"
    ferrosort(
        "compare", table(folder / "a.csv", a), table(folder / "b.csv", b), *options,
        "--sample-rate", RATE, "--json", output, "--overwrite", "--quiet",
    )  # fmt: skip
    found = find_comparison(json.loads(output.read_text()))
    assert found["unit_ids_a"] == [str(i) for i in range(len(a))]
    assert found["unit_ids_b"] == [str(j) for j in range(len(b))]
    return found


def numbers(values):
    return np.array([[np.nan if v is None else v for v in row] for row in values], dtype=float)


def assert_same_matches(ours, theirs, match_score):
    agreement = theirs.agreement_scores.to_numpy()
    assert ours["best_match_12"] == theirs.best_match_12.tolist()
    assert ours["best_match_21"] == theirs.best_match_21.tolist()
    for direction in ("12", "21"):
        theirs_possible = [list(units) for units in getattr(theirs, f"possible_match_{direction}").values()]
        assert ours[f"possible_match_{direction}"] == theirs_possible
    pairs = ours["hungarian_match_12"]
    expected = theirs.hungarian_match_12.tolist()
    total = lambda match: sum(agreement[i, j] for i, j in enumerate(match) if j >= 0)
    # Of several assignments with the same sum either is right.
    assert pairs == expected or total(pairs) == pytest.approx(total(expected), abs=1e-12)
    assert all(agreement[i, j] >= match_score for i, j in enumerate(pairs) if j >= 0)
    return pairs == expected


@pytest.mark.parametrize("seed", range(N_PAIRS))
def test_two_sorters_agree_as_in_spikeinterface(seed, tmp_path):
    a, b = MAKERS[seed % len(MAKERS)](np.random.default_rng(seed))
    match_score = 0.05 if seed % len(MAKERS) == 0 else 0.5
    scores = ("--match-score", match_score, "--chance-score", 0.02) if match_score < 0.1 else ()
    ours = compare(tmp_path, a, b, *scores)
    options = dict(delta_time=0.4, match_score=match_score, chance_score=0.02 if scores else 0.1)
    theirs = compare_two_sorters(sorting(a), sorting(b), **options)
    np.testing.assert_array_equal(numbers(ours["match_event_count"]), theirs.match_event_count.to_numpy())
    np.testing.assert_allclose(numbers(ours["agreement"]), theirs.agreement_scores.to_numpy(), rtol=1e-13, atol=0)
    assert_same_matches(ours, theirs, match_score)
    with np.errstate(divide="ignore"):
        distance = compare_two_sorters(sorting(a), sorting(b), agreement_method="distance", **options)
    np.testing.assert_allclose(
        numbers(ours["distance_agreement"]), distance.agreement_scores.to_numpy(), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("seed", range(N_PAIRS))
def test_the_truth_is_found_as_in_spikeinterface(seed, tmp_path):
    a, b = MAKERS[seed % len(MAKERS)](np.random.default_rng(1000 + seed))
    ours = compare(tmp_path, a, b, "--truth")
    theirs = compare_sorter_to_ground_truth(sorting(a), sorting(b), exhaustive_gt=True)
    np.testing.assert_array_equal(numbers(ours["match_event_count"]), theirs.match_event_count.to_numpy())
    if not assert_same_matches(ours, theirs, 0.5):
        return
    counts = theirs.get_performance(method="raw_count")
    rates = theirs.get_performance(method="by_unit")
    for unit, row in enumerate(ours["performance_by_unit"]):
        assert [row[name] for name in COUNTS] == counts.loc[unit, COUNTS].tolist()
        assert row["tested_id"] == counts.at[unit, "tested_id"]
        assert [row[name] for name in RATES] == pytest.approx(rates.loc[unit, RATES].astype(float).tolist(), abs=1e-12)
    pooled = theirs.get_performance(method="pooled_with_average")
    assert [ours["pooled_with_average"][name] for name in RATES] == pytest.approx(
        pooled[RATES].astype(float).tolist(), abs=1e-12
    )
    confusion = theirs.get_confusion_matrix()
    matrix = ours["confusion_matrix"]
    assert [*matrix["rows"], "FP"] == confusion.index.tolist()
    assert [*matrix["columns"], "FN"] == confusion.columns.tolist()
    np.testing.assert_array_equal(numbers(matrix["matched"]), confusion.to_numpy())
    classes = ours["unit_classes"]
    assert classes["well_detected"] == theirs.get_well_detected_units()
    assert classes["false_positive"] == theirs.get_false_positive_units()
    assert classes["redundant"] == theirs.get_redundant_units()
    assert classes["overmerged"] == theirs.get_overmerged_units()
    assert classes["bad"] == theirs.get_bad_units()
