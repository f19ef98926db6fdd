"""How many rows are equal to others, from a few sums: what a hash of the row then does to folds.

Equal rows are in one fold (:mod:`~mtlearn.moments.dealing`), so that a model is trained without the
very targets that it is judged on. Where rows have equal ones by chance, few values being possible,
held-out errors come out too large.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.exceptions import level_of_user

BITS = 12
SUMS = 1 << BITS
SIGMAS = 4.0
LEAST_PAIRS = 16  # of fewer rows than SIGMAS speaks of: one chance meeting is two of them
WORTH_SAYING = 0.01  # of the error: where this is said, it may be half of it


@dataclass(frozen=True)
class EqualRows:
    r"""Sums of signs of rows, which say how many rows are equal to a row on average.

    A hash gives each row one of k = 4,096 sums and a sign. With m_j copies of the distinct row j,

    .. math:: E \sum_b S_b^2 = \sum_j m_j^2, \qquad
              \mathrm{Var} \sum_b S_b^2 \leq \frac{2}{k} \Bigl(\sum_j m_j^2\Bigr)^2 ,

    2.2 % of it. The sums add up over rows, in whatever order, and are subtracted with them.

    Attributes
    ----------
    n_rows : int
    sums : ndarray of int64 of shape (k,)

    References
    ----------
    Alon, Matias and Szegedy (1999). The space complexity of approximating the frequency moments.
    Journal of Computer and System Sciences 58.
    Charikar, Chen and Farach-Colton (2002). Finding frequent items in data streams. ICALP.
    """

    n_rows: int
    sums: np.ndarray

    @classmethod
    def of(cls, hashes: np.ndarray) -> EqualRows:
        """Of the hashes of rows (n,); folds go by their lower bits, sums and signs by the upper."""
        upper = (hashes >> np.uint64(63 - BITS)).astype(np.intp)
        each = np.bincount(upper, minlength=2 * SUMS)
        return cls(len(hashes), (each[0::2] - each[1::2]).astype(np.int64))

    @classmethod
    def of_array(cls, found: np.ndarray) -> EqualRows:
        """Of what :meth:`as_array` gave.

        Raises
        ------
        KeyError
            If it is something else.
        """
        if found.shape != (1 + SUMS,) or found.dtype != np.int64 or found[0] < 0:
            raise KeyError(f"sums of equal rows of shape {found.shape} and type {found.dtype}")
        return cls(int(found[0]), found[1:])

    def as_array(self) -> np.ndarray:
        """One array, for a file."""
        return np.append(self.n_rows, self.sums)

    def __add__(self, other: EqualRows) -> EqualRows:
        return EqualRows(self.n_rows + other.n_rows, self.sums + other.sums)

    def __sub__(self, other: EqualRows) -> EqualRows:
        return EqualRows(self.n_rows - other.n_rows, self.sums - other.sums)

    @property
    def others(self) -> float:
        """Rows that are equal to a row, on average: (sum_j m_j² - n) / n, as estimated."""
        sums = self.sums.astype(float)  # whose squares do not overflow
        return float(sums @ sums) / max(self.n_rows, 1) - 1.0

    @property
    def surely(self) -> bool:
        """Whether there are more of them than chance makes of rows that are all different."""
        chance = SIGMAS * np.sqrt(2 / SUMS) * self.n_rows
        return self.others * self.n_rows >= max(chance, LEAST_PAIRS)


def together(a: EqualRows | None, b: EqualRows | None) -> EqualRows | None:
    """Of the rows of both; None where that is not known of one of them."""
    return None if a is None or b is None else a + b


def without(a: EqualRows | None, b: EqualRows | None) -> EqualRows | None:
    """Of the rows of the first that are not of the second."""
    return None if a is None or b is None else a - b


def error_above(moments: Any) -> float:
    r"""How much larger errors of held-out rows are, as a share of them; 0 where it is no matter.

    Without m - 1 equal rows the residual of a row of leverage h is 1 / (1 - (m - 1) h) times what
    it was (Cook and Weisberg, 1982), and folds of rows would have left out one in K of them anyway.
    The p parameters of the models (of each task alone) have the leverages p / n on average:

    .. math:: \Bigl(1 - \frac{1}{K}\Bigr) \frac{p}{n} \cdot \frac{1}{n} \sum_j m_j (m_j - 1) .

    More rows of the same kind change nothing: it is a matter of parameters to distinct rows. It is
    of first order in (m - 1) h, and takes leverages and residuals to be alike in all rows. With
    rounded columns, where equal rows have low leverages and small residuals, it is twice what is
    found; of ratings in cells, where 18 % are said, models of each task are off by 15 %; where a
    cell has few values, some 30 % may be 50.
    """
    equal = moments._equal
    if equal is None or not equal.surely:
        return 0.0
    apart = len(moments._tasks) if moments._way == "labels" else 1
    leverage = min(apart * (moments.n_features + 1) / equal.n_rows, 1.0)
    bound = (1 - 1 / moments.n_folds) * leverage * equal.others
    return bound if bound >= WORTH_SAYING else 0.0


def equal_in_words(moments: Any) -> str:
    """How many equal rows there are."""
    return f"a row has {moments._equal.others:,.2g} equal ones on average, target included"


def said_of_equal(moments: Any) -> list[str]:
    """That held-out errors are too large, and what to do; nothing where they are not."""
    above = error_above(moments)
    if not above:
        return []
    much = "far" if above >= 1 else f"some {100 * above:.2g} %"
    return [
        f"{equal_in_words(moments)}, and a hash of the row holds them out together: no model has "
        f"seen the targets that it is judged on, held-out errors come out {much} too large, and a "
        "search chooses by them. Give group_column=... (--groups) a column that numbers the rows, "
        "which then deals them, or give the rows themselves (--no-batches)."
    ]


def warn_of_equal(moments: Any) -> None:
    """Say so, once all rows are collected."""
    for said in said_of_equal(moments):
        warnings.warn(said, UserWarning, stacklevel=level_of_user())
