"""HTML in which every text is escaped, by construction: only what ``tag`` made is taken as HTML.

Names and labels come from the user's file and may be anything, ``<script>`` included.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, /, *children: Any, **attributes: Any) -> Html:
    """An element; children that are no :class:`Html` are text. ``class_`` is the class.

    Attributes that are None are left out; an underscore in a name is a hyphen.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    start = f"<{name}{given}>"
    if name in ("img", "meta"):
        return Html(start)
    return Html(f"{start}{joined(children)}</{name}>")


def joined(parts: Iterable[Any]) -> Html:
    """One after the other; None is nothing."""
    return Html(
        "".join(
            part if isinstance(part, Html) else escape(str(part))
            for part in parts
            if part is not None
        )
    )


def table(
    caption: str | None,
    headings: Iterable[Any],
    rows: Iterable[tuple[str | None, Iterable[Any]]],
    *,
    texts: Iterable[int] = (),
) -> Html:
    """A table that scrolls in its own frame where it is too wide.

    ``rows`` are pairs of a class (or None) and cells, the first of which names the row; ``texts``
    are the positions of further columns that hold no numbers.
    """
    headings, left = list(headings), {0, *texts}
    head = [
        tag("th", heading, scope="col", class_="text" if j in left else None)
        for j, heading in enumerate(headings)
    ]
    body = []
    for kind, cells in rows:
        first, *others = cells
        line = [tag("th", first, scope="row")]
        line += [
            tag("td", cell, class_="text" if j in left else None)
            for j, cell in enumerate(others, 1)
        ]
        body.append(tag("tr", *line, class_=kind))
    said = None if caption is None else tag("caption", caption)
    whole = tag("table", said, tag("thead", tag("tr", *head)), tag("tbody", *body))
    label = caption or "table"
    return tag("div", whole, class_="scroll", role="region", tabindex="0", aria_label=label)
