"""Of stacked parametrisations the cases that are run: every pair of values meets in one of them.

Three and more ``@pytest.mark.parametrize`` on a test are a product, whose cases multiply with every
new family. What goes wrong nearly always takes one value or two that meet (D. R. Kuhn, D. R.
Wallace and A. M. Gallo, "Software fault interactions and implications for software testing", 2004):
so each value meets each of every other parametrisation, and the rest of the product is left to
``python -m pytest --every-case``. What stands in one parametrisation stays whole, as do two.
"""

from collections import defaultdict
from heapq import heapify, heappop, heappush
from itertools import combinations_with_replacement


def covering(cases):
    """Places of few cases that have between them everything that some case has.

    Greedy: the case that adds most is next. What a case adds never grows, so that only the first of
    the heap has to be counted again.
    """
    heap = [(-len(case), place) for place, case in enumerate(cases)]
    heapify(heap)
    missing, kept = set().union(*cases), []
    while missing:
        counted, place = heappop(heap)
        new = cases[place] & missing
        if len(new) == -counted:
            kept.append(place)
            missing -= new
        elif new:
            heappush(heap, (-len(new), place))
    return kept


def pairs(item):
    """Pairs of values of different parametrisations that meet in a collected test, and each alone.

    A value is known by its identity: it is the same object in all cases that have it.
    """
    left, factors = dict(item.callspec.params), []
    for mark in item.iter_markers("parametrize"):
        names = mark.args[0] if mark.args else mark.kwargs["argnames"]
        names = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
        factors.append((*names, *(id(left.pop(name)) for name in names if name in left)))
    factors += [(name, id(value)) for name, value in left.items()]  # of fixtures
    return set(combinations_with_replacement(factors, 2))


def divided(items):
    """The collected tests that are run, in their order, and those that are left out."""
    tests, left_out = defaultdict(list), set()
    for item in items:
        if hasattr(item, "callspec"):
            tests[item.nodeid.partition("[")[0]].append(item)
    for cases in tests.values():
        kept = set(covering([pairs(item) for item in cases]))
        left_out.update(item for place, item in enumerate(cases) if place not in kept)
    return [item for item in items if item not in left_out], [i for i in items if i in left_out]
