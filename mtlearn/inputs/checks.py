"""Checks of constructor parameters, at fit: the parameter, its value, and what is allowed."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np


def check_number(
    name: str,
    value: Any,
    *,
    low: float = 0.0,
    high: float = np.inf,
    strict: bool = False,
    infinite: bool = False,
    instead: str = "",
) -> None:
    """A real number from ``low`` (above it where ``strict``) to ``high``, finite by default.

    ``instead`` is what to write in the place of ``inf``.
    """
    allowed = f"a number {'>' if strict else '>='} {low:g}" + (" or inf" if infinite else "")
    allowed += "" if np.isinf(high) else f" and <= {high:g}"
    good = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
    good = good and not np.isnan(value) and (value > low if strict else value >= low)
    good = good and value <= high
    if not good or (np.isinf(value) and not infinite):
        endless = bool(good)  # and infinite
        allowed = allowed.replace("a number", "a finite number") if endless else allowed
        more = f" {instead}" if endless and instead else ""
        raise ValueError(f"{name}={value!r} is not allowed; it must be {allowed}.{more}")


def check_coverage(coverage: float) -> None:
    """How often an interval is to hold what it is about, between 0 and 1."""
    check_number("coverage", coverage, strict=True)
    if coverage >= 1:
        raise ValueError(
            f"coverage={coverage!r} is not allowed; it must be below 1, for example 0.9: an "
            "interval that is never missed is the whole line."
        )


def check_count(name: str, value: Any, *, low: int = 1) -> None:
    """A whole number >= ``low``."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < low:
        raise ValueError(f"{name}={value!r} is not allowed; it must be a whole number >= {low}.")


def check_counts(name: str, value: Any, *, low: int = 1) -> None:
    """A whole number >= ``low``, or several of them to choose from."""
    if not is_several(value):
        check_count(name, value, low=low)
        return
    if not len(value):
        raise ValueError(
            f"{name}={value!r} is not allowed; it must be a whole number >= {low}, or a list of "
            "them."
        )
    for one in value:
        check_count(name, one, low=low)


def is_several(value: Any) -> bool:
    """Whether a parameter is a list of values."""
    return isinstance(value, list | tuple | range) or np.ndim(value) > 0


def check_option(name: str, value: Any, options: tuple) -> None:
    """One of ``options``."""
    if not any(value is option or value == option for option in options):
        raise ValueError(f"{name}={value!r} is not allowed; it must be one of {options}.")


def check_flag(name: str, value: Any) -> None:
    """True or False."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name}={value!r} is not allowed; it must be True or False.")
