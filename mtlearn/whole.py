"""A fit that goes wrong half way leaves the estimator as it was."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

Fit = TypeVar("Fit", bound=Callable[..., Any])


def all_or_nothing(fit: Fit) -> Fit:
    """Run ``fit`` on a shallow copy, whose attributes are taken over when it has ended well.

    An error, or the user who interrupts, then finds a fitted estimator with the coefficients,
    tasks and columns of one fit, and not some of the last and some of this.

    Examples
    --------
    >>> class Model:
    ...     @all_or_nothing
    ...     def fit(self, n):
    ...         self.n_rows_ = n
    ...         self.share_ = 1 / n
    ...         return self
    >>> model = Model().fit(4)
    >>> try:
    ...     model.fit(0)
    ... except ZeroDivisionError:
    ...     print(model.n_rows_, model.share_)
    4 0.25
    """

    @wraps(fit)
    def fit_whole(self: Any, *args: Any, **kwargs: Any) -> Any:
        trial = object.__new__(type(self))
        trial.__dict__.update(self.__dict__)
        fit(trial, *args, **kwargs)
        self.__dict__ = trial.__dict__  # one step, which nothing can interrupt
        return self

    return fit_whole  # type: ignore[return-value]
