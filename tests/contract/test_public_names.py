"""What `from mtlearn import …` gives, to Python, to editors and to type checkers."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

import mtlearn

from .stub import STUB, text


def test_the_stub_says_what_the_package_has():
    assert STUB.read_text(encoding="utf-8") == text()


def test_every_name_is_there_and_is_completed():
    assert set(mtlearn.__all__) <= set(dir(mtlearn))
    for name in mtlearn.__all__:
        assert getattr(mtlearn, name).__name__ == name
        assert getattr(mtlearn, name).__module__.startswith(mtlearn._HOME[name])


def test_a_name_that_is_none_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'mtlearn' has no attribute 'GroupLaso'"):
        mtlearn.GroupLaso  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'GroupLaso'"):
        from mtlearn import GroupLaso  # noqa: F401


def test_importing_the_package_imports_no_solver():
    """Nor pandas, and no module of ours that is not asked for."""
    code = (
        "import sys, mtlearn; new = [m for m in sys.modules if m.startswith('mtlearn.')];"
        "assert new == ['mtlearn.base'], new;"
        "mtlearn.GroupLassoRegressor; assert 'mtlearn.solvers.choose' in sys.modules;"
        "assert 'mtlearn.compare' not in sys.modules and 'mtlearn.cli' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.long
@pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is a tool of development")
def test_a_misspelt_keyword_is_an_error_to_a_type_checker(tmp_path):
    file = tmp_path / "wrong.py"
    file.write_text(
        "from mtlearn import GroupLassoRegressor, TraceNormClassifierCV\n"
        "GroupLassoRegressor(0.1, l1_ratio=0.5, shared_mean=True, tol=1e-8)\n"
        "GroupLassoRegressor(0.1, l1_ratoi=0.5)\n"
        "TraceNormClassifierCV(cv=3, shared_mena=True)\n"
    )
    options = ["--no-error-summary", "--ignore-missing-imports", "--cache-dir", str(tmp_path)]
    run = subprocess.run(
        [sys.executable, "-m", "mypy", *options, str(file)],
        capture_output=True,
        text=True,
        env=os.environ | {"MYPYPATH": str(STUB.parents[1])},
    )
    lines = run.stdout.splitlines()
    assert [line.split(":")[1] for line in lines if ": error:" in line] == ["3", "4"], run.stdout
    assert "l1_ratoi" in run.stdout and "shared_mena" in run.stdout
