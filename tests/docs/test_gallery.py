"""The notebooks of the documentation: each has a module of tests in notebooks/, which runs it."""

import runpy
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "docs" / "notebooks").glob("*.py"))
TESTS = Path(__file__).parent / "notebooks"


def test_there_are_tests_for_each_notebook():
    assert {path.stem for path in NOTEBOOKS} == {
        path.stem.removeprefix("test_") for path in TESTS.glob("test_*.py")
    }


def test_the_order_of_the_gallery_has_each_notebook():
    listed = runpy.run_path(str(NOTEBOOKS[0].parents[1] / "gallery_order.py"))["NOTEBOOKS"]
    assert sorted(listed) == [path.stem for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_nothing_private_is_used(path):
    text = path.read_text(encoding="utf-8")
    assert "._" not in text and "import _" not in text
