"""How the command ends: exit codes for programs, quiet, readers who leave."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pandas as pd
import pytest

from mtlearn.cli import comparing

from ..checks import posix
from ..command import OPTIONS


@pytest.mark.parametrize(
    ("failure", "code", "words"),
    [
        (KeyboardInterrupt(), 130, ""),
        (ValueError("no\nsuch thing"), 2, "mtlearn: no such thing\n"),
        (MemoryError(), 2, "mtlearn: there is not enough memory"),
        (RuntimeError("oops"), 2, "RuntimeError: oops\nmtlearn: this is a fault of mtlearn; ple"),
        (TypeError("oops"), 2, "TypeError: oops\nmtlearn: this is a fault of mtlearn; ple"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_run_that_ends_early_leaves_old_results(
    run, table, tmp_path, monkeypatch, failure, code, words
):
    def fail(*_, **__):
        raise failure

    monkeypatch.setattr(comparing, "compare_tasks", fail)
    out = tmp_path / "o.csv"
    out.write_text("old")
    ended, _, err = run("compare", table, "--out", out, "--fail-if-no-gain", *OPTIONS)
    assert ended == code and words in err and out.read_text() == "old"


@pytest.mark.parametrize("helps", [True, False])
@pytest.mark.parametrize("asked", [True, False])
def test_no_gain_fails_where_that_was_asked_for(run, table, result, answers, helps, asked):
    answers(replace(result, helps=helps))
    options = ["--quiet", *["--fail-if-no-gain"] * asked]
    code, printed, err = run("compare", table, *options, *OPTIONS)
    assert code == int(asked and not helps) and printed == err == ""


def test_quiet_says_no_more_than_errors(run, table, monkeypatch):
    from mtlearn.cli import progress

    monkeypatch.setattr(progress, "EVERY", -1)
    out = table.with_name("o.csv")
    assert run("compare", table, "--quiet", "--out", out, *OPTIONS) == (0, "", "")
    assert len(pd.read_csv(out)) == 8
    code, printed, err = run("compare", table, "--quiet", "--out", table, *OPTIONS)
    assert code == 2 and printed == "" and err.startswith("mtlearn: --out")


@pytest.mark.parametrize(
    "wrong", [["--folds", "two"], ["--folds", "1"], ["--nope"], ["--kind", "x"]]
)
def test_options_that_cannot_be_read_end_with_2(run, table, wrong):
    code, printed, _ = run("compare", table, *OPTIONS, *wrong)
    assert code == 2 and printed == ""


@pytest.mark.parametrize("given", [[], [""], ["--task", "shop"]])
def test_a_source_that_is_missing_ends_with_2(run, given):
    code, printed, err = run("compare", *given)
    assert code == 2 and printed == "" and err != "" and "Traceback" not in err


def command(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "mtlearn", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def besides_progress(err):
    """What stands on standard error besides the lines that a slow run writes there."""
    return "".join(line for line in err.splitlines(True) if " models fitted, " not in line)


@posix
@pytest.mark.parametrize("what", ["--help", "report", "--json"])
def test_a_reader_who_leaves_is_no_error(table, what):
    out = table.with_name("o.csv")
    arguments = {
        "--help": ["compare", "--help"],
        "report": ["compare", table, "--out", out, *OPTIONS],
        "--json": ["compare", table, "--json", "-", "--out", out, *OPTIONS],
    }[what]
    running = command(*arguments)
    running.stdout.close()  # as head does, only sooner
    assert besides_progress(running.stderr.read()) == "" and running.wait() == 0
    assert what == "--help" or len(pd.read_csv(out)) == 8


@posix
def test_standard_output_on_a_full_disk_is_an_error(table):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "mtlearn", "compare", "--help"],
            stdout=full, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    assert done.returncode == 2 and done.stderr == "mtlearn: [Errno 28] No space left on device\n"


@posix
def test_an_interruption_ends_with_130_and_without_a_traceback(table, tmp_path):
    out = tmp_path / "o.csv"
    out.write_text("old")
    running = command("compare", "-", "--out", out, *OPTIONS, stdin=subprocess.PIPE)
    running.stdin.write("a,b,c\n" * 100_000)  # more than a pipe holds: the command reads by now
    running.send_signal(signal.SIGINT)
    _, err = running.communicate()
    assert running.returncode == 130 and "Traceback" not in err and out.read_text() == "old"


@posix
def test_an_interruption_that_a_parser_takes_for_its_own_error_is_one(run, table, monkeypatch):
    def read(*arguments, **options):
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)  # until the handler has run
        except KeyboardInterrupt:
            raise ValueError("Calling read(nbytes) on source failed.") from None

    monkeypatch.setattr(pd, "read_csv", read)
    # A shell has its jobs in the background ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert run("compare", table, *OPTIONS)[0] == 130
    finally:
        signal.signal(signal.SIGINT, before)


def test_what_a_terminal_cannot_spell_is_a_question_mark(table):
    running = command("compare", table, *OPTIONS, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    out, err = running.communicate()
    assert (running.returncode, besides_progress(err)) == (0, "") and "R?" in out


def test_python_m_mtlearn_is_the_command():
    running = command("--version")
    out, err = running.communicate()
    import mtlearn

    assert (running.returncode, out, err) == (0, f"mtlearn {mtlearn.__version__}\n", "")


def test_help_says_the_exit_codes(run):
    code, printed, _ = run("compare", "--help")
    printed = " ".join(printed.split())
    assert code == 0
    for words in ("Exit codes: 0 it ran", "1 --fail-if-no-gain and", "2 no answer", "130 interr"):
        assert words in printed
