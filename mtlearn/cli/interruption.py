"""Whether the user interrupted, also where a parser in C made another error of it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def noted() -> Iterator[list[int]]:
    """A list that has the signal once it came; it raises KeyboardInterrupt as ever."""
    seen: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield seen  # signals are not ours to handle, or are ignored
        return

    def note(signum: int, frame: FrameType | None) -> None:
        seen.append(signum)
        before(signum, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)
