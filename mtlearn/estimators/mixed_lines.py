"""Lines of tasks and of the shared model, with what is not known of them, in the user's units."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.inputs.units import Units
from mtlearn.selection.likelihood.blocked import BlockedModel
from mtlearn.selection.likelihood.effects import Effects, TaskCovariances, covariance_pieces
from mtlearn.selection.likelihood.variances import Variances


class MixedLines(ABC):
    """A fitted mixed model: a line is (level, slopes) at x̄.

    Attributes
    ----------
    model : MixedModel
        With the A_t of the fit.
    fit : Variances
    found : Effects
    """

    model: Any
    fit: Variances
    found: Effects

    @property
    @abstractmethod
    def center(self) -> np.ndarray:
        """x̄ (d,); zero without intercepts."""

    @property
    def scale(self) -> np.ndarray:
        """What columns were divided by (p,); 0 where they are constant."""
        return np.where(np.isfinite(self.model.scale), self.model.scale, 0.0)

    @property
    def unknown(self) -> np.ndarray:
        """Mask (p,) of columns that vary, whose variance the data do not tell."""
        if self.model.n_tasks == 1:
            return np.isfinite(self.model.scale)
        return self.fit.unknown

    @property
    @abstractmethod
    def away(self) -> np.ndarray:
        """From where a free level was estimated to x̄ (T, d)."""

    @property
    @abstractmethod
    def level_variance(self) -> np.ndarray:
        """Of free levels there (T,), given the slopes."""

    @abstractmethod
    def lines(self) -> tuple[np.ndarray, np.ndarray]:
        """Of every task (T, d + 1), and of the shared model (d + 1,)."""

    def covariances(self) -> Iterator[tuple[Any, np.ndarray]]:
        """Which tasks, and what is not known of their (level, slopes) at x̄, some at a time.

        The latter are covariances (b, d + 1, d + 1).
        """
        levels, T = self.model.products.levels, self.model.n_tasks
        for some, C in covariance_pieces(self.model, self.fit, self.found):
            if self.model.copies > 1:
                C = np.repeat(C, T, axis=0)
            given = (self.away[some], self.level_variance[some]) if levels == "free" else ()
            yield some, _of_lines(C, levels, *given)

    def errors_where_moments_are(self, at_zero: np.ndarray) -> tuple[np.ndarray, ...]:
        """Standard deviations of slopes (T, d) and of levels at zero (T,), of moments in blocks."""
        levels = self.model.products.levels
        given = (self.away, self.level_variance) if levels == "free" else ()
        of_tasks = TaskCovariances.of(self.model, self.fit, self.found)
        errors = _Errors(of_tasks, levels, at_zero)
        return self.model.covariances(self.fit.state, errors, *given)

    def shared_covariances(self) -> tuple[np.ndarray, np.ndarray]:
        """Σ, and of what is not known of the shared model at x̄; (d + 1, d + 1) each."""
        S, C, levels = self.found.covariance, self.found.of_shared, self.model.products.levels
        if levels == "pooled":
            return S, C
        S, C = np.pad(S, ((1, 0), (1, 0))), np.pad(C, ((1, 0), (1, 0)))
        if levels == "free":
            S[0, 0] = np.inf
            T, away = self.model.n_tasks, self.away.mean(axis=0)
            C[0, 1:] = C[1:, 0] = C[1:, 1:] @ away
            C[0, 0] = away @ C[0, 1:] + self.level_variance.sum() / T**2
        return S, C


def line_attributes(
    fit: MixedLines, units: Units, y: int, scale: np.ndarray | float, keep: bool
) -> dict[str, Any]:
    """Attributes in the user's units; those of tasks have a leading axis (T,).

    ``y`` is the exponent of the targets' unit, ``scale`` (T,) what they were divided by.
    """
    slope = y - units.x
    exponents = np.r_[y, np.full(len(fit.center), slope)]
    pairs = exponents[:, None] + exponents
    center = units.back("center_", fit.center, units.x)
    if units.origin is not None:
        center = center + units.origin
    lines, shared = fit.lines()
    scale = np.broadcast_to(scale, len(lines))
    lines = units.back("coef_", lines, exponents) * scale[:, None]
    shared = units.back("mean_coef_", shared, exponents)
    S, of_shared = fit.shared_covariances()
    S, of_shared = units.back("covariance_", S, pairs), units.back("covariance_", of_shared, pairs)
    at_zero = np.append(1.0, -center)
    spread = np.sqrt(np.diag(S))
    own = _uncertainty(fit, units, pairs, scale, at_zero, keep)
    found = {
        "coef_": lines[:, 1:],
        "intercept_": lines @ at_zero,
        "mean_coef_": shared[1:],
        "mean_intercept_": float(shared @ at_zero),
        "slope_std_": spread[1:],
        "intercept_std_": float(spread[0]),
        "covariance_": S,
        "mean_coef_std_": np.sqrt(np.maximum(np.diag(of_shared)[1:], 0.0)),
        "mean_intercept_std_": float(_root_of_form(of_shared[None], at_zero)[0]),
        "center_": center,
        "gradient_norm_": fit.fit.gradient,
        "dual_gap_": fit.found.gap,
        "n_iter_": max(fit.fit.n_iter, 1),
    }
    if fit.model.products.levels == "none":
        found |= {"intercept_": np.zeros(len(lines)), "mean_intercept_": 0.0}
    if keep:
        found |= {"mean_coef_covariance_": of_shared}
    return found | own


def _uncertainty(
    fit: MixedLines,
    units: Units,
    pairs: np.ndarray,
    scale: np.ndarray,
    at_zero: np.ndarray,
    keep: bool,
) -> dict[str, Any]:
    """What is not known of the tasks' lines, whose covariances are not all held unless kept."""
    if isinstance(fit.model, BlockedModel):  # whose covariances are never kept, nor units changed
        std, error = fit.errors_where_moments_are(at_zero)
        return {"coef_std_": std * scale[:, None], "intercept_std_error_": error * scale}
    T, p = len(scale), len(at_zero)
    std, error = np.empty((T, p - 1)), np.empty(T)
    found: dict[str, Any] = {"coef_std_": std, "intercept_std_error_": error}
    if keep:
        found["coef_covariance_"] = np.empty((T, p, p))
    for some, C in fit.covariances():
        C = units.back("coef_covariance_", C, pairs) * (scale[some] ** 2)[:, None, None]
        std[some], error[some] = _errors(C, at_zero)
        if keep:
            found["coef_covariance_"][some] = C
    return found


