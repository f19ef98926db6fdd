"""One BLAS thread: the tests' matrices are small, and small matrices are slower on many."""

import os

import pytest

for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")


@pytest.fixture
def coarse(monkeypatch):
    """Comparisons tune their models with few fits: of tests that do not ask what they choose."""
    from mtlearn.compare import contenders, running  # not above: NumPy reads the number of threads

    monkeypatch.setattr(contenders, "N_ALPHAS", 4)
    monkeypatch.setattr(running, "INNER_FOLDS", 3)
