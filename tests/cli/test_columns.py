"""What lines and columns of a file become, and where in it something is wrong."""

import gzip

import numpy as np
import pandas as pd
import pytest

from mtlearn.cli.errors import SourceError
from mtlearn.compare.task_table import read_table
from mtlearn.compare.unusable import leave_out_unusable

from ..command import TRUTH, read, same_table, shops, write_text


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("# by hand\n", ["Line 1 begins with # and is skipped as a comment."]),
        ("\n# by; hand\n#\n  \n# 2, of us\n",
         ["Lines 2 to 5 begin with # and are skipped as comments."]),
        ("\n\n", []),
    ],
)  # fmt: skip
def test_comments_before_the_header_are_skipped_and_named(tmp_path, before, said):
    source = read(write_text(tmp_path / "t.csv", before + TRUTH.to_csv(index=False)))
    same_table(source)
    assert source.notes == said


def test_a_header_that_begins_like_a_comment_is_the_header(tmp_path):
    """As NumPy's savetxt writes it."""
    path = tmp_path / "t.csv"
    numbers = np.random.default_rng(0).normal(size=(8, 2)), np.repeat([1, 2], 4)[:, None]
    np.savetxt(path, np.hstack(numbers), delimiter=",", header="x,y,t")
    source = read(path, target=["y"], task="t")
    assert list(source.X.columns) == ["# x", "t"] and len(source.X) == 8


def test_a_skipped_header_is_spoken_of_where_its_column_is_not_found(tmp_path):
    text = TRUTH.to_csv(index=False)
    path = write_text(tmp_path / "t.csv", "#" + text.replace("price,kind", "price, or so,kind", 1))
    with pytest.raises(SourceError, match=r"no column 'sales'.*Line 1 begins with # and is skip"):
        read(path)


def row_of(text, line):
    return text.splitlines()[line - 1]


@pytest.mark.parametrize("spelling", ["inf", "-inf", "Infinity"])
@pytest.mark.parametrize("column", ["price", "sales"])
@pytest.mark.parametrize("packed", [False, True])
def test_infinities_are_named_by_line_and_column(tmp_path, spelling, column, packed):
    frame = TRUTH.astype({column: object})
    frame.loc[5, column] = frame.loc[40, column] = spelling
    frame.loc[2, "kind"] = "a\nb"  # a value of two lines, and a blank line
    text = "# comment\n" + frame.to_csv(index=False).replace("\n", "\n\n", 1)
    path = tmp_path / ("t.csv.gz" if packed else "t.csv")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    with pytest.raises(SourceError) as error:
        read(path)
    line, place = str(error.value).split("line ")[1].split(", column ")
    assert spelling in row_of(text, int(line))
    assert place.startswith(f"{1 + list(TRUTH.columns).index(column)} ({column}) is infinite")
    assert "(and 1 more in this column)" in place
    if column == "price":
        assert list(read(path, drop=["price"]).X) == ["kind", "shop"]


def test_a_text_may_be_long(tmp_path):
    frame = TRUTH.assign(remark=["x" * 200_000, *["y"] * (len(TRUTH) - 1)])
    frame.to_csv(tmp_path / "t.csv", index=False)
    assert read(tmp_path / "t.csv").X["remark"].str.len().max() == 200_000
    frame.loc[5, "price"] = np.inf
    frame.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(SourceError, match="line 7, column 1"):
        read(tmp_path / "t.csv")


def test_infinities_of_typed_files_are_named_by_row(tmp_path):
    frame = TRUTH.copy()
    frame.loc[5, "price"] = np.inf
    frame.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(SourceError, match=r"row 6, column 1 \(price\) is infinite, inf; leave"):
        read(tmp_path / "t.parquet")


HEADER = "the columns 1 and 3; give them different names"


