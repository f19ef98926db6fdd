"""Which one? On drawn tables of one kind the family that is made for it is best, or as good.

Five of the fifteen kinds of benchmarks/structures.py, with the quicker models.
"""

from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
MODELS = [
    "independent",
    "pooled+dummies",
    "random-slopes",
    "mean-regularized",
    "trace-norm",
    "graph-path",
    "robust",
]


def is_as_good(one, best):
    """Less than a standard error of the difference over tasks apart."""
    apart = one - best
    return apart.mean() <= apart.std(ddof=1) / np.sqrt(len(apart))


@pytest.mark.long
@pytest.mark.skipif(
    not (ROOT / "benchmarks").exists(), reason="benchmarks are not part of an installation"
)
@pytest.mark.parametrize(
    ("structure", "more"),
    [
        ("in two features", []),
        ("low rank", ["shared-subspace"]),
        ("clusters", ["clustered", "shared-subspace"]),
        ("outliers", []),
        ("neighbours", []),
    ],
)
def test_the_family_that_is_made_for_it_wins_and_is_chosen(structure, more, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks.structures import SUITED, answered

    found = {name: answered(structure, 0, name) for name in [*MODELS, *more]}
    errors = {name: errors for name, (errors, _) in found.items()}
    best = min(errors, key=lambda name: errors[name].mean())
    suited = min(SUITED[structure] & found.keys(), key=lambda name: errors[name].mean())
    assert is_as_good(errors[suited], errors[best])
    chosen = min(found, key=lambda name: found[name][1])  # by inner folds, as `compare_tasks` does
    assert is_as_good(errors[chosen], errors[best])
    alone = errors["independent"]
    assert errors[suited].mean() < 0.6 * alone.mean()  # and that it is the right one matters
