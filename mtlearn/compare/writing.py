"""Files that are written whole or not at all.

A file is written beside its place and moved there when it is complete, so that neither an
interruption nor a full disk leaves half a file where a good one was.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write the file, or leave what was there as it was.

    A link keeps pointing where it points, and the file that it names is replaced; permissions (and
    where that is allowed the owner) stay those of the file that was there.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    with written_whole(path) as file:
        file.write(content)


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[Any]:
    """A file to write piece by piece, which takes its place once all is written.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    place = Path(os.path.realpath(path))
    beside = _beside(place)
    try:
        with open(beside, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if place.exists():
            _keep_rights(place.stat(), beside)
        os.replace(beside, place)
    except BaseException:  # also an interruption
        with suppress(OSError):
            beside.unlink()
        raise


def why_not(path: str | os.PathLike[str]) -> str:
    """Why a file cannot be written there, in words that follow its name; empty if it can."""
    place = Path(os.path.realpath(path))
    try:
        if not place.parent.is_dir():
            return f"cannot be written: there is no folder {place.parent}"
        if place.is_dir():
            return "is a folder; give the name of a file in it"
        if place.exists() and not place.is_file():  # a device, a pipe: it would be replaced
            return "is no ordinary file; - is standard output"
        if place.exists() and not os.access(place, os.W_OK):
            return "cannot be written (no permission)"
        place.is_symlink()  # complains of a name that is too long
        beside = _beside(place)
        open(beside, "xb").close()  # there are more reasons than permissions
        beside.unlink()
    except OSError as error:
        return f"cannot be written ({error.strerror or error})"
    return ""


def _beside(place: Path) -> Path:
    return place.with_name(f".mtlearn-{secrets.token_hex(8)}")


def _keep_rights(old: os.stat_result, beside: Path) -> None:
    if hasattr(os, "chown"):
        with suppress(PermissionError):
            os.chown(beside, old.st_uid, old.st_gid)
    os.chmod(beside, stat.S_IMODE(old.st_mode))
