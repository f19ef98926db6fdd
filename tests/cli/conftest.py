"""The command run in this process, a table to give it, and an answer that is computed once."""

import sys
from importlib.util import find_spec

import pytest

from mtlearn.compare import compare_tasks

from ..command import shops


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
    path = tmp_path / "shops.csv"
    shops().to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def result():
    """What the command answers of the shops; frozen, so that no test changes it for another."""
    frame = shops()
    y = frame.pop("sales")
    return compare_tasks(frame, y, task_column="shop", models=["mean-regularized"], cv=2)


@pytest.fixture
def answers(monkeypatch):
    """Makes the command answer what is given."""
    from mtlearn.cli import comparing

    return lambda result: monkeypatch.setattr(comparing, "compare_tasks", lambda *_, **__: result)


@pytest.fixture
def known(answers, result):
    """The command with its answer known."""
    answers(result)
    return result
