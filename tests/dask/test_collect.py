"""Moments by Dask are those of the same rows in memory; every partition is made once."""

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

import mtlearn
import mtlearn.dask
from mtlearn.dask.collecting import deal
from mtlearn.dask.cutting import cut
from mtlearn.exceptions import MissingTargetWarning
from mtlearn.moments import shares
from mtlearn.moments.shares import Options
from mtlearn.table import TableEncoder

from .drawn import NAMED, TIMES, assert_same, counted, rows, table, whole

FEATURES = ["a", "b", "c"]
FEW, MANY = {"T": 7}, {"T": 400}  # moments go on, and rows do


def frames(parts, **options):
    """A lazy table of frames as they are, whatever Dask thinks of their types."""
    parts = [dask.delayed(part) for part in parts]
    return dd.from_delayed(parts, meta=rows(0, n=1), verify_meta=False)


@pytest.mark.parametrize("options", [{}, {"n_folds": 3}, {"n_folds": 2, "group_column": "shop"}])
@pytest.mark.parametrize("how", [FEW, MANY])
@pytest.mark.parametrize("partitions", [1, 6, 14])
def test_columns_of_a_frame(partitions, how, options):
    found = mtlearn.dask.collect_moments(table(partitions=partitions, **how), **NAMED, **options)
    wanted = mtlearn.collect_moments([whole(partitions, **how)], **NAMED, **options)
    assert_same(found, wanted)


def test_rows_that_wait_are_added_now_and_then(monkeypatch):
    monkeypatch.setattr(shares, "ROW_BYTES", 2000)
    found = mtlearn.dask.collect_moments(table(partitions=20, **MANY), n_folds=2, **NAMED)
    assert_same(found, mtlearn.collect_moments([whole(20, **MANY)], n_folds=2, **NAMED))


@pytest.mark.parametrize("how", [FEW, MANY])
def test_parts_of_a_frame_with_weights(how):
    frame, held = table(**how), whole(**how)
    weight = held["a"].abs() + 0.1
    parts = frame[FEATURES], frame["sold"]
    found = mtlearn.dask.collect_moments(
        *parts, task=frame["shop"], sample_weight=frame["a"].abs() + 0.1, n_folds=3
    )
    chunk = held[FEATURES], held["sold"], held["shop"], weight
    assert_same(found, mtlearn.collect_moments([chunk], n_folds=3))


@pytest.mark.parametrize("unknown", [False, True])
def test_arrays_cut_in_both_directions(unknown):
    held = whole(**MANY)
    X, y, shop = (held[c].to_numpy() for c in (FEATURES, "sold", "shop"))
    blocks = da.from_array(X, chunks=(100, 2)), da.from_array(y, chunks=90)
    task = da.from_array(shop, chunks=100)
    if unknown:
        kept = [da.from_array(one, chunks=100) for one in (X[:, 0] > -1, y, shop)]
        blocks, task = (blocks[0][kept[0]], kept[1][kept[0]]), kept[2][kept[0]]
        X, y, shop = (one[X[:, 0] > -1] for one in (X, y, shop))
    found = mtlearn.dask.collect_moments(*blocks, task=task, n_folds=2)
    assert_same(found, mtlearn.collect_moments([(X, y, shop)], n_folds=2))


@pytest.mark.parametrize("holes", [False, True])
def test_several_targets(holes):
    held = whole().assign(other=lambda t: t["a"] - t["sold"])
    if holes:
        held.loc[::5, "sold"] = np.nan
    frame = dd.from_pandas(held, npartitions=20)
    options = {"target_column": ["sold", "other"], "weight_column": "shop", "n_folds": 2}
    wanted = mtlearn.collect_moments([held], **options)
    assert_same(mtlearn.dask.collect_moments(frame, **options), wanted)
    targets, names = held[["other", "sold"]], ["other", "sold"]
    found = mtlearn.dask.collect_moments(frame[FEATURES], frame[names])
    assert_same(found, mtlearn.collect_moments([(held[FEATURES], targets)]))


def test_one_task():
    held = whole()
    found = mtlearn.dask.collect_moments(table()[FEATURES], table()["sold"])
    assert_same(found, mtlearn.collect_moments([(held[FEATURES], held["sold"])]))


@pytest.mark.parametrize("kind", ["category", "string", "string[pyarrow]", object, "float64"])
def test_labels_count_by_value(kind):
    """In each partition others, in another order, with other codes."""
    parts = []
    for k in range(5):
        part = rows(k)
        labels = part["shop"] + k % 3
        part["shop"] = labels.astype(float) if kind == "float64" else "shop " + labels.astype(str)
        part["shop"] = part["shop"].astype(kind)
        if kind == "category":
            part["shop"] = part["shop"].cat.set_categories(part["shop"].unique())
        parts.append(part)
    held = pd.concat([part.astype({"shop": object}) for part in parts]).infer_objects()
    found = mtlearn.dask.collect_moments(frames(parts), n_folds=2, **NAMED)
    assert_same(found, mtlearn.collect_moments([held], n_folds=2, **NAMED))


