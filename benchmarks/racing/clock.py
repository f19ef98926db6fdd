"""Seconds of a solver at a gap: the quickest of finely stepped tolerances that reach it."""

import signal
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass

STEP = 10 ** (1 / 3)
REPEATED = 8.0  # a run that takes longer than these seconds is not repeated


class TooLongError(Exception):
    pass


@contextmanager
def no_longer_than(seconds):
    """Stops Python code (between calls of compiled code) after so much CPU time.

    Yields a list that is empty while that has not happened: some peers swallow the error or turn
    it into one of their own.
    """

    fired = []

    def stop(*_):
        fired.append(True)
        raise TooLongError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield fired
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@dataclass
class Time:
    """What one solver did: ``seconds`` at ``gap``, or ``reason`` why there are none.

    ``waited`` are the seconds after which it was stopped, if it was.
    """

    seconds: float = float("inf")
    gap: float = float("inf")
    tol: float = float("nan")
    runs: tuple = ()
    reason: str = ""
    waited: float = float("inf")

    def record(self):
        return asdict(self)

    def __str__(self):
        return f"{self.seconds:.4g}" if not self.reason else self.reason


def timed(solver, tol, limit):
    """CPU seconds of one run. All is on one thread, so that a busy machine does not count."""
    start = time.process_time()
    with no_longer_than(limit) as fired:
        try:
            solver.run(tol)
        except Exception:
            if not fired:
                raise
        seconds = time.process_time() - start
    if fired or seconds > limit:
        raise TooLongError
    return seconds


def attempt(solver, objective, tol, limit):
    """One run at a tolerance: a Time, whatever gap it reached."""
    seconds = timed(solver, tol, limit)
    gap = float(objective.evaluate_result(**solver.get_result())["value"])
    return Time(seconds, gap, tol, (seconds,))


def quickest(solver, objective, target, limit, tol):
    """The quickest tolerance that reaches the target, on a fine grid through ``tol``.

    Tightened in coarse steps until it does, then loosened in fine ones until it does not. Where a
    solver goes on beyond its tolerance, a looser one may take longer.
    """
    closest = one = attempt(solver, objective, tol, limit)
    while one.gap > target and one.tol > 1e-17:
        one = attempt(solver, objective, one.tol / STEP**3, limit)
        closest = min(closest, one, key=lambda time: time.gap)
    reached = []
    while one.gap <= target:
        reached.append(one)
        if not one.tol < 1.0:
            break
        one = attempt(solver, objective, one.tol * STEP, 2 * limit)
    return min(reached, key=lambda time: time.seconds, default=closest)


def race(solver, objective, target, limit, start=None, repeats=3):
    """Best of ``repeats`` at the quickest tolerance with a gap of at most ``target``."""
    try:
        first = solver.first * target
        time = quickest(solver, objective, target, limit, min(start or first, first))
        if not time.gap <= target:
            return Time(gap=time.gap, tol=time.tol, reason=f"gap {time.gap:.0e}")
        runs = [time.seconds]
        while len(runs) < repeats and time.seconds < REPEATED:
            runs.append(timed(solver, time.tol, limit))
        return Time(min(runs), time.gap, time.tol, tuple(runs))
    except TooLongError:
        return Time(reason=f"> {limit:.2g}", waited=limit)
    except Exception as error:
        return Time(reason=f"does not run: {type(error).__name__}: {error}".splitlines()[0][:120])


def least_seconds(run, times):
    """CPU seconds of the quickest of several runs."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        run()
        taken.append(time.process_time() - start)
    return min(taken)
