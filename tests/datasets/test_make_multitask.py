"""Generators: the truth they return is what the data are drawn from, with the structure asked."""

import numpy as np
import pandas as pd
import pytest

from mtlearn.datasets import make_multitask_classification, make_multitask_regression

STRUCTURES = ["mean", "group", "low_rank", "dirty", "clusters", "none"]
MAKERS = [make_multitask_regression, make_multitask_classification]


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("outlier_tasks", [0, 2])
def test_noise_free_rows_follow_the_coefficients(structure, outlier_tasks):
    options = dict(structure=structure, outlier_tasks=outlier_tasks, noise=0.0, random_state=1)
    stacked = make_multitask_regression(8, (3, 12), 12, **options)
    w, b = stacked.coef[stacked.task], stacked.intercept[stacked.task]
    np.testing.assert_allclose(stacked.target, (stacked.data * w).sum(axis=1) + b, atol=1e-13)

    shared = make_multitask_regression(8, 30, 12, shared_X=True, holes=0.3, **options)
    scores = shared.data @ shared.coef.T + shared.intercept
    seen = ~np.isnan(shared.target)
    np.testing.assert_allclose(shared.target[seen], scores[seen], atol=1e-13)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_signal_has_variance_one_on_average(structure):
    coef = make_multitask_regression(9, 2, 15, structure=structure, random_state=0).coef
    assert np.mean(np.sum(coef**2, axis=1)) == pytest.approx(1, abs=1e-12)
    coef = make_multitask_classification(
        9, 2, 15, structure=structure, signal=3.0, random_state=0
    ).coef
    assert np.mean(np.sum(coef**2, axis=1)) == pytest.approx(9, abs=1e-11)


def test_mean_structure_deviates_by_what_was_asked():
    same = make_multitask_regression(5, 2, 30, deviation=0, random_state=0)
    np.testing.assert_allclose(same.coef, np.tile(same.mean_coef, (5, 1)))
    problem = make_multitask_regression(400, 1, 2000, deviation=0.5, random_state=0)
    ratio = np.std(problem.coef - problem.mean_coef) / np.std(problem.mean_coef)
    # The standard error of the deviation of 2,000 draws is 1.6 %.
    assert ratio == pytest.approx(0.5, rel=0.08)


def test_group_structure_has_one_support():
    problem = make_multitask_regression(
        6, 2, 20, structure="group", n_informative=7, random_state=0
    )
    np.testing.assert_array_equal(problem.coef != 0, np.tile(problem.support, (6, 1)))
    assert problem.support.sum() == 7


@pytest.mark.parametrize("rank", [1, 3, 6])
def test_low_rank_structure_has_the_rank(rank):
    problem = make_multitask_regression(
        6, 2, 20, structure="low_rank", rank=rank, n_informative=9, random_state=0
    )
    assert np.linalg.matrix_rank(problem.coef) == rank
    np.testing.assert_array_equal((problem.coef != 0).any(axis=0), problem.support)
    assert problem.support.sum() == 9


def test_dirty_structure_is_common_rows_and_own_entries():
    problem = make_multitask_regression(
        6, 2, 20, structure="dirty", n_informative=5, n_specific=3, random_state=0
    )
    shared, specific = problem.shared_coef, problem.specific_coef
    np.testing.assert_array_equal(shared + specific, problem.coef)
    np.testing.assert_array_equal(shared != 0, np.tile(problem.support, (6, 1)))
    assert problem.support.sum() == 5
    np.testing.assert_array_equal((specific != 0).sum(axis=1), 3)
    assert not specific[:, problem.support].any()
    assert len(np.unique(specific != 0, axis=0)) > 1  # each task's own


def test_cluster_structure_has_equal_clusters_around_centers():
    options = dict(structure="clusters", n_clusters=3, random_state=0)
    tight = make_multitask_regression(11, 2, 8, deviation=0, **options)
    np.testing.assert_array_equal(tight.coef, tight.cluster_centers[tight.clusters])
    assert len(np.unique(tight.coef, axis=0)) == 3
    assert sorted(np.bincount(tight.clusters)) == [3, 4, 4]
    loose = make_multitask_regression(11, 2, 500, deviation=0.1, **options)
    distance = np.linalg.norm(loose.coef[:, None] - loose.cluster_centers, axis=2)
    np.testing.assert_array_equal(distance.argmin(axis=1), loose.clusters)


def test_no_structure_is_full_rank_dense_and_uncorrelated():
    coef = make_multitask_regression(20, 2, 5000, structure="none", random_state=0).coef
    assert np.linalg.matrix_rank(coef) == 20 and (coef != 0).all()
    between = np.corrcoef(coef)[np.triu_indices(20, 1)]
    assert np.abs(between).max() < 5 / np.sqrt(5000)


