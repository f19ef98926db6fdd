"""Which cases of stacked parametrisations are run, as pytest collects them."""

from itertools import combinations
from math import prod

from .pairs import covering, divided

pytest_plugins = ["pytester"]

STACKED = """
import pytest

@pytest.mark.parametrize("way", "abcde")
@pytest.mark.parametrize("kind, size", [("p", 1), ("p", 2), ("q", 1)])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("norm", ["x", "y", "z"])
def test_three_and_more(way, kind, size, shared, norm): ...

@pytest.mark.parametrize("way", "abcde")
@pytest.mark.parametrize("shared", [False, True])
def test_two(way, shared): ...

@pytest.mark.parametrize("way, shared, norm", [(a, b, c) for a in "ab" for b in "cd" for c in "ef"])
def test_one(way, shared, norm): ...

@pytest.fixture(params=[1, 2, 3])
def given(request): ...

@pytest.mark.parametrize("way", "abc")
@pytest.mark.parametrize("shared", [False, True])
def test_of_a_fixture(given, way, shared): ...
"""


def values_of(item):
    """The value that a collected test has of each parametrisation."""
    values = dict(item.callspec.params)
    if "kind" in values:
        values["both"] = values.pop("kind"), values.pop("size")
    return values


def test_every_pair_meets_in_few_cases_and_two_parametrisations_stay_whole(pytester):
    pytester.makepyfile(STACKED)
    items, _ = pytester.inline_genitems("-p", "no:cacheprovider")
    kept, left_out = divided(items)
    assert kept == [item for item in items if item not in left_out]
    found = {}
    for item in kept:
        found.setdefault(item.originalname, []).append(values_of(item))
    assert len(found["test_two"]) == 10 and len(found["test_one"]) == 8
    for test, full in {"test_three_and_more": 90, "test_of_a_fixture": 18}.items():
        cases = found[test]
        values = {name: {case[name] for case in cases} for name in cases[0]}
        for one, other in combinations(values, 2):
            met = {(case[one], case[other]) for case in cases}
            assert len(met) == len(values[one]) * len(values[other])
        sizes = sorted(map(len, values.values()))
        assert prod(sizes) == full and sizes[-1] * sizes[-2] <= len(cases) <= full / 2


def test_a_covering_takes_the_largest_first():
    assert covering([{1}, {1, 2, 3}, {3, 4}, {4}]) == [1, 2]
    assert covering([{1}, {2}]) == [0, 1]
