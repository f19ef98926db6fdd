"""The command line, `mtlearn compare SOURCE` and what comes after it: fit, predict, export.

``app`` has the commands, ``fit``, ``predict`` and ``export`` what the later ones do; ``files`` read
tables, ``large`` those that are read in batches, ``comparing`` either; ``source`` picks their
columns, ``new_rows`` those of a model (``same_label`` its labels);
``saved`` keeps models, ``linear_form`` and ``sql`` write them; ``outputs`` writes files, ``report``
and ``progress`` print. This file stands before them: it says in one line which extra to install
where something they need is missing, and sees to it that a program can go by the exit code.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable

from mtlearn.cli.errors import UNUSABLE
from mtlearn.cli.interruption import noted
from mtlearn.cli.streams import until_closed

INTERRUPTED = 130  # what shells give for Ctrl-C


def main(name: str = "mtlearn") -> None:
    """Run the command line."""
    with noted() as interrupted:
        try:
            _run(name)
        except SystemExit:
            if interrupted:  # and pandas, say, spoke of a file that cannot be read
                sys.exit(INTERRUPTED)
            raise


def _run(name: str) -> None:
    try:
        with until_closed():
            _app()(prog_name=name)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OSError as error:  # standard output on a full disk, say
        print(f"mtlearn: {error}", file=sys.stderr)
        sys.exit(UNUSABLE)
    except Exception:  # Python's own exit code would be 1, which is that of --fail-if-no-gain
        traceback.print_exc()
        print(
            "mtlearn: this is a fault of mtlearn; please report the lines above.", file=sys.stderr
        )
        sys.exit(UNUSABLE)


def _app() -> Callable[..., None]:
    try:
        from mtlearn.cli.app import app
    except ImportError as error:
        if (error.name or "").split(".")[0] == "mtlearn":
            raise
        print(
            f"mtlearn: the command line needs {error.name}, which is not installed: "
            'python -m pip install "scikit-mtlearn[demo]"',
            file=sys.stderr,
        )
        sys.exit(UNUSABLE)
    return app