@pytest.mark.parametrize(("outlier_tasks", "n_outliers"), [(3, 3), (0.25, 3), (0, 0), (0.0, 0)])
def test_outlier_tasks_have_nothing_of_the_structure(outlier_tasks, n_outliers):
    options = dict(n_informative=5, outlier_tasks=outlier_tasks, random_state=0)
    problem = make_multitask_regression(12, 2, 20, structure="low_rank", rank=2, **options)
    odd = problem.outlier_tasks
    assert len(odd) == n_outliers
    regular = np.setdiff1d(np.arange(12), odd)
    assert np.linalg.matrix_rank(problem.coef[regular]) == 2
    assert np.linalg.matrix_rank(problem.coef) == 2 + n_outliers
    assert (problem.coef[odd] != 0).all() and not problem.coef[regular][:, ~problem.support].any()

    clusters = make_multitask_regression(12, 2, 20, structure="clusters", **options)
    assert (clusters.clusters[clusters.outlier_tasks] == -1).all()
    assert (np.delete(clusters.clusters, clusters.outlier_tasks) >= 0).all()

    dirty = make_multitask_regression(12, 2, 20, structure="dirty", **options)
    parts = dirty.shared_coef + dirty.specific_coef
    assert not parts[dirty.outlier_tasks].any()
    regular = np.setdiff1d(np.arange(12), dirty.outlier_tasks)
    np.testing.assert_array_equal(parts[regular], dirty.coef[regular])


@pytest.mark.parametrize("make", MAKERS)
def test_task_sizes(make):
    def sizes(n):
        return np.bincount(make(30, n, 2, random_state=0).task, minlength=30)

    assert (sizes(4) == 4).all()
    drawn = sizes((2, 5))
    assert set(drawn) == {2, 3, 4, 5}  # both ends possible
    asked = np.arange(1, 31)
    np.testing.assert_array_equal(sizes(asked), asked)
    np.testing.assert_array_equal(sizes(asked.tolist()), asked)


def test_shuffle_only_changes_the_order_of_tasks():
    options = dict(random_state=0)
    sorted_rows = make_multitask_regression(5, 6, 3, shuffle=False, **options)
    np.testing.assert_array_equal(sorted_rows.task, np.repeat(np.arange(5), 6))
    shuffled = make_multitask_regression(5, 6, 3, **options)
    assert (np.diff(shuffled.task) < 0).any()
    np.testing.assert_array_equal(np.bincount(shuffled.task), 6)


@pytest.mark.parametrize("make", MAKERS)
def test_task_labels_name_the_tasks(make):
    labels = ["north", "south", "east"]
    stacked = make(3, [2, 3, 4], 2, task_labels=labels, random_state=0)
    assert stacked.tasks.tolist() == labels
    assert pd.Series(stacked.task).value_counts()[labels].tolist() == [2, 3, 4]
    shared = make(3, 10, 2, task_labels=labels, shared_X=True, random_state=0)
    assert shared.target_names == labels


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("holes", [0.1, 0.5, 0.95])
def test_holes_are_exactly_the_fraction_and_leave_every_task_a_label(make, holes):
    bunch = make(10, 20, 3, shared_X=True, holes=holes, random_state=0)
    missing = np.isnan(bunch.target)
    assert bunch.target.shape == (20, 10) and bunch.task is None
    assert missing.sum() == round(200 * holes)
    assert not missing.all(axis=0).any()
    whole = make(10, 20, 3, shared_X=True, random_state=0)
    np.testing.assert_array_equal(bunch.target[~missing], whole.target[~missing])


def test_noise_is_what_was_asked():
    for options, sd in [({"noise": 0.5}, 0.5), ({"snr": 4.0}, 0.5), ({"snr": 0.25}, 2.0)]:
        bunch = make_multitask_regression(4, 5000, 3, shared_X=True, random_state=0, **options)
        residual = bunch.target - bunch.data @ bunch.coef.T - bunch.intercept
        assert bunch.noise == sd
        # 20,000 draws: the standard error of their deviation is 0.5 %.
        assert residual.std() == pytest.approx(sd, rel=0.025)


def test_intercepts_spread_as_asked():
    spread = make_multitask_regression(4000, 1, 2, intercept_spread=3.0, random_state=0)
    assert spread.intercept.std() == pytest.approx(3, rel=0.06)
    none = make_multitask_regression(10, 1, 2, intercept_spread=0, random_state=0)
    assert not none.intercept.any()


@pytest.mark.parametrize("shared_X", [False, True])
def test_labels_follow_the_logistic_model(shared_X):
    bunch = make_multitask_classification(5, 20_000, 4, shared_X=shared_X, random_state=0)
    if shared_X:
        scores = bunch.data @ bunch.coef.T + bunch.intercept
    else:
        scores = (bunch.data * bunch.coef[bunch.task]).sum(axis=1) + bunch.intercept[bunch.task]
    assert bunch.target.dtype.kind == "i" and set(np.unique(bunch.target)) == {0, 1}
    p = 1 / (1 + np.exp(-scores))
    # The score equations of the logistic model hold at the truth: for level, slope and curve.
    for weight in (np.ones_like(p), scores, scores**2):
        z = np.sum(weight * (bunch.target - p)) / np.sqrt(np.sum(weight**2 * p * (1 - p)))
        assert abs(z) < 5
    assert bunch.coef.shape == (5, 4)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("options", [{}, {"shared_X": True, "holes": 0.2}])
