"""Units in which arithmetic is safe, and the way back to those of the user.

Squares of numbers beyond 1e±150 leave double precision, and features far from zero lose the digits
that tell rows apart. So where numbers are large, tiny or far away a fit sees

    X' = 2^-p (X - origin)      y' = 2^-q y

Powers of two change no digit. The origin is a row, from which others differ exactly where they are
near it, and is taken only where there are intercepts to absorb it. Coefficients are then
2^(p - q) W, levels 2^-q l, and with Omega(a V) = a^k Omega(V) the objective is the user's times
2^-2q at strengths

    alpha' = 2^(-2q + k (q - p)) alpha      alpha_mean' = 2^-2p alpha_mean

What has no place in double precision on the way back is refused.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
from scipy import sparse

from mtlearn.exceptions import plain
from mtlearn.inputs.feature_weight import FeatureWeights
from mtlearn.inputs.features import sums_of_squares
from mtlearn.inputs.tasks import TaskData

SAFE = 100  # binary exponents beyond which numbers are brought near one
TINY = 300  # the same of single columns beside safe ones
APART = 350  # the same of columns beside each other that cannot be brought nearer
FAR = 1e3  # distance of a column from zero, in ranges of its rows, from where it is moved
SAMPLE = 200  # rows that show how far
START = 1e-3  # of alpha_mean, where it is searched
ENDLESS = 500  # binary exponent of a strength that leaves nothing of what it charges for
OWN_SPACE = (
    "coef_",
    "mean_coef_",
    "shared_coef_",
    "specific_coef_",
    "singular_values_",
    "loadings_",
)


@dataclass(frozen=True)
class Units:
    """What was done to the numbers of a fit.

    Attributes
    ----------
    origin : ndarray of shape (d,) or None
        What was taken from the rows of X.
    x, y : int
        The exponents p and q.
    targets : ndarray of int, of shape (T,), or None
        Exponents of the targets where each has a unit of its own (``scale_targets``); q is then 0.
    degree : int
        k, how Omega grows with V.
    weights : FeatureWeights or None
        What the columns were divided by, before all else.
    """

    origin: np.ndarray | None = None
    x: int = 0
    y: int = 0
    targets: np.ndarray | None = None
    degree: int = 1
    weights: FeatureWeights | None = None

    @property
    def y_exponents(self) -> Any:
        """Exponents of the targets, one for all or one each."""
        return self.y if self.targets is None else self.targets

    @property
    def rescaled(self) -> bool:
        """Whether numbers were brought near one; an origin alone leaves strengths as they are."""
        return self.x != 0 or self.y != 0 or self.targets is not None

    @property
    def strength(self) -> int:
        """Binary exponent of alpha' / alpha."""
        return -2 * self.y + self.degree * (self.y - self.x)

    def alpha(self, inside: Any) -> Any:
        """Strengths of a fit in the units of the user."""
        return self.back("alpha", inside, -self.strength) if self.rescaled else inside

    def inward(self, estimator: Any) -> Any:
        """The estimator that poses the same problem on numbers in these units."""
        if not self.rescaled and self.weights is None:
            return estimator
        inside = copy(estimator)
        inside._units = self
        if not self.rescaled:
            return inside
        inside.warm_start = False
        for name in {"alpha", "alphas"} & vars(estimator).keys():
            setattr(inside, name, self.strengths(getattr(estimator, name)))
        if not isinstance(estimator.alpha_mean, str):
            inside.alpha_mean = _strength(estimator.alpha_mean, -2 * self.x, np.inf)
        return inside

    def ridge(self, alpha_mean: Any) -> float:
        """Of the shared model of an estimator in these units; of "auto", where a search starts."""
        if isinstance(alpha_mean, str):
            return float(_strength(START, -2 * self.x, np.inf))
        return float(alpha_mean)

    def strengths(self, alpha: Any) -> Any:
        """Alphas in these units; a number of alphas as it is."""
        counted = isinstance(alpha, Integral) and not isinstance(alpha, bool)
        if not self.rescaled or counted or isinstance(alpha, str):
            return alpha
        return _strength(alpha, self.strength, np.inf if self.degree == 2 else 2.0**ENDLESS)

    def outward(self, fitted: dict[str, Any]) -> dict[str, Any]:
        """Fitted attributes in the units of the user."""
        out, own = dict(fitted), self.y - self.x
        exponents = dict.fromkeys(OWN_SPACE, own)
        exponents |= dict.fromkeys(("intercept_", "mean_intercept_", "smoothing_"), self.y)
        exponents |= dict.fromkeys(("alpha_", "alphas_"), -self.strength)
        exponents |= {"center_": self.x, "mse_path_": 2 * self.y}
        exponents |= dict.fromkeys(("alpha_mean_", "alpha_means_"), 2 * self.x)
        if "mse_path_" in out:
            exponents |= dict.fromkeys(
                ("alpha_intercept_scores_", "alpha_mean_scores_"), 2 * self.y
            )
        if self.rescaled:
            for name in exponents.keys() & out.keys():
                out[name] = self.back(name, out[name], exponents[name])
            if self.targets is not None:
                by_task = {"coef_", "shared_coef_", "specific_coef_", "loadings_"}
                by_task |= {"intercept_", "target_scale_"}
                for name in by_task & out.keys():
                    per_task = self.targets.reshape(-1, *[1] * (np.ndim(out[name]) - 1))
                    out[name] = self.back(name, out[name], per_task)
        if self.origin is not None:
            if "center_" in out:
                out["center_"] = out["center_"] + self.origin
            for start in {"", "mean_"} if "mean_coef_" in out else {""}:
                moved = out[f"{start}intercept_"] - out[f"{start}coef_"] @ self.origin
                out[f"{start}intercept_"] = moved if np.ndim(moved) else float(moved)
        return out if self.weights is None else self.weights.outward(out)

    def back(self, name: str, inside: Any, exponent: Any) -> Any:
        """An attribute of a fit times 2^exponent; refused where doubles cannot hold it."""
        with np.errstate(over="ignore", under="ignore"):
            value = np.ldexp(inside, exponent)
        lost = np.isfinite(inside) & ~np.isfinite(value)
        largest = np.abs(inside).max(initial=0.0, where=np.isfinite(inside))
        gone = largest > 0 and np.abs(value).max() < np.finfo(float).tiny
        if lost.any() or gone:
            size = (np.log2(largest) + np.max(exponent)) * np.log10(2.0)
            raise ValueError(
                f"{name} would be of the order 1e{size:+.0f}, which double precision cannot hold: "
                f"X is of the order 1e{self.x * np.log10(2.0):+.0f} and y of 1e"
                f"{np.max(self.y_exponents) * np.log10(2):+.0f}. "
                "Divide them by powers of ten that bring their values near one."
            )
        return value if np.ndim(inside) else value.item()


