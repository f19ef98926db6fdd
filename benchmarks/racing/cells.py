"""The cells of the race: data, alphas, the gap, and what ratio best peer / ours has to reach."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from racing import draws, real


@dataclass(frozen=True)
class Cell:
    """One problem. ``group`` is the row of the table that it belongs to.

    ``plain_counts``: the plain NumPy FISTA is one of the peers, not only shown: where packages for
    the problem hardly exist.
    """

    name: str
    group: str
    folder: str
    data: Callable[[], dict]
    fractions: tuple
    gap: float = 1e-6
    must: float = 1.0
    aim: float = 2.0
    penalty: dict = field(default_factory=dict)
    plain_counts: bool = False


def path(points, lowest):
    return tuple(np.geomspace(1.0, lowest, points + 1)[1:])


def drawn(kind, n, d, T, **how):
    return lambda: getattr(draws, kind)(n, d, T, **how)


def l21_paths():
    shapes = [
        ("wide sparse", 305, 7498, 50, 20, 0.1, 1e-6, 4, 7, 0.9),
        ("wide", 400, 5000, 20, 30, 0.05, 1e-6, 3, 5, 0.5),
        ("very wide", 500, 20000, 10, 20, 0.1, 1e-6, 5, 8, 0.5),
        ("deep", 200, 1000, 10, 50, 0.01, 1e-6, 2.5, 4, 0.5),
        ("square", 1000, 1000, 30, 40, 0.01, 1e-6, 3, 5, 0.5),
        ("tall", 2000, 300, 20, 50, 0.001, 1e-8, 10, 20, 0.5),
        ("very tall", 20000, 200, 50, 20, 0.01, 1e-6, 80, 150, 0.5),
        ("many tasks", 500, 500, 1000, 15, 0.1, 1e-6, 40, 80, 0.5),
    ]
    for name, n, d, T, points, lowest, gap, must, aim, correlation in shapes:
        yield Cell(
            f"L2,1 path: {name} {n}×{d}×{T}, {points} to {lowest:g}",
            "L2,1 paths",
            "l21",
            drawn("regression", n, d, T, correlation=correlation),
            path(points, lowest),
            gap,
            must,
            aim,
        )


def l21_others():
    for n, d, T in [(200, 1000, 10), (1000, 5000, 20), (2000, 200, 10)]:
        for at in (0.2, 0.05, 0.01):
            data = drawn("regression", n, d, T)
            yield Cell(f"L2,1 fit: {n}×{d}×{T} at {at:g}", "L2,1 cold fits", "l21", data, (at,))
    others = [
        ("correlation .99 100×400×3", drawn("regression", 100, 400, 3, correlation=0.99)),
        ("one task 50×2000×1", drawn("regression", 50, 2000, 1)),
        ("own X 30 tasks of 40×500", drawn("own_rows", 40, 500, 30)),
    ]
    for name, data in others:
        yield Cell(
            f"L2,1 path: {name}, 20 to 0.05",
            "L2,1 others",
            "l21",
            data,
            path(20, 0.05),
            plain_counts=name.startswith("own"),
        )


def l1inf():
    where = "L1,inf"
    shapes = [
        (200, 1000, 10, 0.1),
        (200, 1000, 10, 0.02),
        (400, 5000, 20, 0.1),
        (2000, 300, 20, 0.02),
    ]
    for n, d, T, at in shapes:
        data = drawn("regression", n, d, T)
        name = f"L1,inf fit: {n}×{d}×{T} at {at:g}"
        yield Cell(name, where, "l1inf", data, (at,), must=2, aim=10)
    for n, d, T in [(200, 1000, 10), (400, 5000, 20)]:
        data = drawn("regression", n, d, T)
        name = f"L1,inf path: {n}×{d}×{T}, 20 to 0.05"
        yield Cell(name, where, "l1inf", data, path(20, 0.05), must=2, aim=10)


def dirty():
    shapes = [
        ("fit: 50×100×200 at 0.02", (50, 100, 200), (0.02,)),
        ("fit: 200×1000×10 at 0.05", (200, 1000, 10), (0.05,)),
        ("fit: 2000×300×20 at 0.02", (2000, 300, 20), (0.02,)),
        ("path: 200×1000×10, 20 to 0.05", (200, 1000, 10), path(20, 0.05)),
    ]
    for norm in ("l2", "linf"):
        how = {"must": 1.5, "aim": 5, "penalty": {"norm": norm}, "plain_counts": True}
        for name, shape, fractions in shapes:
            data = drawn("dirty", *shape)
            yield Cell(f"dirty {norm} {name}", "dirty", "dirty", data, fractions, **how)


def trace_norm():
    how = {"must": 1.5, "aim": 5, "plain_counts": True}
    one = [(2000, 300, 20), (500, 3000, 50), (300, 300, 1000)]
    cases = [(f"{n}×{d}×{T}", drawn("low_rank", n, d, T)) for n, d, T in one]
    own = [(100, 50, 40), (139, 110, 28)]  # tasks, rows and features of each
    cases += [
        (f"own X {T} tasks of {n}×{d}", drawn("own_rows_of_low_rank", n, d, T)) for T, n, d in own
    ]
    for name, data in cases:
        for at in (0.1, 0.01):
            fit = f"trace norm fit: {name} at {at:g}"
            yield Cell(fit, "trace norm", "trace_norm", data, (at,), **how)
        yield Cell(
            f"trace norm path: {name}, 20 to 0.01",
            "trace norm",
            "trace_norm",
            data,
            path(20, 0.01),
            **how,
        )


def logistic():
    where, how = "logistic", {"must": 1.5, "aim": 5, "plain_counts": True}
    data = drawn("labels", 500, 1000, 10)
    yield Cell("logistic fit: 500×1000×10 at 0.03", where, "logistic_l12", data, (0.03,), **how)
    name, data = "logistic path: 20 classes 5000×200, 20 to 0.05", drawn("classes", 5000, 200, 20)
    yield Cell(name, where, "logistic_l12", data, path(20, 0.05), **how)


def real_designs():
    for name, data in [
        ("digits 1797×61×10", real.digits),
        ("meats 215×100×3", real.meats),
        ("Chem97 with interactions, 131 areas", real.chem97),
        ("sparse text-like 2000×5000×10", drawn("text", 2000, 5000, 10)),
    ]:
        yield Cell(f"L2,1 path: {name}, 20 to 0.01", "real designs", "l21", data, path(20, 0.01))


CELLS = [
    *l21_paths(),
    *l21_others(),
    *l1inf(),
    *dirty(),
    *trace_norm(),
    *logistic(),
    *real_designs(),
]
GUARD = [
    "L2,1 path: deep",
    "L2,1 fit: 200×1000×10 at 0.05",
    "L1,inf fit: 200×1000×10 at 0.1",
    "dirty l2 fit: 200×1000×10",
    "logistic fit",
]