def test_a_seed_decides_everything(make, options):
    first, second = (make(6, 15, 4, random_state=5, **options) for _ in range(2))
    for key in ("data", "target", "coef", "intercept", "tasks", "support", "mean_coef"):
        np.testing.assert_array_equal(first[key], second[key])
    state = make(6, 15, 4, random_state=np.random.RandomState(5), **options)
    np.testing.assert_array_equal(first.target, state.target)
    assert not np.array_equal(first.data, make(6, 15, 4, random_state=6, **options).data)


def test_truth_does_not_depend_on_noise_or_size():
    one = make_multitask_regression(6, 15, 4, noise=0.1, random_state=5)
    two = make_multitask_regression(6, (1, 90), 4, noise=3, random_state=5)
    np.testing.assert_array_equal(one.coef, two.coef)
    np.testing.assert_array_equal(one.intercept, two.intercept)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("shared_X", [False, True])
def test_as_frame_holds_the_same_numbers(make, shared_X):
    options = dict(shared_X=shared_X, task_labels=list("abc"), random_state=0)
    plain, framed = make(3, 8, 2, **options), make(3, 8, 2, as_frame=True, **options)
    assert plain.frame is None
    np.testing.assert_array_equal(plain.data, framed.data)
    np.testing.assert_array_equal(plain.target, framed.target)
    targets = list("abc") if shared_X else ["task", "y"]
    assert list(framed.frame) == ["x0", "x1", *targets]
    if shared_X:
        assert framed.task is None
    else:
        assert framed.task.tolist() == plain.task.tolist() and framed.task_name == "task"


@pytest.mark.parametrize("structure", STRUCTURES)
def test_smallest_problem(structure):
    options = dict(structure=structure, rank=1, n_clusters=1, random_state=0)
    bunch = make_multitask_regression(1, 1, 1, **options)
    assert bunch.data.shape == bunch.coef.shape == (1, 1)
    assert abs(bunch.coef[0, 0]) == pytest.approx(1)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"structure": "tree"}, "structure is 'tree'; write one of mean, group"),
        ({"structure": ["mean"]}, "structure is .*write one of"),
        ({"n_tasks": 0}, "n_tasks is 0; write a whole number of at least 1"),
        ({"n_tasks": 2.0}, "n_tasks is 2.0"),
        ({"n_features": True}, "n_features is True"),
        ({"n_informative": 6}, "n_informative is 6; write a whole number from 1 to 5"),
        ({"structure": "dirty", "n_informative": 4, "n_specific": 2}, "n_specific is 2.*0 to 1"),
        ({"structure": "low_rank", "rank": 5}, "rank is 5; write a whole number from 1 to 4"),
        ({"structure": "low_rank", "rank": 3, "outlier_tasks": 2}, "rank is 3.*from 1 to 2"),
        ({"structure": "clusters", "n_clusters": 5}, "n_clusters is 5.*from 1 to 4"),
        ({"outlier_tasks": 4}, "outlier_tasks is 4; write a whole number from 0 to 3"),
        ({"outlier_tasks": 0.99}, "outlier_tasks is 0.99, which is all 4 tasks"),
        ({"outlier_tasks": 1.5}, "outlier_tasks is 1.5; write a finite number from 0 to 1"),
        ({"deviation": -1}, "deviation is -1; write a finite number of at least 0"),
        ({"intercept_spread": np.inf}, "intercept_spread is inf"),
        ({"holes": 0.1}, "holes is 0.1 with rows labelled by task; holes need shared_X=True"),
        ({"holes": 1.1, "shared_X": True}, "holes is 1.1; write a finite number from 0 to 1"),
        ({"holes": 0.9, "shared_X": True}, "holes is 0.9: 18 of 20.*must keep one"),
        ({"n_samples_per_task": 0}, "n_samples_per_task is 0"),
        ({"n_samples_per_task": (3, 2)}, r"n_samples_per_task\[1\] is 2; .*at least 3"),
        ({"n_samples_per_task": (3, 2, 4, 5)}, "a tuple is a range"),
        ({"n_samples_per_task": [3, 2, 4]}, "write 4 whole numbers of at least 1"),
        ({"n_samples_per_task": [3, 2, 4, 0]}, "write 4 whole numbers of at least 1"),
        ({"n_samples_per_task": (2, 3), "shared_X": True}, "with shared_X"),
        ({"task_labels": ["a", "b"]}, r"task_labels has shape \(2,\)"),
        ({"task_labels": ["a", "b", "c", "a"]}, "3 different labels; give 4 different ones"),
    ],
)
def test_bad_parameters_are_named_with_what_is_allowed(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**{"n_tasks": 4, "n_samples_per_task": 5, "n_features": 5, **options})


@pytest.mark.parametrize("options", [{"noise": -1}, {"snr": 0}, {"noise": np.nan}, {"noise": "1"}])
def test_bad_noise_is_refused(options):
    (name,) = options
    with pytest.raises(ValueError, match=f"{name} is .*write a finite number"):
        make_multitask_regression(**options)


def test_bad_signal_is_refused():
    with pytest.raises(ValueError, match="signal is -2; write a finite number of at least 0"):
        make_multitask_classification(signal=-2)
