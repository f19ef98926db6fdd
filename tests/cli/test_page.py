"""``--report FILE.html``: a page beside or in place of what the command prints."""

import shlex

import pandas as pd
import pytest

from mtlearn.cli import comparing, outputs
from mtlearn.report import report_html

from ..command import OPTIONS, QUICK, shops
from ..report.reading import Page

pytest.importorskip("matplotlib")


def test_the_page_is_written_beside_the_report(run, table, known):
    page, answer = table.with_name("page.html"), table.with_name("answer.json")
    code, printed, err = run(
        "compare", table, "--report", page, "--json", answer, "--quiet", *OPTIONS
    )
    assert (code, printed, err) == (0, "", "")
    assert page.read_text(encoding="utf-8") == report_html(known) and answer.exists()
    code, printed, _ = run("compare", table, "--report", page, *OPTIONS)
    assert code == 0 and f"Wrote {page} (a page)." in printed


def test_a_dash_is_standard_output(run, table, known):
    code, printed, _ = run("compare", table, "--report", "-", *OPTIONS)
    assert code == 0 and printed == report_html(known)


def test_the_table_is_never_written_over(run, table, monkeypatch):
    monkeypatch.setattr(comparing, "read_source", lambda *_, **__: pytest.fail("read the table"))
    page = table.rename(table.with_suffix(".html"))
    content = page.read_bytes()
    code, _, err = run("compare", page, "--report", page, *OPTIONS)
    assert code == 2 and f"--report {page} is the source itself" in err
    code, _, err = run("compare", table, "--report", page, "--out", page, *OPTIONS)
    assert code == 2
    assert page.read_bytes() == content


def test_without_matplotlib_the_extra_is_named_before_the_work(run, table, monkeypatch):
    monkeypatch.setattr(comparing, "read_source", lambda *_, **__: pytest.fail("read the table"))
    found = outputs.find_spec
    page = table.with_name("page.html")
    monkeypatch.setattr(
        outputs, "find_spec", lambda name: None if name == "matplotlib" else found(name)
    )
    code, printed, err = run("compare", table, "--report", page, *OPTIONS)
    assert (code, printed) == (2, "") and err.count("\n") == 1
    assert '"scikit-mtlearn[demo,plot]"' in err and not page.exists()


def test_the_command_on_the_page_repeats_it(run, tmp_path):
    frame = shops().rename(columns={"shop": 'the shop\'s "name"', "kind": "<b> $x"})
    table = tmp_path / "the shops.csv"
    frame.assign(sales=frame["sales"].round(3)).to_csv(table, index=False)
    first, again = tmp_path / "first.html", tmp_path / "again.html"
    options = ["--target", "sales", "--task", 'the shop\'s "name"', "--drop", "<b> $x", *QUICK]
    assert run("compare", table, *options, "--seed", 3, "--report", first, "--quiet")[0] == 0
    page = Page(first.read_text(encoding="utf-8"))
    command = shlex.split("".join(page.texts).split("Do it again")[1])
    assert command[:3] == ["mtlearn", "compare", str(table)]
    assert run(*command[1:], "--report", again, "--quiet")[0] == 0
    assert again.read_bytes() == first.read_bytes()
    assert pd.read_csv(table).shape == frame.shape
