"""One BLAS thread: the tests' matrices are small, and small matrices are slower on many."""

import os
import sys
from importlib.util import find_spec

import pytest

for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")


@pytest.fixture
def run(monkeypatch, capsys):
    """Exit code, stdout, stderr of `mtlearn` with the arguments; a slow run says nothing more."""
    if find_spec("rich"):
        from mtlearn.cli import progress

        monkeypatch.setattr(progress, "EVERY", float("inf"))

    def run(*arguments):
        from mtlearn.cli import main

        monkeypatch.setattr(sys, "argv", ["mtlearn", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "120")
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def table(tmp_path):
    """A CSV file of eight shops."""
    from .command import shops  # not above: NumPy reads the number of threads when it is imported

    path = tmp_path / "shops.csv"
    shops().to_csv(path, index=False)
    return path