def test_partitions_without_rows_and_columns_in_another_order():
    parts = [rows(0, n=0), rows(1), rows(2, n=0), rows(3)[["c", "sold", "a", "shop", "b"]], rows(4)]
    found = mtlearn.dask.collect_moments(frames(parts), n_folds=2, **NAMED)
    assert_same(found, mtlearn.collect_moments(parts, n_folds=2, **NAMED))


@pytest.mark.parametrize("how", [FEW, MANY])
def test_rows_without_a_target_are_counted_once(how):
    parts = [rows(k, **how) for k in range(6)]
    for part in parts[1:]:
        part.loc[part["shop"] == 6, "sold"] = np.nan
    parts[1]["sold"] = np.nan
    parts[0].loc[parts[0]["shop"] == 6, "shop"] = 0  # so that it has no row with a target
    n = sum(part["sold"].isna().sum() for part in parts)
    with pytest.warns(MissingTargetWarning) as caught:
        found = mtlearn.dask.collect_moments(frames(parts), **NAMED)
    assert [str(one.message).split(" rows")[0] for one in caught] == [f"{n:,}"]
    with pytest.warns(MissingTargetWarning):
        assert_same(found, mtlearn.collect_moments(parts, **NAMED))


def test_an_encoder_reads_every_partition():
    parts = [rows(k).assign(kind=lambda t: np.where(t["a"] > 0, "new", "old")) for k in range(5)]
    parts[3].loc[:9, "b"] = np.nan
    encoder = TableEncoder(task_column="shop").fit(parts[0].drop(columns="sold"))
    parts[2].loc[:4, "kind"] = "strange"
    frame = dd.from_delayed([dask.delayed(p) for p in parts], meta=parts[0][:1], verify_meta=False)
    with pytest.warns(UserWarning, match=r"'kind' \(5 rows: 'strange'\)"):
        found = mtlearn.dask.collect_moments(frame, encoder=encoder, n_folds=2, **NAMED)
    with pytest.warns(UserWarning, match=r"'kind' \(5 rows: 'strange'\)"):
        assert_same(found, mtlearn.collect_moments(parts, encoder=encoder, n_folds=2, **NAMED))


def test_rows_about_a_far_origin():
    """Each partition has a pivot of its own."""
    parts = [rows(k, **MANY) + {"a": 1e7, "b": 0, "c": 0, "shop": 0, "sold": 0} for k in range(5)]
    found = mtlearn.dask.collect_moments(frames(parts), **NAMED)
    wanted = mtlearn.collect_moments(parts, **NAMED)
    model = mtlearn.MeanRegularizedRegressor(1.0)
    coef = [mtlearn.fit_moments(model, one).coef_.copy() for one in (found, wanted)]
    np.testing.assert_allclose(*coef, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("how", [FEW, MANY])
def test_every_partition_is_computed_once(how):
    frame = table(counted, **how)
    TIMES.clear()
    mtlearn.dask.collect_moments(frame, n_folds=2, **NAMED)
    assert TIMES == dict.fromkeys(range(6), 1)
    TIMES.clear()
    weight = frame["b"] - frame["b"] + 1
    X, y = frame[FEATURES], frame["sold"]
    mtlearn.dask.collect_moments(X, y, task=frame["shop"], sample_weight=weight)
    assert TIMES == dict.fromkeys(range(6), 1)
    blocks = [da.from_delayed(dask.delayed(counted)(k), (np.nan, 5), float) for k in range(6)]
    array = da.concatenate(blocks, allow_unknown_chunksizes=True).map_blocks(np.asarray)
    TIMES.clear()
    mtlearn.dask.collect_moments(array[:, :3], array[:, 4], task=array[:, 3])
    assert TIMES == dict.fromkeys(range(6), 1)


def test_blocks_have_no_task_in_common():
    blocks, reads = deal(cut(table(**MANY)), Options(**NAMED, n_folds=2), n_deals=5)
    found = [one for one in dask.compute(*blocks) if one is not None]
    tasks = np.concatenate([one.tasks for one in found])
    assert len(found) == 5 and len(reads) == 6
    assert sorted(tasks) == mtlearn.collect_moments([whole(**MANY)], **NAMED).tasks.tolist()
    assert min(len(one.tasks) for one in found) > 0.5 * len(tasks) / 5  # dealt evenly
