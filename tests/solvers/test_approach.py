"""When to stop, with what, and what was taken: on solvers that propose what the test says."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from mtlearn.penalties.l21 import L21
from mtlearn.problems.coupling import Coupling
from mtlearn.solvers import tuning
from mtlearn.solvers.approach import Goal, approach
from mtlearn.solvers.base import Budget, Iterative, Step

from ..checks import STRICT
from ..generators import make
from ..problems.test_problems import build, entries_of

pytestmark = STRICT

ANY = L21(1.0)
LONG = 1000  # more steps than any of these takes


class Scripted(Iterative):
    """Proposes points 1, 2, … whose gaps are given; keeps what it is told and sees its end."""

    certified = False

    def __init__(self, gaps, **of_step):
        self.gaps, self.of_step = gaps, of_step
        self.told, self.closed = [], False

    @classmethod
    def cost(cls, problem, penalty, purpose):
        return 1.0

    def iterates(self, penalty, start, standing):
        self.told.append(standing)
        try:
            for n, gap in enumerate(self.gaps, 1):
                self.told.append((yield Step(n, gap=gap, **self.of_step)))
        finally:
            self.closed = True


@dataclass
class Run:
    """Where a scripted solver was left."""

    gaps: list
    aim: float = 0.0
    tol: float = 1e-6
    iterations: int = 10**6
    products: float = np.inf
    of_step: dict = field(default_factory=dict)
    before: tuple = (0, 0.0)

    def __post_init__(self):
        self.solver, self.taken = Scripted(self.gaps, **self.of_step), Budget(*self.before)
        self.reports = []
        self.reached = approach(
            self.solver,
            ANY,
            "start",
            Goal(self.aim, self.tol, Budget(self.iterations, self.products)),
            self.taken,
            lambda *said: self.reports.append(said),
        )


@pytest.mark.parametrize(
    "gaps, best", [([0.5, 0.1, 0.3, 0.4], 2), ([0.5, np.nan, 0.4, np.inf], 3), ([0.2], 1)]
)
def test_the_best_point_is_the_answer_and_not_the_last(gaps, best):
    run = Run(gaps)
    assert (run.reached.point, run.reached.gap) == (best, gaps[best - 1])
    assert run.taken == Budget(len(gaps), float(len(gaps)))


def test_a_start_better_than_all_that_follows_is_the_answer():
    class Near(Scripted):
        def gap(self, penalty, point):
            assert point == "start"
            return 0.3

    taken = Budget(0, 0.0)
    found = approach(Near([0.5, 0.4]), ANY, "start", Goal(0.0, 1e-6, Budget(9, 9.0)), taken)
    assert (found.point, found.gap, taken.iterations) == ("start", 0.3, 2)
    found = approach(Near([0.1]), ANY, "start", Goal(0.3, 0.3, Budget(9, 9.0)), taken)
    assert found.point == "start" and taken.iterations == 2  # nobody was asked


def test_the_gap_is_the_certificate_where_a_solver_gives_none():
    class Known(Scripted):
        def gap(self, penalty, point):
            return {"start": 1.0, 1: 0.4, 2: 0.2, 3: 0.7}[point]

    found = approach(
        Known([None] * 3), ANY, "start", Goal(0.0, 1e-6, Budget(9, 9.0)), Budget(0, 0.0)
    )
    assert (found.point, found.gap) == (2, 0.2)


@pytest.mark.parametrize("aim, steps", [(0.3, 2), (0.25, 2), (0.2, 3), (1e-3, 10)])
def test_it_is_over_at_the_aim(aim, steps):
    run = Run([0.5**n for n in range(1, LONG)], aim=aim, tol=1e-3)
    assert run.taken.iterations == steps and run.reached.gap == 0.5**steps <= aim
    assert run.solver.closed


@pytest.mark.parametrize("each, steps", [(1, 7), (3, 3)])
def test_iterations_are_limited_those_of_before_included(each, steps):
    run = Run([1.0] * LONG, iterations=11, before=(4, 0.0), of_step={"iterations": each})
    assert run.taken.iterations == 4 + each * steps
    assert len(run.solver.told) == 1 + steps - 1 and run.solver.closed  # the last is told nothing
    assert Run([1.0] * LONG, iterations=4, before=(4, 0.0)).taken.iterations == 4


def test_products_are_limited_those_of_before_included():
    run = Run([1.0] * LONG, products=10.0, before=(0, 2.5), of_step={"products": 2.5})
    assert run.taken == Budget(3, 10.0)


@pytest.mark.parametrize("to_tol", [1, 7, 30])
@pytest.mark.parametrize("each", [1.0, 2.5])
@pytest.mark.parametrize("before", [0.0, 20.0])
def test_the_last_digits_cost_at_most_what_the_first_did(to_tol, each, before):
    # After the tolerance gaps get better for ever, so nothing else would stop it.
    gaps = [1e-3] * (to_tol - 1) + [1e-6 * 0.9**n for n in range(LONG)]
    run = Run(gaps, before=(0, before), of_step={"products": each})
    first = before + each * to_tol
    most = max(2 * first, tuning.POLISH_AT_LEAST)
    assert most <= run.taken.products < most + each
    assert run.reached.point == run.taken.iterations  # the best is the last
    assert Run(gaps, products=first, before=(0, before)).taken.products <= first + 1.0


def test_a_start_within_the_tolerance_is_polished_a_little():
    class Near(Scripted):
        def gap(self, penalty, point):
            return 1e-7

    taken = Budget(0, 0.0)
    gaps = [1e-7 * 0.9**n for n in range(1, LONG)]
    approach(Near(gaps), ANY, "start", Goal(0.0, 1e-6, Budget(10**6, np.inf)), taken)
    assert taken.products == tuning.POLISH_AT_LEAST


def test_three_rounds_that_do_not_halve_the_gap_are_the_end_within_the_tolerance():
    rounds = {"ends_round": True, "products": 0.0}
    run = Run([1.0, 1e-7] + [1e-7] * LONG, of_step=rounds)
    assert run.taken.iterations == 5
    run = Run([1.0, 1e-7, 1e-7, 0.9e-7, 0.45e-7] + [0.4e-7] * LONG, of_step=rounds)
    assert run.taken.iterations == 8  # the fifth, which halved it, started the count anew
    run = Run([1e-7] + [5e-7] * LONG, of_step=rounds)  # worse ones are no help
    assert run.taken.iterations == 4 and run.reached.point == 1
    run = Run([1e-7] * LONG, iterations=50, of_step={"products": 0.0})  # no round ends
    assert run.taken.iterations == 50


def test_idle_rounds_are_no_end_above_the_tolerance():
    run = Run([2e-6] * LONG, iterations=50, of_step={"ends_round": True})
    assert run.taken.iterations == 50
    # And those of before do not count once it is met.
    for before, last in ((1.5e-6, 23), (2e-6, 24)):  # the first within it halves 2e-6 only
        run = Run([before] * 20 + [0.9e-6] + [0.8e-6] * LONG, of_step={"ends_round": True})
        assert run.taken.iterations == last


def test_rounding_is_tolerance_enough():
    gaps = [0.5 * tuning.ROUNDING] * LONG
    run = Run(gaps, tol=0.0, of_step={"ends_round": True, "products": 0.0})
    assert run.taken.iterations == 1 + tuning.ROUNDS


def test_a_solver_without_more_points_is_at_its_end():
    run = Run([0.5, 0.4])
    assert run.taken.iterations == 2 and run.reached.gap == 0.4
    assert Run([]).reached.point == "start"


def test_points_that_are_not_looked_at_are_paid_and_never_the_answer():
    run = Run([1e-9] * 5, of_step={"look": False})
    assert run.reached.point == "start" and run.taken == Budget(5, 5.0)
    assert [told.gap for told in run.solver.told] == [np.inf] * 6


def test_a_solver_is_told_the_last_gap_whether_it_will_do_and_what_is_left():
    run = Run([0.5, 0.7, 1e-7, 0.1], iterations=9, products=99.0, of_step={"products": 2.0})
    told = run.solver.told
    assert [standing.gap for standing in told] == [np.inf, 0.5, 0.7, 1e-7, 0.1]
    assert [standing.polishing for standing in told] == [False] * 3 + [True] * 2
    assert [standing.left.iterations for standing in told] == [9, 8, 7, 6, 5]
    polish = max(2 * 6.0, tuning.POLISH_AT_LEAST)
    left = [standing.left.products for standing in told]
    assert left == [99.0, 97.0, 95.0, polish - 6.0, polish - 8.0]


def test_reports_come_once_a_round_and_at_the_end():
    class InRounds(Scripted):
        def iterates(self, penalty, start, standing):
            for n, gap in enumerate(self.gaps, 1):
                yield Step(n, gap=gap, iterations=2, ends_round=n % 3 == 0)

    def reports(gaps, iterations):
        said = []
        goal = Goal(1e-3, 1e-3, Budget(iterations, np.inf))
        approach(InRounds(gaps), ANY, "start", goal, Budget(0, 0.0), lambda *a: said.append(a))
        return said

    falling = [0.9, 0.8, 0.85, 0.7, 0.6, 0.5, 0.4, 1e-4]
    assert reports(falling, 1000) == [(6, 0.8), (12, 0.5), (16, 1e-4)]
    assert reports(falling, 7) == [(6, 0.8), (8, 0.7)]
    assert reports(falling, 6) == [(6, 0.8)]  # the end of a round and of it all is said once


def test_what_a_last_touch_gives_is_certified_anew():
    class Touching(Scripted):
        def gap(self, penalty, point):
            return {"start": 1.0, "touched": 0.05}[point]

        def last_touch(self, penalty, point):
            assert point == 2
            return "touched"

    goal = Goal(0.0, 1e-6, Budget(9, 9.0))
    found = approach(Touching([0.5, 0.1, 0.2]), ANY, "start", goal, Budget(0, 0.0))
    assert (found.point, found.gap) == ("touched", 0.05)


class Halfway(Iterative):
    """One coefficient, each time half the way to the soft threshold, which is the answer."""

    answer: float

    @classmethod
    def cost(cls, problem, penalty, purpose):
        return 1.0

    def iterates(self, penalty, start, standing):
        V = start.V
        while True:
            V = 0.5 * (V + self.answer)
            yield Step(self.problem.settle(V))


@pytest.mark.parametrize("tol", [1e-2, 1e-5, 1e-10])
def test_one_coefficient_to_the_tolerance_and_no_further(tol):
    drawn = make(1, "one", d=1)
    coupling, omega = Coupling(), np.ones(1)
    problem = build(drawn, "moments", coupling, omega)
    e = entries_of(drawn, omega, coupling)
    c, x, y = e.c, e.X[:, 0], e.y
    x, y = x - np.average(x, weights=c), y - np.average(y, weights=c)
    xy, xx, null = c @ (x * y), c @ x**2, 0.5 * c @ y**2
    penalty, solver = L21(0.3 * abs(xy)), Halfway(problem, ANY)
    solver.answer = 0.7 * xy / xx
    taken = Budget(0, 0.0)
    goal = Goal(tol, tol, Budget(LONG, np.inf))
    found = approach(solver, penalty, problem.settle(np.zeros((1, 1))), goal, taken)

    def excess(n):
        return 0.5 * xx * (0.5**n * solver.answer) ** 2 / null

    assert found.point.V[0, 0] == pytest.approx((1 - 0.5**taken.iterations) * solver.answer)
    assert 0 <= excess(taken.iterations) <= found.gap <= tol
    before = approach(
        solver,
        penalty,
        problem.settle(np.zeros((1, 1))),
        Goal(tol, tol, Budget(taken.iterations - 1, np.inf)),
        Budget(0, 0.0),
    )
    assert before.gap > tol
