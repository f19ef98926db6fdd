"""A module here tests the notebook it is named after: test_stores.py runs notebooks/stores.py."""

import os
import runpy
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NOTEBOOKS = ROOT / "docs" / "notebooks"


@pytest.fixture(scope="module")
def source(request):
    return NOTEBOOKS / f"{Path(request.module.__file__).stem.removeprefix('test_')}.py"


@pytest.fixture(scope="module")
def notebook(source, tmp_path_factory):
    """The variables that the notebook leaves behind."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    with (
        pytest.MonkeyPatch.context() as patch,
        warnings.catch_warnings(),
        pyplot.rc_context({"backend": "agg"}),
    ):
        patch.chdir(tmp_path_factory.mktemp("notebook"))
        # a new process finds the library where this one has it
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")
        warnings.filterwarnings("ignore", category=DeprecationWarning)  # of others, among others
        found = runpy.run_path(str(source))
    pyplot.close("all")  # of too many open ones it warns
    return found