def test_two_columns_of_one_name_are_refused_with_their_positions(tmp_path):
    text = "sales,kind,sales,shop\n1,a,2,x\n3,b,4,y\n"
    for sep in ",;\t":
        path = write_text(tmp_path / f"t{ord(sep)}.csv", "# note\n" + text.replace(",", sep))
        with pytest.raises(SourceError, match=f"has 2 columns called 'sales', {HEADER}"):
            read(path)
    rows = [line.split(",") for line in text.split()]
    pd.DataFrame(rows).to_excel(tmp_path / "t.xlsx", header=False, index=False)
    with pytest.raises(SourceError, match=f"has 2 columns called 'sales', {HEADER}"):
        read(tmp_path / "t.xlsx")
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.table([[1.0, 2], ["a", "b"], [2.0, 3], ["x", "y"]], names=rows[0])
    parquet.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(SourceError, match=f"has 2 columns called 'sales', {HEADER}"):
        read(tmp_path / "t.parquet")
    text = "a,sales,a,a,shop\n1,2,3,4,x\n5,6,7,8,y\n"
    with pytest.raises(SourceError, match="3 columns called 'a', the columns 1, 3 and 4;"):
        read(write_text(tmp_path / "t.csv", text))


def test_names_that_are_numbers_and_the_index_of_a_frame_are_columns(tmp_path):
    frame = TRUTH.rename(columns={"price": 2023, "kind": 2024})
    frame[2025] = [f"{i:03d}" for i in range(len(frame))]
    frame.to_excel(tmp_path / "t.xlsx", index=False)
    frame.to_csv(tmp_path / "t.csv", index=False)
    for name in ("t.xlsx", "t.csv"):
        source = read(tmp_path / name)
        assert list(source.X) == ["2023", "2024", "2025", "shop"] and source.X["2025"][7] == "007"
    TRUTH.set_index(["shop", "kind"]).to_parquet(tmp_path / "t.parquet")
    same_table(read(tmp_path / "t.parquet"))


def test_columns_without_a_name_are_told_apart(tmp_path):
    path = write_text(tmp_path / "t.csv", ",sales,,shop\n1,2,3,x\n5,6,7,y\n")
    assert list(read(path).X) == ["Unnamed: 0", "Unnamed: 2", "shop"]


def test_rows_longer_than_the_header_do_not_shift_the_columns(tmp_path):
    """pandas would take the first column for an index and call the others by the next name."""
    header, *rows = TRUTH.to_csv(index=False).splitlines()
    trailing = "\n".join([header, *(row + "," for row in rows)])
    same_table(read(write_text(tmp_path / "trailing.csv", trailing)))
    names = "\n".join([header, *(f"{i},{row}" for i, row in enumerate(rows, 1))])  # as R writes
    source = read(write_text(tmp_path / "names.csv", names))
    assert list(source.X["Unnamed: 0"]) == list(range(1, len(TRUTH) + 1))
    same_table(source)
    assert source.notes[0].startswith("the header has one name fewer than the rows have values")
    one = "\n".join([names, "x,a,shop 1,2.5"])  # which would be shifted
    with pytest.raises(SourceError, match="line 114 has 4 values where 5 are expected"):
        read(write_text(tmp_path / "one.csv", one))
    two = "\n".join([header, *(f"{i},1,{row}" for i, row in enumerate(rows, 1))])
    with pytest.raises(SourceError, match="line 2 has 6 values where 4 are expected"):
        read(write_text(tmp_path / "two.csv", two))
    rows[7] += ",1"
    with pytest.raises(SourceError, match="Expected 4 fields in line 10, saw 5"):
        read(write_text(tmp_path / "one.csv", "\n".join(["# x", header, *rows])))


def test_rows_that_end_early_are_counted_and_the_first_is_named(tmp_path):
    text = "\n" + TRUTH.to_csv(index=False)
    path = write_text(tmp_path / "t.csv", text[: text.rindex(",")])  # cut off while it was sent
    (first,) = read(path, target=["price"], task="kind").notes
    assert first.startswith(
        "1 row has fewer values than the header has names (the first on line 114)"
    )
    lines = text.splitlines()
    lines[50] = lines[90] = "0.5,a"
    assert read(write_text(path, "\n".join(lines))).notes[0].startswith("2 rows have")
    frame = TRUTH.assign(last=np.where(np.arange(len(TRUTH)) % 3 == 0, "", "x"))
    frame.to_csv(path, index=False)  # missing, but there
    assert read(path).notes == []


