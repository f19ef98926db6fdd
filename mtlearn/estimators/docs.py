"""Docstrings written once: what the bases of a public class document becomes part of its own.

A parameter is explained in the class that declares it, an attribute in the class that sets it;
:func:`documented` gathers them, so that ``help`` and the reference show a complete docstring.
"""

from __future__ import annotations

import inspect
import re
from typing import Any, TypeVar

Class = TypeVar("Class", bound=type)

SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)
ENTRY = re.compile(r"\n(?=\S)")


def documented(cls: Class) -> Class:
    """Complete the numpydoc docstring of an estimator from those of its dataclass bases.

    The paragraphs of the bases follow its own, the most basic class first; one that begins with
    "The loss is" gives way where the class has a loss of its own. Parameters come in the
    order of the signature, whose defaults are filled in; the other sections are those of the
    class and of its bases, one after the other.

    Raises
    ------
    KeyError
        For a parameter that no class explains.
    """
    if cls.__doc__ is None:  # python -OO
        return cls
    bases = [base for base in cls.__mro__[1:] if "__dataclass_params__" in vars(base)]
    summary, own = _parse(cls.__doc__)
    parsed = [_parse(base.__doc__) for base in bases]
    bodies = [text.partition("\n\n")[2] for text, _ in reversed(parsed)]
    if "_loss" in vars(cls):  # another one than that of its kind
        bodies = [_without(body, "The loss is") for body in bodies]
    text = "\n\n".join(filter(None, [summary, *bodies]))
    for title in ("Parameters", "Attributes", "See Also", "Notes", "References", "Examples"):
        found = [
            sections[title] for sections in (own, *(s for _, s in parsed)) if title in sections
        ]
        if title == "Parameters":
            found = _parameters(cls, found)
        if found:
            text += f"\n\n{title}\n{'-' * len(title)}\n" + "\n".join(found)
    cls.__doc__ = text + "\n"
    return cls


def _without(body: str, opening: str) -> str:
    """The paragraphs that do not begin like this."""
    return "\n\n".join(p for p in body.split("\n\n") if not p.startswith(opening))


def _parse(doc: str) -> tuple[str, dict[str, str]]:
    """What comes before the sections, and the text of each section."""
    lead, *rest = SECTION.split(inspect.cleandoc(doc))
    sections = {title: text.rstrip() for title, text in zip(rest[::2], rest[1::2], strict=True)}
    return lead.rstrip(), sections


def _parameters(cls: type, found: list[str]) -> list[str]:
    entries: dict[str, str] = {}
    for text in found:
        for entry in ENTRY.split(text):
            entries.setdefault(entry.partition(" : ")[0], entry)
    described = []
    for name, parameter in inspect.signature(cls).parameters.items():
        first, _, rest = entries[name].partition("\n")
        described.append(f"{first}, default={_shown(parameter.default)}\n{rest}")
    return described


def _shown(default: Any) -> str:
    return f'"{default}"' if isinstance(default, str) else repr(default)
