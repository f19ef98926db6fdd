"""Samples of the tasks have the likelihood of their rows, and where steps end is not theirs."""

from dataclasses import replace

import numpy as np
import pytest

from mtlearn import collect_moments
from mtlearn.moments import shuffle
from mtlearn.problems import blocks
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.moment import MomentProblem
from mtlearn.problems.moments import Moments
from mtlearn.selection.likelihood import blocked, products, samples
from mtlearn.selection.likelihood.blocked import BlockedModel
from mtlearn.selection.likelihood.common import CommonLikelihood
from mtlearn.selection.likelihood.mixed import MixedModel
from mtlearn.selection.likelihood.products import CrossProducts
from mtlearn.selection.likelihood.strengths import maximised
from mtlearn.selection.likelihood.variances import common_groups, fit_variances, own_groups
from mtlearn.solvers import spectrum

from .dense import draw
from .test_common import KNOWN
from .test_likelihood import LEVELS

OTHERS = {"pooled": (0.7, 0.01), "free": (0.01,), "none": (0.01,)}
FIRST = {"pooled": (0.2, 0.3), "free": (0.3,), "none": (0.3,)}


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Samples of few tasks, of small files and chunks."""
    for module in (samples, blocked):
        monkeypatch.setattr(module, "SHARES", (4, 2))
        monkeypatch.setattr(module, "ENOUGH", 2)
    monkeypatch.setattr(shuffle, "N_FILES", 8)
    monkeypatch.setattr(blocks, "PIECE_BYTES", 300)
    monkeypatch.setattr(spectrum, "CHUNK", 15)


def of_tasks(rows, tasks):
    """The moments of some tasks' rows."""
    kept = np.isin(rows.task, tasks)
    codes = np.searchsorted(tasks, rows.task[kept])
    return Moments.of_rows(rows.X[kept], rows.y[kept], codes, len(tasks))


def common(moments, levels, fixed=None):
    coupling = Coupling(np.inf, levels != "none")
    ones, zero = np.ones(moments.n_tasks), np.zeros(moments.n_features)
    problem = MomentProblem(moments, ones, coupling, origin=zero)  # where levels are measured
    return CommonLikelihood(problem, 0.0, KNOWN[levels], fixed=fixed)


SMALL = {"no column": (1.0, None), "one": ([1e-9, 1.0], None), "fixed": (1.0, [False, True])}


@pytest.mark.parametrize("small", SMALL)
@pytest.mark.parametrize("levels", LEVELS)
def test_two_variances_of_a_sample_are_those_of_its_tasks(levels, small):
    rows, (unit, fixed) = draw(3, levels=levels, n_tasks=30), SMALL[small]
    rows = replace(rows, X=rows.X * unit)
    fixed = None if fixed is None else np.array(fixed)
    whole = common(of_tasks(rows, np.arange(30)), levels, fixed)
    sizes = []
    for part in samples.samples_of(whole):
        tasks, _ = whole.chunks.some(4 if not sizes else 2)
        alone = common(of_tasks(rows, np.sort(tasks)), levels, fixed)
        for x in (FIRST[levels], OTHERS[levels]):
            a, b = part.at(np.array(x)), alone.at(np.array(x))
            zero = np.zeros(len(x))
            difference = alone.at(zero).value - b.value
            np.testing.assert_allclose(part.at(zero).value - a.value, difference, rtol=1e-9)
            found = part.derivatives(a), alone.derivatives(b)
            np.testing.assert_allclose(found[0].slope, found[1].slope, rtol=1e-8)
            np.testing.assert_allclose(found[0].hessian, found[1].hessian, rtol=1e-8)
        sizes.append(len(tasks))
    assert len(sizes) == 2 and sizes[0] < sizes[1] < 30


@pytest.mark.parametrize("levels", LEVELS)
def test_the_best_two_variances_are_those_of_all_tasks(levels, monkeypatch):
    whole = common(of_tasks(draw(3, levels=levels, n_tasks=30), np.arange(30)), levels)
    names, x = maximised(whole)
    monkeypatch.setattr(samples, "SHARES", ())
    expected = maximised(whole)
    assert names == expected[0]
    np.testing.assert_allclose(x, expected[1], rtol=1e-7)


def in_blocks(rows, folder, **options):
    found = collect_moments([(rows.X, rows.y, rows.task)], folder=folder)
    return BlockedModel(CrossProducts.of(found._folds[0], rows.levels), **options)


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("levels", LEVELS)
def test_a_sample_of_blocks_is_the_model_of_its_tasks(levels, restricted, tmp_path, monkeypatch):
    monkeypatch.setattr(products, "center_of", lambda moments: 0.0)
    rows = draw(5, levels=levels, n_tasks=40)
    how = {"restricted": restricted, "alpha_mean": 0.0}
    whole, sizes = in_blocks(rows, tmp_path, **how), []
    for part in whole.samples():
        tasks = part.A.xx.diagonal[:, 0]
        tasks = np.flatnonzero(np.isin(whole.A.xx.diagonal[:, 0], tasks))
        alone = MixedModel(CrossProducts.of(of_tasks(rows, tasks), levels), **how)
        E, values = own_groups(alone), []
        for scale in (0.0, 0.3, 2.0):
            theta = scale * np.linspace(0.5, 1.5, E.shape[1])
            a = np.flatnonzero(theta)
            one = part.at(a, np.diag(theta[a]))
            other = alone.at(a, np.diag((theta * (alone.scale / part.scale) ** 2)[a]))
            values.append((one.value, other.value))
        np.testing.assert_allclose(*np.diff(values, axis=0).T, rtol=1e-8)
        sizes.append(part.n_tasks)
    assert len(sizes) == 2 and sizes[0] < sizes[1] < 40


@pytest.mark.parametrize("groups", [own_groups, common_groups])
@pytest.mark.parametrize("alpha_mean", [0.0, 0.1, None])
@pytest.mark.parametrize("levels", LEVELS)
def test_variances_of_blocks_are_those_of_all_tasks(levels, alpha_mean, groups, tmp_path):
    rows = draw(5, levels=levels, n_tasks=40, sd=(1.0, 0.7, 0.3))
    how = {"restricted": True, "alpha_mean": alpha_mean}
    model = in_blocks(rows, tmp_path, **how)
    plain = MixedModel(CrossProducts.of(of_tasks(rows, np.arange(40)), levels), **how)
    found = fit_variances(model, groups(model), tol=1e-9)
    expected = fit_variances(plain, groups(plain), tol=1e-9)
    assert len(list(model.samples())) == 2
    np.testing.assert_allclose(found.Theta, expected.Theta, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.state.value, expected.state.value, rtol=1e-10)
