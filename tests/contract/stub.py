"""The stub of the package, from what it imports lazily: ``python -m tests.contract.stub``.

Signatures are written out: type checkers know nothing of scikit-learn's base classes, and would
take any keyword for one of theirs.
"""

import inspect
from pathlib import Path

import mtlearn

STUB = Path(mtlearn.__file__).with_suffix(".pyi")
HEAD = """\
# Written by `python -m tests.contract.stub`; change __init__.py instead.
from typing import Any

from mtlearn.base import __version__ as __version__
"""


def signature(Model):
    """``__init__`` of an estimator, its defaults left out."""
    lines, marked = ["    def __init__(", "        self,"], False
    for p in list(inspect.signature(Model.__init__).parameters.values())[1:]:
        if p.kind is p.KEYWORD_ONLY and not marked:
            lines.append("        *,")
            marked = True
        default = "" if p.default is p.empty else " = ..."
        kind = "Any" if p.annotation is p.empty else p.annotation
        lines.append(f"        {p.name}: {kind}{default},")
    return [*lines, "    ) -> None: ..."]


def text():
    """What ``__init__.pyi`` has to say."""
    imports, classes = [], []
    for module, names in sorted(mtlearn._NAMES.items()):
        for name in sorted(names):
            kind = hasattr(getattr(mtlearn, name), "get_params")  # others are made by functions
            imports.append(f"from {module} import {name} as {'_' * kind}{name}")
            if kind:
                own = signature(getattr(mtlearn, name))
                classes += ["", f"class {name}(_{name}):", *own]
    names = [f'    "{name}",' for name in mtlearn.__all__]
    return "\n".join([HEAD.rstrip(), *imports, *classes, "", "__all__ = [", *names, "]", ""])


if __name__ == "__main__":
    STUB.write_text(text(), encoding="utf-8")
