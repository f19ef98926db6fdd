"""Labels that are neither text nor numbers, as text: bytes, dates, times and durations.

The text of a label depends on its value alone, and not on the unit or the library it came in.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

NANOSECONDS = {
    "W": 604_800_000_000_000,
    "D": 86_400_000_000_000,
    "h": 3_600_000_000_000,
    "m": 60_000_000_000,
    "s": 1_000_000_000,
    "ms": 1_000_000,
    "us": 1000,
    "ns": 1,
}


def readable(values: list, name: str) -> list:
    """Bytes decoded, dates and durations in words; other labels as they are.

    Raises
    ------
    ValueError
        For bytes that are not UTF-8.
    """
    if values and all(isinstance(value, bytes) for value in values):
        try:
            return [value.decode() for value in values]
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{name} holds bytes that are no text in UTF-8 (such as {error.object!r}). Decode "
                "them, for example with numpy.char.decode(labels, 'latin-1')."
            ) from None
    if values and all(isinstance(value, date | timedelta | np.generic) for value in values):
        if all(isinstance(value, date | np.datetime64) for value in values):
            return times_as_text(np.array([_instant(value) for value in values])).tolist()
        if all(isinstance(value, timedelta | np.timedelta64) for value in values):
            return times_as_text(np.array([_scalar(value, "m8[us]") for value in values])).tolist()
    # also of subclasses, such as the members of an enumeration
    return [str.__str__(value) if isinstance(value, str) else value for value in values]


def times_as_text(values: np.ndarray) -> np.ndarray:
    """Text for each of the dates or durations, None for one that is missing.

    Examples
    --------
    >>> import numpy as np
    >>> times_as_text(np.array(["2024-05-31", "2024-05-31T10"], "M8[h]")).tolist()
    ['2024-05-31', '2024-05-31T10:00:00']
    >>> times_as_text(np.array([36, -1], "m8[h]")).tolist()
    ['1 days 12:00:00', '-1 days +23:00:00']
    """
    word = _date if values.dtype.kind == "M" else _duration
    text = np.empty(values.shape, dtype=object)
    for place, value in enumerate(values):
        text[place] = None if np.isnat(value) else word(value)
    return text


def _instant(value: Any) -> np.datetime64:
    """A date or time without a zone: that of a time with one is UTC, as in polars."""
    if isinstance(value, datetime) and value.tzinfo is not None and not hasattr(value, "asm8"):
        value = value.astimezone(UTC).replace(tzinfo=None)
    return _scalar(value, "M8[us]")


def _scalar(value: Any, dtype: str) -> Any:
    """A date or duration as NumPy's own; that of pandas keeps its nanoseconds."""
    if isinstance(value, np.generic):
        return value
    return value.asm8 if hasattr(value, "asm8") else np.array(value, dtype=dtype)[()]


def _date(value: np.datetime64) -> str:
    """A date without the midnight, a second without a fraction."""
    if np.datetime_data(value.dtype)[0] in ("Y", "M", "W", "D", "h", "m", "s", "ms"):
        value = value.astype("M8[us]")
    whole, _, fraction = str(value).partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction:0<6}" if fraction else whole.removesuffix("T00:00:00")


def _duration(value: np.timedelta64) -> str:
    """Days and the time beyond them, as pandas writes it; years and months by their number."""
    unit, step = np.datetime_data(value.dtype)
    if unit not in NANOSECONDS:
        return str(value)
    count = int(value.astype(np.int64)) * step * NANOSECONDS[unit]
    days, rest = divmod(count, NANOSECONDS["D"])
    seconds, fraction = divmod(rest, NANOSECONDS["s"])
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if fraction:
        text += f".{fraction:09}".removesuffix("000")
    return f"{days} days {'+' * (days < 0)}{text}"