def choose_units(data: TaskData, estimator: Any) -> tuple[TaskData, Units]:
    """The data in units in which arithmetic is safe, and these; most data are so as they are."""
    weights = FeatureWeights.of(estimator, data)
    units = Units(degree=estimator._degree, weights=weights)
    if weights is not None:
        data = replace(data, X=weights.columns(data.X), squares=None)
    X, origin = data.X, None
    if estimator.fit_intercept and not sparse.issparse(X):
        origin = far_origin(X)
        if origin is not None:
            X = X - origin
            units = replace(units, origin=origin)
    if not _safe(X, data.squares if X is data.X else None):
        p = _middle(_largest_of_columns(X), "X", estimator._reader.columns.of_features())
        X = X if p == 0 else _times_power(X, -p)
        units = replace(units, x=p)
    y = data.y
    if not estimator._loss.is_quadratic and not _safe(np.nan_to_num(y)):
        sizes = np.nan_to_num(np.abs(y)).reshape(len(y), -1).max(axis=0)
        wrong = int(np.argmax(np.abs(np.log(np.where(sizes > 0, sizes, 1.0)))))
        which, what = "y", "y"
        if len(sizes) > 1:
            which, what = f"column {plain(data.tasks[wrong])!r} of y", "it"
        raise ValueError(
            f"{which} holds values up to {sizes[wrong]:.3g}, and of losses the squared "
            f"one alone is taken to other units. Divide {what} by a power of ten that brings its "
            "values near one."
        )
    if estimator._loss.is_quadratic and not _safe(y) and not _safe(np.nan_to_num(y)):
        columns = np.nan_to_num(np.abs(y)).reshape(len(y), -1).max(axis=0)
        if estimator.scale_targets and not data.stacked:
            exponents = np.where(columns > 0, np.frexp(columns)[1], 0)
            units, y = replace(units, targets=exponents), np.ldexp(y, -exponents)
        else:
            q = _middle(columns, "y", data.tasks)
            units, y = replace(units, y=q), y if q == 0 else np.ldexp(y, -q)
    if X is data.X and y is data.y:
        return data, units
    return replace(data, X=X, y=y), units


