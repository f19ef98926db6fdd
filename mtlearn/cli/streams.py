"""Standard output and error whose reader may leave early, as in `mtlearn … | head -1`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any


class UntilClosed:
    """A stream that drops what nobody reads any longer, and writes ? for what it cannot spell."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        if hasattr(stream, "reconfigure") and stream.errors == "strict":
            stream.reconfigure(errors="replace")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, or drop."""
        self._try(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        """Flush, or drop."""
        self._try(self._stream.flush)

    def _try(self, call: Callable[..., Any], *args: Any) -> None:
        try:
            call(*args)
        except OSError as error:
            # what waits in the buffer would be tried, and complained of, again when Python ends
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._stream.fileno())
            os.close(null)
            if not isinstance(error, BrokenPipeError):
                raise


@contextmanager
def until_closed() -> Iterator[None]:
    """Let the readers of both streams leave when they like."""
    with redirect_stdout(UntilClosed(sys.stdout)), redirect_stderr(UntilClosed(sys.stderr)):
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
