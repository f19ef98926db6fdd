"""One BLAS thread, few fits in comparisons, and which cases of a test are run where."""

import os
from pathlib import Path
from zlib import crc32

import pytest

from .pairs import divided

# The tests' matrices are small, and small matrices are slower on many threads.
for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

# Drawn problems against closed forms, cvxpy and each other. What makes them right is our algebra,
# the same on all versions: of each test's cases every fifth is repeated on the oldest.
ARITHMETIC = (
    "adapting",
    "contract/test_certificate.py",
    "contract/test_feature_weight.py",
    "contract/test_hard_input.py",
    "contract/test_known_truths.py",
    "contract/test_reference.py",
    "contract/test_scales.py",
    "losses",
    "penalties",
    "problems",
    "selection/likelihood",
    "solvers",
)
REPEATED = 5
HERE = Path(__file__).parent


def pytest_addoption(parser):
    parser.addoption(
        "--every-case",
        action="store_true",
        help="run stacked parametrisations whole, and not only what every pair of values takes",
    )


@pytest.hookimpl(tryfirst=True)  # before -m is asked
def pytest_collection_modifyitems(config, items):
    """Leave out what no pair of values takes; mark most cases of arithmetic as long."""
    if not config.getoption("every_case"):
        items[:], left_out = divided(items)
        config.hook.pytest_deselected(items=left_out)
    mark_arithmetic(items)


def mark_arithmetic(items):
    """Mark as long what is arithmetic, but the first case of every test and every fifth other.

    Which ones is drawn by name: every fifth in order could be always the same family.
    """
    arithmetic = [HERE / part for part in ARITHMETIC]
    seen = set()
    for item in items:
        if not any(item.path == one or one in item.path.parents for one in arithmetic):
            continue
        test = item.nodeid.partition("[")[0]
        if test in seen and crc32(item.nodeid.encode()) % REPEATED:
            item.add_marker(pytest.mark.long)
        seen.add(test)


@pytest.fixture
def coarse(monkeypatch):
    """Comparisons tune their models with few fits: of tests that do not ask what they choose."""
    from mtlearn.compare import contenders, running  # not above: NumPy reads the number of threads

    monkeypatch.setattr(contenders, "N_ALPHAS", 4)
    monkeypatch.setattr(running, "INNER_FOLDS", 3)
