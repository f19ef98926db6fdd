"""Forms in which graphs of tasks are given, also those that were misread, and what is warned of."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtlearn import GraphTasksClassifier, GraphTasksRegressor

from ..checks import STRICT
from .test_graph_tasks import adjacency, table

pytestmark = STRICT


def weights_of(graph, task, X, y, **more):
    return GraphTasksRegressor(graph=graph, **more).fit(X, y, task=task).graph_.toarray()


class TestFormsThatWereMisread:
    def test_frames_of_pairs(self):
        X, y, task = table(20)
        pairs = [(0, 1, 2.0), (1, 2, 1.0), (4, 3, 0.5)]
        expected = weights_of(pairs, task, X, y)
        frame = pd.DataFrame(pairs, columns=["one", "other", "weight"], index=list("pqr"))
        np.testing.assert_array_equal(weights_of(frame, task, X, y), expected)
        np.testing.assert_array_equal(weights_of(pl.from_pandas(frame), task, X, y), expected)
        names = np.array(list("vwxyz"))
        text = pd.DataFrame({"a": names[[0, 1, 4]], "b": names[[1, 2, 3]], "c": [2.0, 1.0, 0.5]})
        np.testing.assert_array_equal(weights_of(text, names[task], X, y), expected)
        # labels on the left and in the columns: nobody can tell
        with pytest.raises(ValueError, match="pairs of tasks, or the places of tasks"):
            weights_of(pd.DataFrame([(0, 1), (1, 2)]), task, X, y)
        with pytest.raises(ValueError, match="pairs of tasks, or the places of tasks"):
            weights_of(pd.DataFrame({"a": [0, 1, 3], "b": [1, 2, 4]}), task, X, y)
        places = pd.DataFrame({"north": [0, 9, 30, 70, 150], "east": [5, 6, 7, 8, 9]}, index=names)
        as_places = weights_of(places, names[task], X, y, n_neighbors=1)
        given = dict(zip(names, places.to_numpy(), strict=True))
        same = weights_of(given, names[task], X, y, n_neighbors=1)
        np.testing.assert_array_equal(as_places, same)

    def test_a_matrix_of_polars_has_its_labels_above(self):
        X, y, task = table(21)
        names, A = np.array(list("zyxwv")), adjacency([(0, 1, 2.0), (1, 4)])
        frame = pd.DataFrame(A, index=list(names), columns=list(names))
        ours = weights_of(pl.from_pandas(frame), names[task], X, y)
        np.testing.assert_array_equal(ours, weights_of(frame, names[task], X, y))
        with pytest.raises(ValueError, match="5 columns without labels on its left"):
            weights_of(pl.from_pandas(frame)[:3], names[task], X, y)

    @pytest.mark.parametrize("kind", [list("vwxyz"), range(2000, 2005), range(5)])
    def test_a_frame_with_its_labels_in_two_orders(self, kind, tmp_path):
        X, y, task = table(23)
        names, A = np.array(kind), adjacency([(0, 1, 2.0), (1, 4), (2, 3, 0.5)])
        frame = pd.DataFrame(A, index=list(names), columns=list(names))
        frame.to_csv(tmp_path / "graph.csv")
        as_read = pd.read_csv(tmp_path / "graph.csv", index_col=0)  # labels above are text
        some, others = [3, 1, 0, 2, 4], [4, 3, 2, 0, 1]
        for given in (frame.iloc[some], frame.iloc[:, some], frame.iloc[some, others], as_read):
            np.testing.assert_array_equal(weights_of(given, names[task], X, y), A)
        for lacking in (frame.iloc[:4], frame.iloc[:, :4], frame.iloc[:4, 1:]):
            with pytest.raises(ValueError, match="is not on both sides"):
                weights_of(lacking, names[task], X, y)

    def test_places_in_a_frame_whose_columns_have_no_names(self):
        X, y, task = table(24)
        places = np.array([[0.0, 5], [9, 6], [30, 7], [70, 8], [150, 9]])
        found = weights_of(pd.DataFrame(places), task, X, y, n_neighbors=1)
        given = dict(enumerate(places))
        np.testing.assert_array_equal(found, weights_of(given, task, X, y, n_neighbors=1))

    @pytest.mark.parametrize("form", ["dok_array", "dok_matrix", "lil_array", "coo_matrix"])
    def test_sparse_matrices_of_every_form(self, form):
        X, y, task = table(22)
        A = adjacency([(0, 1, 2.0), (1, 4), (2, 3)])
        np.testing.assert_array_equal(weights_of(getattr(sparse, form)(A), task, X, y), A)

    def test_a_pair_from_both_ends_is_one_pair(self):
        X, y, task = table(23)
        once = weights_of([(0, 1), (1, 2, 3.0)], task, X, y)
        twice = weights_of([(0, 1), (1, 0), (1, 2, 3.0), (2, 1, 3.0)], task, X, y)
        np.testing.assert_array_equal(twice, once)

    def test_places_that_coincide_have_as_many_neighbours(self):
        """Ten tasks at one place: each has its three, and so it is with one beside the others."""
        X, y, task = table(24, n_tasks=12)
        places = {t: (float(t > 9), 0.0) for t in range(12)}
        A = weights_of(places, task, X, y, n_neighbors=3)
        assert (A[:10, :10].sum(axis=1) >= 3).all() and A[:10, 10:].sum() <= 4
        assert np.count_nonzero(np.triu(A)) <= 12 * 3
        alone = weights_of(dict.fromkeys(range(12), 0.0), task, X, y, n_neighbors=1)
        assert np.count_nonzero(np.triu(alone)) <= 12

    def test_text_that_is_numbers_is_in_their_order(self):
        X, y, task = table(25, n_tasks=4)
        names = np.array(["2", "10", "1.5", "100"])
        A = weights_of("path", names[task], X, y)  # tasks_ are 1.5, 10, 100, 2
        np.testing.assert_array_equal(A, adjacency([(0, 3), (3, 1), (1, 2)], 4))

    def test_text_of_the_same_words_is_in_the_order_of_its_numbers(self):
        X, y, task = table(25, n_tasks=4)
        ordered = adjacency([(0, 2), (2, 3), (3, 1)], 4)
        for names in (["w2", "w10", "w1", "w3"], ["3-2", "3-10", "3-1", "3-9"]):  # 1, 10, 2, 3 or 9
            A = weights_of("path", np.array(names)[task], X, y)
            np.testing.assert_array_equal(A, ordered)
        others = np.array(["w2", "v10", "w1", "w3"])  # other words: as text
        chain = adjacency([(0, 1), (1, 2), (2, 3)], 4)
        np.testing.assert_array_equal(weights_of("path", others[task], X, y), chain)

    def test_a_misspelt_label_is_named(self):
        X, y, task = table(26, n_tasks=3)
        names = np.array(["Kent", "Surrey", "Essex"])[task]
        with pytest.warns(UserWarning, match="'Kemt'.*'Kent'.*misspelt"):
            weights_of([("Kemt", "Surrey"), ("Surrey", "Essex")], names, X, y)
        with warnings.catch_warnings():  # a label without rows, and tasks that are alone, are fine
            warnings.simplefilter("error")
            weights_of([("Kent", "Sussex"), ("Sussex", "Surrey"), ("Kent", "Essex")], names, X, y)
            weights_of([("Kent", "Surrey")], names, X, y)

    @pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, pd.DataFrame])
    def test_a_notebook_shows_a_model_with_a_matrix(self, form):
        model = GraphTasksRegressor(graph=form(adjacency([(0, 1)])))
        assert "graph" in model._repr_html_()
        assert "graph" in make_pipeline(StandardScaler(), model)._repr_html_()
        assert model.get_params()["graph"] is model.graph


class TestSeparableClasses:
    def draw(self, apart):
        """Two parts of two tasks; in the second one plane tells the classes apart, or not."""
        rng = np.random.default_rng(27)
        task = np.arange(120) % 4
        X = rng.normal(size=(120, 2))
        y = X[:, 0] + rng.normal(size=120) > 0
        rule = X[:, 1] > 0 if apart == "together" else (X[:, 1] > 0) ^ (task == 3)
        y = np.where((task >= 2) & (apart != "never"), rule, y)
        return X, y, task

    @pytest.mark.parametrize("level", [0.0, 0.3])
    @pytest.mark.parametrize("apart", ["together", "each its own way", "never"])
    def test_a_warning_names_the_part(self, apart, level):
        X, y, task = self.draw(apart)
        pairs = [(0, 1), (2, 3)]
        model = GraphTasksClassifier(alpha=0.1, graph=pairs, alpha_intercept=level)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(X - X.mean(axis=0) * (level > 0), y, task=task)
        said = [str(one.message) for one in caught if "no finite best value" in str(one.message)]
        if apart == "together" and level == 0:
            assert len(said) == 1 and "1 connected part" in said[0] and "tasks 2, 3" in said[0]
        elif apart != "together":  # the penalty holds what differs
            assert not said

    def test_several_targets_and_classes(self):
        rng = np.random.default_rng(28)
        X = rng.normal(size=(60, 2))
        Y = np.column_stack([X[:, 0] > 0, X[:, 0] > 0.3, X[:, 1] + rng.normal(size=60) > 0])
        with pytest.warns(UserWarning, match="tasks 0, 1.*no finite best value"):
            GraphTasksClassifier(alpha=0.1, graph=[(0, 1)]).fit(X, Y)
        kind = np.where(X[:, 0] > 0.5, "c", np.where(X[:, 1] + rng.normal(size=60) > 0, "a", "b"))
        with pytest.warns(UserWarning, match="no finite best value"):
            GraphTasksClassifier(alpha=0.1, alpha_intercept=0.0).fit(
                X, kind, task=np.arange(60) % 2
            )


def test_answers_to_strangers_are_called_what_they_are():
    X, y, task = table(29)
    model = GraphTasksRegressor().fit(X, y, task=task)
    with pytest.warns(UserWarning, match="answered by the average of all tasks"):
        found = model.predict(X[:2], task=[99, 99])
    each = [model.predict(X[:2], task=[t, t]) for t in model.tasks_]
    np.testing.assert_allclose(found, np.mean(each, axis=0))