def far_origin(X: np.ndarray) -> np.ndarray | None:
    """A row at the columns that are far from zero, which others are near; None if none is."""
    some = X[np.linspace(0, len(X) - 1, min(len(X), SAMPLE)).astype(np.intp)].astype(np.float64)
    low, high = some.min(axis=0), some.max(axis=0)
    with np.errstate(over="ignore"):
        far = (np.minimum(np.abs(low), np.abs(high)) > FAR * (high - low)) & (high > low)
    return np.where(far, some[0], 0.0) if far.any() else None


def _safe(A: Any, square: np.ndarray | None = None) -> bool:
    """Whether the columns are near enough to one, by one pass over their squares."""
    square = _squares(A) if square is None else square
    mean = square / A.shape[0]
    if not square.sum() <= 2.0 ** (2 * SAFE):
        return False
    small = mean < 2.0 ** (-2 * TINY) if mean.max() >= 2.0 ** (-2 * SAFE) else mean >= 0
    return not _any(A, np.flatnonzero(small))


def _squares(A: Any) -> np.ndarray:
    if not sparse.issparse(A):
        return sums_of_squares(A.reshape(len(A), -1))
    columns = sparse.csr_array(A)
    with np.errstate(over="ignore", under="ignore"):
        return np.bincount(columns.indices, columns.data**2, A.shape[1])


def _any(A: Any, columns: np.ndarray) -> bool:
    """Whether there is a number other than zero in some columns."""
    if len(columns) == 0:
        return False
    if sparse.issparse(A):
        return bool(sparse.csc_array(A)[:, columns].data.any())
    return bool(A.reshape(len(A), -1)[:, columns].any())


def _largest_of_columns(X: Any) -> np.ndarray:
    if sparse.issparse(X):
        return np.asarray(abs(X).max(axis=0).todense()).ravel().astype(np.float64)
    return np.maximum(X.max(axis=0), -X.min(axis=0)).astype(np.float64)


def _middle(largest: np.ndarray, name: str, names: Any) -> int:
    """The exponent between those of the largest and the smallest column; 0 where all are safe."""
    exponents = np.frexp(largest)[1]
    known = np.flatnonzero(largest > 0)
    if len(known) == 0 or np.abs(exponents[known]).max() <= SAFE:
        return 0
    most, least = (known[f(exponents[known])] for f in (np.argmax, np.argmin))
    middle = int(exponents[most] + exponents[least]) // 2
    if exponents[most] - middle > APART:
        raise ValueError(
            f"columns {plain(names[most])!r} and {plain(names[least])!r} of {name} differ in "
            f"magnitude by a factor of 1e{np.log10(largest[most]) - np.log10(largest[least]):.0f} "
            f"(up to {largest[most]:.3g} and {largest[least]:.3g}), more than squares in double "
            "precision can tell apart. Leave one of them out, or standardise: "
            "make_pipeline(StandardScaler(), model)."
        )
    return middle


def _times_power(X: Any, exponent: int) -> Any:
    if not sparse.issparse(X):
        return np.ldexp(X.astype(np.float64, copy=False), exponent)
    X = X.astype(np.float64)
    X.data = np.ldexp(X.data, exponent)
    return X


def _strength(value: Any, exponent: int, largest: float) -> Any:
    """Strengths times 2^exponent; beyond what leaves anything, ``largest``."""
    with np.errstate(over="ignore", under="ignore"):
        inside = np.ldexp(np.asarray(value, dtype=float), exponent)
    inside = np.where(np.isinf(value) | (inside <= 2.0**ENDLESS), inside, largest)
    return inside if np.ndim(value) else float(inside)