@pytest.mark.parametrize(
    ("written", "labels"),
    [
        ({0: "007", 1: "7", 2: "12", 3: "12.0"}, ["007", "12", "7"]),
        ({0: "7", 1: "8", 2: "12", 3: "12.0"}, [7, 8, 12]),
        ({0: "0", 1: "0.5", 2: "12", 3: "12"}, [0.0, 0.5, 12.0]),
    ],
)
@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_labels_with_leading_zeros_are_tasks_of_their_own(tmp_path, written, labels, ending):
    frame = shops(n_tasks=4)
    frame["shop"] = frame["person"] = pd.Series(np.repeat(np.arange(4), 14)).map(written)
    path = tmp_path / f"t.{ending}"
    frame.to_csv(path, index=False) if ending == "csv" else frame.to_excel(path, index=False)
    source = read(path, groups="person")
    assert sorted(source.X["shop"].unique()) == labels
    assert sorted(source.groups.unique()) == labels and source.notes == []


def test_features_with_leading_zeros_stay_text_and_targets_numbers(tmp_path):
    frame = TRUTH.assign(zip=[f"{i:05d}" for i in range(len(TRUTH))], plain=range(len(TRUTH)))
    frame["sales"] = [f"{i % 9:03d}" for i in range(len(frame))]
    frame.to_csv(tmp_path / "t.csv", index=False)
    source = read(tmp_path / "t.csv")
    assert list(source.X["zip"][:2]) == ["00000", "00001"] and source.X["plain"].sum() > 0
    assert source.y.sum() == sum(i % 9 for i in range(len(frame)))
    assert source.notes == []  # the comparison says what it makes of the column
    notes = leave_out_unusable(read_table(source.X, source.y, None, "shop", None)).notes
    (note,) = (note for note in notes if "zip" in note)
    assert "zip is left out: " in note and "zeros in front, such as '00000'" in note


def test_several_targets_by_commas_and_a_column_with_a_comma(tmp_path):
    frame = TRUTH.rename(columns={"price": "a", "sales": "b"}).assign(c=TRUTH.sales)
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    for target in (["b,c"], ["b, c"], ["b", "c"], ["b,c", "b"]):
        source = read(path, target=target, task=None)
        assert list(source.y.columns) == ["b", "c"] and list(source.X) == ["a", "kind", "shop"]
    with pytest.raises(SourceError, match="--target: there is no column 'q'"):
        read(path, target=["b,q"], task=None)
    frame["b,c"] = frame.b + 1
    frame["a,kind"] = frame.a
    frame.to_csv(path, index=False)
    source = read(path, target=["b,c"], drop=["a,kind", "b,c" * 0])
    assert source.y.name == "b,c" and list(source.X) == ["a", "kind", "b", "c", "shop"]


@pytest.mark.parametrize(
    ("name", "what"), [("sales", "target"), ("shop", "task"), ("person", "groups")]
)
def test_columns_with_a_part_of_their_own_cannot_be_dropped(tmp_path, name, what):
    path = tmp_path / "t.csv"
    TRUTH.assign(person=np.arange(len(TRUTH)) // 2).to_csv(path, index=False)
    with pytest.raises(SourceError, match=f"--drop: '{name}' is the {what} column"):
        read(path, drop=[f"kind,{name}"], groups="person")


@pytest.mark.parametrize(
    ("asked", "meant"), [("SHOP", "shop"), (" shop ", "shop"), ("shpo", "shop"), ("Knid", "kind")]
)
def test_what_was_meant_by_a_name(tmp_path, asked, meant):
    TRUTH.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(SourceError, match=f"there is no column .*Did you mean '{meant}'?"):
        read(tmp_path / "t.csv", task=asked)
