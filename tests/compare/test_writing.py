"""Files are written whole or not at all, where a file in place would be."""

import os
import stat
from pathlib import Path

import pytest

from mtlearn.compare import writing
from mtlearn.compare.writing import write_whole

from ..checks import posix

FAILURES = [KeyboardInterrupt(), OSError(28, "No space left on device"), MemoryError()]


@pytest.mark.parametrize("failure", FAILURES, ids=repr)
@pytest.mark.parametrize("step", ["fsync", "chmod", "replace"])
def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch, failure, step):
    path = tmp_path / "o.csv"
    path.write_bytes(b"old")

    def fail(*_, **__):
        raise failure

    monkeypatch.setattr(writing.os, step, fail)
    with pytest.raises(type(failure)):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["o.csv"]
    monkeypatch.undo()
    write_whole(path, b"new")
    assert path.read_bytes() == b"new" and os.listdir(tmp_path) == ["o.csv"]


@posix
def test_permissions_are_those_that_a_file_in_place_would_have(tmp_path):
    plain = tmp_path / "plain"
    plain.write_text("")
    write_whole(tmp_path / "new", b"new")
    assert (tmp_path / "new").stat().st_mode == plain.stat().st_mode
    for mode in (0o600, 0o664, 0o640):
        plain.chmod(mode)
        write_whole(plain, b"new")
        assert stat.S_IMODE(plain.stat().st_mode) == mode
    if os.getuid() == 0:
        os.chown(plain, 1234, 1234)
        write_whole(plain, b"newer")
        assert (plain.stat().st_uid, stat.S_IMODE(plain.stat().st_mode)) == (1234, 0o640)


@posix
@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_its_file_is_replaced(tmp_path, there):
    target, link = tmp_path / "target", tmp_path / "sub" / "link"
    link.parent.mkdir()
    if there:
        target.write_text("old")
    link.symlink_to(Path("..") / "target")
    write_whole(link, b"new")
    assert link.is_symlink() and target.read_bytes() == b"new"
    assert os.listdir(link.parent) == ["link"]