def _of_lines(C: np.ndarray, levels: str, *given: np.ndarray) -> np.ndarray:
    """Covariances (b, d + 1, d + 1) of lines from those of the columns.

    ``given`` are, for free levels, from where each was measured to x̄ and its variance there.
    """
    if levels == "pooled":
        return C
    C = np.pad(C, ((0, 0), (1, 0), (1, 0)))
    if levels == "free":  # the mean of a task's targets, and slopes from there
        away, level_variance = given
        cross = (C[:, 1:, 1:] @ away[:, :, None])[:, :, 0]
        C[:, 0, 1:] = C[:, 1:, 0] = cross
        C[:, 0, 0] = np.sum(cross * away, axis=1) + level_variance
    return C


@dataclass(frozen=True)
class _Errors:
    """:func:`_errors` of a piece of moments."""

    of_tasks: TaskCovariances
    levels: str
    at_zero: np.ndarray

    def __call__(self, A: np.ndarray, W: np.ndarray, *given: np.ndarray) -> tuple:
        return _errors(_of_lines(self.of_tasks(A, W), self.levels, *given), self.at_zero)


def _errors(C: np.ndarray, at_zero: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of slopes (b, d) and of levels at zero (b,), from the covariances of lines."""
    slopes = np.sqrt(np.maximum(np.einsum("tii->ti", C[:, 1:, 1:]), 0.0))
    return slopes, _root_of_form(C, at_zero)


def _root_of_form(C: np.ndarray, a: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(np.einsum("tij,i,j->t", C, a, a), 0.0))
