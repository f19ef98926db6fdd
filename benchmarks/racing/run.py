"""One cell: all solvers of its folder, one after the other in this process."""

from racing import clock, draws, load

# those that are often the fastest first: the others are then given up early
ORDER = ("mtlearn", "scikit_learn", "adelie", "celer", "skglm", "spams", "cyanure")
PATIENCE = 3.0


def prepared(objective, name, folder):
    """The solver with the problem set, or a Time that says why there is none."""
    solver = load.solver(folder, name)
    if isinstance(solver, Exception):
        return clock.Time(reason=f"does not run: {type(solver).__name__}: {solver}"[:120])
    skip, reason = solver._set_objective(objective)
    return clock.Time(reason=f"does not run: {reason}") if skip else solver


def warm_up(cell, name):
    """Imports and compilation, on a small problem; what fails here will fail in the race."""
    small = {"d": draws.dirty, "l": draws.labels}.get(cell.name[0], draws.regression)
    objective = load.objective(cell.folder, **cell.penalty)
    objective.set_data(fractions=(0.5, 0.3)[: len(cell.fractions)], **small(40, 20, 3))
    solver = prepared(objective, name, cell.folder)
    if not isinstance(solver, clock.Time):
        clock.race(solver, objective, 1e-3, 300.0, repeats=1)


def order(name):
    return ORDER.index(name) if name in ORDER else len(ORDER)


def run(cell, names=None, limit=30.0, repeats=3, before=None):
    """{solver file: Time}. A peer that takes three times as long as the best one is stopped.

    It may be stopped at a looser tolerance than it would need, never before it has taken that
    long: what is reported as "> s" is a lower bound. ``before`` has tolerances to start at.
    """
    objective = load.objective(cell.folder, **cell.penalty)
    objective.set_data(fractions=cell.fractions, **cell.data())
    times, patience = {}, limit
    there = load.solver_files(cell.folder)
    for name in sorted(set(names or there) & set(there), key=order):
        warm_up(cell, name)
        solver = prepared(objective, name, cell.folder)
        if not isinstance(solver, clock.Time):
            start = (before or {}).get(name, {}).get("tol")
            wait = 10 * limit if name == "mtlearn" else patience
            solver = clock.race(solver, objective, cell.gap, wait, start, repeats)
        times[name] = solver
        if name != "mtlearn":
            patience = min(patience, max(PATIENCE * times[name].seconds, 0.3))
        elif times[name].seconds * cell.must > limit:  # long enough to see whether we are there
            patience = min(times[name].seconds * cell.must, 4 * limit)
        print(f"    {name:13s} {times[name]}", flush=True)
    return times
