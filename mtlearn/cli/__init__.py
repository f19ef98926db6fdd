"""The command line, `mtlearn compare SOURCE`.

``source`` reads a table, ``app`` has the commands, ``report`` prints. This file stands before
them to say, in one line, which extra to install where something they need is missing.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
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
        sys.exit(2)
    app(prog_name="mtlearn")
