"""Which columns of a raw table the columns of an encoded one were made of.

A step of a pipeline hands on a table and nothing beside it, and what the names of its columns
say is ambiguous where names of the raw table have a "=" of their own. So an encoder tells here
what it has made, by the names of all its columns together, and a model that sees a table of these
very names asks. The last few are kept: an encoder tells anew whenever it encodes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

KEPT = 64  # tables of different columns

_lock = Lock()
_known: OrderedDict[tuple[str, ...], tuple[str, ...] | None] = OrderedDict()


def tell_sources(names: Sequence[str], sources: Sequence[str]) -> None:
    """Say which raw column each of the columns with these names was made of."""
    key, found = tuple(names), tuple(sources)
    with _lock:
        known = _known.pop(key, found)
        _known[key] = found if known == found else None  # two tables: nobody knows which
        while len(_known) > KEPT:
            _known.popitem(last=False)


def sources_of(names: Sequence[str]) -> tuple[str, ...] | None:
    """What was told of columns with these names, in this order; None if nothing is for certain."""
    with _lock:
        return _known.get(tuple(map(str, names)))
