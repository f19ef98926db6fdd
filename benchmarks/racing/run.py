"""One cell: all solvers of its folder, one after the other in this process."""

from racing import clock, draws, load

ORDER = ("mtlearn", "scikit_learn", "celer", "skglm", "adelie", "spams", "cyanure")


def prepared(objective, name, folder):
    """The solver with the problem set, or a Time that says why there is none."""
    solver = load.solver(folder, name)
    if isinstance(solver, Exception):
        return clock.Time(reason=f"does not run: {type(solver).__name__}: {solver}"[:120])
    skip, reason = solver._set_objective(objective)
    return clock.Time(reason=f"does not run: {reason}") if skip else solver


def warm_up(cell, name):
    """Imports and compilation, on a small problem; what fails here will fail in the race."""
    small = {"L": draws.regression, "d": draws.dirty, "l": draws.labels}[cell.name[0]]
    objective = load.objective(cell.folder, **cell.penalty)
    objective.set_data(fractions=(0.5, 0.3)[: len(cell.fractions)], **small(40, 20, 3))
    solver = prepared(objective, name, cell.folder)
    if not isinstance(solver, clock.Time):
        clock.race(solver, objective, 1e-3, 200.0, repeats=1)


def order(name):
    return ORDER.index(name) if name in ORDER else len(ORDER)


def run(cell, names=None, limit=30.0, repeats=3):
    """{solver file: Time}. A peer that takes eight times as long as the best one is stopped.

    It may be stopped at a tolerance that is looser than the one it would need, never before it has
    taken that long: what is reported as "> s" is a lower bound.
    """
    objective = load.objective(cell.folder, **cell.penalty)
    objective.set_data(fractions=cell.fractions, **cell.data())
    times = {}
    for name in sorted(names or load.solver_files(cell.folder), key=order):
        warm_up(cell, name)
        solver = prepared(objective, name, cell.folder)
        if isinstance(solver, clock.Time):
            times[name] = solver
            continue
        peers = [time.seconds for key, time in times.items() if key != "mtlearn"]
        patience = (
            limit if name == "mtlearn" else min(limit, max(8 * min(peers, default=limit), 0.5))
        )
        times[name] = clock.race(solver, objective, cell.gap, patience, repeats)
        print(f"    {name:13s} {times[name]}", flush=True)
    return times


def best_peer(times):
    """(name, seconds) of the fastest peer that reached the gap."""
    peers = {name: time.seconds for name, time in times.items() if name != "mtlearn"}
    name = min(peers, key=peers.get, default=None)
    return (name, peers[name]) if name and peers[name] < float("inf") else (None, float("inf"))
