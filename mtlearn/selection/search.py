"""Which strengths the scores on held-out rows speak for: alpha, and with it those of the rest.

A search is along the alphas first, at what is estimated or given of all else; then over another
strength at the best of them, and once more along the alphas where that is another. Where a closed
form makes that cheap, it is over all pairs.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mtlearn.exceptions import level_of_user
from mtlearn.selection.folds import mean_loss
from mtlearn.selection.path_scores import Asked
from mtlearn.solvers.progress import say

LEVELS = (np.inf, 3.0, 1.0, 1.0 / 3.0, 0.1, 0.0)  # times an estimate
RIDGES = (10.0, 1.0, 0.1, 1e-2, 1e-3, 1e-4)  # of a shared model, times the typical curvature
LOWEST, HIGHEST = 1e-8, 1e8  # alpha in parts of the first one, to which a grid goes on
GAIN = 1e-4  # of a mean loss, below which it has stopped improving


@dataclass(frozen=True)
class Line:
    """Losses of one estimator along the alphas.

    Attributes
    ----------
    candidate : estimator
    alphas : ndarray of shape (n_alphas,)
        Descending.
    losses : ndarray of shape (n_alphas, n_folds)
    above, below : int
        By how many alphas it went on beyond the grid.
    """

    candidate: Any
    alphas: np.ndarray
    losses: np.ndarray
    above: int = 0
    below: int = 0

    @property
    def best(self) -> int:
        """Position of the least mean loss; of equal ones the larger alpha."""
        return int(np.argmin(mean_loss(self.losses)))

    def least(self, alpha: float | None) -> float:
        """The least mean loss, or the one at an alpha."""
        mean = mean_loss(self.losses)
        return float(mean.min() if alpha is None else mean[self.alphas == alpha][0])

    def is_worse(self, other: Line) -> bool:
        """Whether the best is worse than that of another, by more than one standard error.

        Of the differences on the same folds: what makes a fold hard for both is no doubt.
        """
        more = self.losses[self.best] - other.losses[other.best]
        more = more[np.isfinite(more)]
        error = more.std(ddof=1) / np.sqrt(len(more)) if len(more) > 1 else 0.0
        return bool(more.sum() > error * len(more))

    def joined(self, other: Line) -> Line:
        """With the alphas of another, which go on."""
        below = other.alphas[0] < self.alphas[0]
        first, second = (self, other) if below else (other, self)
        return replace(
            self,
            alphas=np.concatenate([first.alphas, second.alphas]),
            losses=np.concatenate([first.losses, second.losses]),
            above=self.above + (0 if below else len(other.alphas)),
            below=self.below + (len(other.alphas) if below else 0),
        )


@dataclass
class Search:
    """Lines of losses, each of which is asked for once.

    Attributes
    ----------
    losses : callable
        From a sequence of :class:`Asked` to arrays (n_alphas, n_folds).
    endless : bool
        Whether alpha may be raised without end.
    verbose : int
    tried : dict
        By the name of a strength: its values, descending, and what is known of each.
    """

    losses: Callable[[Sequence[Asked]], list[np.ndarray]]
    endless: bool
    verbose: int = 0
    tried: dict[str, tuple[np.ndarray, list[Line]]] = field(default_factory=dict)

    def along(self, candidates: Sequence[Any], grids: Sequence[np.ndarray]) -> list[Line]:
        """The line of each candidate on its grid."""
        lines = []
        for candidate, alphas in zip(candidates, grids, strict=True):
            if self.verbose and len(candidates) > 1:
                say(f"{candidate}:")
            (losses,) = self.losses([Asked(candidate._model(), alphas)])
            lines.append(Line(candidate, alphas, losses))
        return lines

    def further(self, line: Line) -> Line:
        """Beyond an end of the grid that is best, a decade at a time, for as long as that helps."""
        if len(line.alphas) < 2 or not np.isfinite(mean_loss(line.losses)).any():
            return line
        step = line.alphas[1] / line.alphas[0]
        decade = step ** np.arange(1, max(1, round(-np.log(10.0) / np.log(step))) + 1)
        top = line.alphas[0]
        while True:
            mean = mean_loss(line.losses)
            if line.best == len(mean) - 1 and line.alphas[-1] > LOWEST * top * 1.001:
                new = line.alphas[-1] * decade
            elif self.endless and line.best == 0 and line.alphas[0] < HIGHEST * top * 0.999:
                new = (line.alphas[0] / decade)[::-1]
            else:
                return line
            more = self.along([line.candidate], [new])[0]
            line = line.joined(more)
            if not mean_loss(more.losses).min() < mean.min() - GAIN * abs(mean.min()):
                return line

    def over(
        self, line: Line, name: str, values: Sequence[float], *, whole: bool, go_on: bool
    ) -> Line:
        """The best line over another strength; ties: the larger one.

        Looked for at the best alpha, and then along all of them; where ``whole``, at all at once.
        """
        given = getattr(line.candidate, name)
        every = np.unique([*values, given])[::-1]
        others = [float(value) for value in every if value != given]
        alphas = line.alphas if whole else line.alphas[line.best : line.best + 1]
        candidates = [under(line.candidate, name, value) for value in others]
        found = self.losses(
            [
                Asked(one._model(), alphas, f"{name}={value:.3g}, ")
                for value, one in zip(others, candidates, strict=True)
            ]
        )
        known = {
            value: Line(one, alphas, losses)
            for value, one, losses in zip(others, candidates, found, strict=True)
        }
        known[given] = line
        best = every[int(np.argmin([known[v].least(None if whole else alphas[0]) for v in every]))]
        if best != given:
            if not whole:
                known[best] = self.along([known[best].candidate], [line.alphas])[0]
            chosen = replace(known[best], above=line.above, below=line.below)
            known[best] = self.further(chosen) if go_on else chosen
        self.tried[name] = every, [known[value] for value in every]
        return known[best]

    def at_limit(
        self, line: Line, name: str, limit: float, alphas: np.ndarray, *, go_on: bool
    ) -> Line:
        """The line at a limit of an own strength, of which less is to be found, on its own grid.

        It is taken unless its losses are worse by more than a standard error: what a model may
        find beside serves noise as well, which few folds do not tell from little.
        """
        (simpler,) = self.along([under(line.candidate, name, limit)], [alphas])
        simpler = self.further(simpler) if go_on else simpler
        both = sorted([simpler, line], key=lambda one: -getattr(one.candidate, name))
        self.tried[name] = np.array([getattr(one.candidate, name) for one in both]), both
        return line if simpler.is_worse(line) else simpler

    def scores(self, name: str, alphas: np.ndarray, sign: float) -> np.ndarray:
        """What is known of a strength, (n_values, n_alphas, n_folds); NaN where nothing is."""
        _, lines = self.tried[name]
        out = np.full((len(lines), len(alphas), lines[0].losses.shape[1]), np.nan)
        for one, line in zip(out, lines, strict=True):
            _, mine, theirs = np.intersect1d(alphas, line.alphas, return_indices=True)
            one[mine] = sign * line.losses[theirs]
        return out


def under(candidate: Any, name: str, value: float) -> Any:
    """The estimator with another strength."""
    other = copy(candidate)
    setattr(other, name, float(value))
    return other


def around(estimate: float, instead: float) -> np.ndarray:
    """Strengths of levels to try around an estimate, ``instead`` where that is none."""
    unit = estimate if 0 < estimate < np.inf else instead
    return np.array([0.0 if factor == 0 else factor * unit for factor in LEVELS])


def aligned(lines: Sequence[Line], chosen: Line) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Alphas and losses of several lines, as long as that of the chosen one; NaN where unknown."""
    alphas, losses = [], []
    for line in lines:
        if len(line.alphas) == len(chosen.alphas):
            alphas.append(line.alphas)
            losses.append(line.losses)
            continue
        ratio = line.alphas[0] / chosen.alphas[chosen.above - line.above]
        alphas.append(chosen.alphas * ratio)
        room = chosen.above - line.above, chosen.below - line.below
        losses.append(np.pad(line.losses, (room, (0, 0)), constant_values=np.nan))
    return alphas, losses


def warn_of_end(line: Line, largest: float, shown: Callable[[float], float]) -> None:
    """Say where the best of the alphas that were given is the last: others may be better.

    Parameters
    ----------
    line : Line
    largest : float
        Beyond which nothing changes.
    shown : callable
        From an alpha to that of the user.
    """
    mean, at = mean_loss(line.losses), line.best
    alpha, others = line.alphas[at], len(mean) - 1
    if not others:
        return
    beside = mean[at + 1] if at == 0 else mean[at - 1]
    if not mean[at] < beside - GAIN * abs(beside):
        return
    if at == others and alpha > 0:
        end, more = "smallest", "smaller"
    elif at == 0 and alpha < largest:
        end, more = "largest", "larger"
    else:
        return
    warnings.warn(
        f"the best alpha, {shown(alpha):.3g}, is the {end} of those given: {more} ones may be "
        f"better. Give {more} alphas, or a number of them: such a grid goes on by itself.",
        UserWarning,
        stacklevel=level_of_user(),
    )
