"""Seconds of a solver at a gap: the loosest of finely stepped tolerances that reaches it."""

import signal
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass

STEP = 10 ** (1 / 3)


class TooLongError(Exception):
    pass


@contextmanager
def no_longer_than(seconds):
    """Stops Python code (between calls of compiled code) after so much CPU time."""

    def stop(*_):
        raise TooLongError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@dataclass
class Time:
    """What one solver did: ``seconds`` at ``gap``, or ``reason`` why there are none."""

    seconds: float = float("inf")
    gap: float = float("inf")
    tol: float = float("nan")
    runs: tuple = ()
    reason: str = ""

    def record(self):
        return asdict(self)

    def __str__(self):
        return f"{self.seconds:.4g}" if not self.reason else self.reason


def timed(solver, tol, limit):
    """CPU seconds of one run. All is on one thread, so that a busy machine does not count."""
    with no_longer_than(limit):
        start = time.process_time()
        solver.run(tol)
        return time.process_time() - start


def race(solver, objective, target, limit, repeats=3):
    """Best of ``repeats`` at the loosest tolerance with a gap of at most ``target``."""
    tol, gap, best = solver.first * target, float("inf"), float("inf")
    try:
        for _ in range(60):
            seconds = timed(solver, tol, limit)
            if seconds > limit:
                raise TooLongError
            gap = float(objective.evaluate_result(**solver.get_result())["value"])
            best = min(best, gap)
            if gap <= target or tol < 1e-17:
                break
            tol /= STEP
        if not gap <= target:
            return Time(gap=best, reason=f"gap {best:.0e}")
        runs = [seconds]
        while len(runs) < repeats and seconds < limit / 4:
            runs.append(timed(solver, tol, limit))
    except TooLongError:
        return Time(gap=best, tol=tol, reason=f"> {limit:.2g}")
    except Exception as error:
        return Time(reason=f"does not run: {type(error).__name__}: {error}".splitlines()[0][:120])
    return Time(min(runs), gap, tol, tuple(runs))
