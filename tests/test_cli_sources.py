"""What the command reads: text as people and programs write it, Excel, Parquet, standard input."""

import builtins
import gzip
import io
import sys

import numpy as np
import pandas as pd
import pytest

from mtlearn.cli.errors import SourceError
from mtlearn.cli.source import read_source

from .command import QUICK, shops

TRUTH = shops()


def read(path, *, target=("sales",), task="shop", drop=(), groups=None, **options):
    return read_source(str(path), list(target), task, drop, groups, **options)


def same_table(source, truth=TRUTH):
    pd.testing.assert_frame_equal(
        source.X[["price", "kind", "shop"]].assign(sales=source.y),
        truth[["price", "kind", "shop", "sales"]],
        check_dtype=False,
    )


def write_text(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


FORMATS = {
    "t.csv": lambda path: TRUTH.to_csv(path, index=False),
    "semicolons.csv": lambda path: TRUTH.to_csv(path, sep=";", index=False),
    "tabs.tsv": lambda path: TRUTH.to_csv(path, sep="\t", index=False),
    "tabs.txt": lambda path: TRUTH.to_csv(path, sep="\t", index=False),
    "t.csv.gz": lambda path: TRUTH.to_csv(path, index=False),
    "t.csv.bz2": lambda path: TRUTH.to_csv(path, index=False),
    "t.csv.xz": lambda path: TRUTH.to_csv(path, index=False),
    "t.csv.zip": lambda path: TRUTH.to_csv(path, index=False),
    "BOM.CSV": lambda path: TRUTH.to_csv(path, index=False, encoding="utf-8-sig"),
    "old-mac.csv": lambda path: TRUTH.to_csv(path, index=False, lineterminator="\r"),
    "windows.csv": lambda path: TRUTH.to_csv(path, index=False, lineterminator="\r\n"),
    "t.parquet": lambda path: TRUTH.to_parquet(path),
    "t.xlsx": lambda path: TRUTH.to_excel(path, index=False),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_one_table(tmp_path, name):
    FORMATS[name](tmp_path / name)
    source = read(tmp_path / name)
    same_table(source)
    assert source.notes == []


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8", "UTF_8"])
@pytest.mark.parametrize("decimal", [".", ","])
def test_encoding_and_decimal_mark(tmp_path, encoding, decimal):
    truth = TRUTH.assign(shop=TRUTH["shop"].str.replace("shop", "Läden"))
    path = tmp_path / "t.csv"
    truth.to_csv(path, sep=";", decimal=decimal, encoding=encoding, index=False)
    same_table(read(path, encoding=encoding, decimal=decimal), truth)


def test_decimal_commas_among_commas_and_in_cells_of_excel(tmp_path):
    TRUTH.to_csv(tmp_path / "t.csv", decimal=",", index=False, quoting=1)
    same_table(read(tmp_path / "t.csv", decimal=","))
    text = TRUTH.assign(price=TRUTH.price.map("{!r}".format).str.replace(".", ","))
    text.to_excel(tmp_path / "t.xlsx", index=False)
    same_table(read(tmp_path / "t.xlsx", decimal=","))


def test_decimal_commas_are_noticed_and_the_option_that_reads_them_is_said(run, tmp_path):
    path = tmp_path / "t.csv"
    TRUTH.assign(price=TRUTH.price.map("{:.3f}".format).str.replace(".", ",")).to_csv(
        path, sep=";", index=False
    )
    (note,) = read(path).notes
    assert "price looks like numbers with a decimal comma" in note and "--decimal ," in note
    with pytest.raises(SourceError, match=r"the target price looks like .* --decimal , makes"):
        read(path, target=["price"])


def test_standard_input(run, monkeypatch):
    class Stdin:
        buffer = io.BytesIO(TRUTH.to_csv(index=False).encode())

    monkeypatch.setattr(sys, "stdin", Stdin)
    code, printed, err = run("compare", "-", "--target", "sales", "--task", "shop", *QUICK)
    assert (code, err) == (0, "")
    assert "standard input: predicting sales for 112 rows" in printed


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
    two = "\n".join([header, *(f"{i},1,{row}" for i, row in enumerate(rows, 1))])
    with pytest.raises(SourceError, match="line 2 has 6 values and the header 4 names"):
        read(write_text(tmp_path / "two.csv", two))
    rows[7] += ",1"
    with pytest.raises(SourceError, match="Expected 4 fields in line 10, saw 5"):
        read(write_text(tmp_path / "one.csv", "\n".join(["# x", header, *rows])))


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
    (note,) = source.notes
    assert note.startswith("zip is read as text, since some") and "'00000'" in note


def test_sheets_by_name_number_and_default(tmp_path):
    path = tmp_path / "book.xlsx"
    other = TRUTH.assign(sales=-TRUTH.sales)
    with pd.ExcelWriter(path) as book:
        TRUTH.to_excel(book, sheet_name="North", index=False)
        other.to_excel(book, sheet_name="South 2024", index=False)
    source = read(path)
    same_table(source)
    assert source.notes == [
        "the first sheet, 'North', is read; --sheet takes another ('South 2024')."
    ]
    for sheet in ("South 2024", "2"):
        source = read(path, sheet=sheet)
        same_table(source, other)
        assert source.notes == []
    with pytest.raises(SourceError, match=r"no sheet 'south 2024'\. Did you mean 'South 2024'?"):
        read(path, sheet="south 2024")
    with pytest.raises(SourceError, match="no sheet '3'"):
        read(path, sheet="3")


def test_where_openpyxl_is_missing_the_way_round_it_is_said(run, tmp_path, monkeypatch):
    TRUTH.to_excel(tmp_path / "t.xlsx", index=False)
    for module in [m for m in sys.modules if m.split(".")[0] == "openpyxl"]:
        monkeypatch.delitem(sys.modules, module)
    known = builtins.__import__

    def without(name, *args, **options):
        if name.split(".")[0] == "openpyxl":
            raise ImportError("No module named 'openpyxl'", name="openpyxl")
        return known(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    code, _, err = run("compare", tmp_path / "t.xlsx", "--sheet", "a")
    assert code == 2 and err.count("\n") == 1
    assert 'pip install "scikit-mtlearn[excel]"' in err
    assert 'sheet_name="a").to_csv("t.csv", index=False)' in err


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


def test_an_option_that_would_be_passed_over_is_refused(tmp_path):
    TRUTH.to_parquet(tmp_path / "t.parquet")
    TRUTH.to_csv(tmp_path / "t.csv", index=False)
    for name, options in (
        ("t.parquet", {"encoding": "cp1252"}),
        ("t.parquet", {"decimal": ","}),
        ("t.csv", {"sheet": "1"}),
        ("exam", {"sheet": "1"}),
        ("exam", {"encoding": "utf-8"}),
    ):
        with pytest.raises(SourceError, match=f"--{next(iter(options))} is for "):
            read_source(name if name == "exam" else str(tmp_path / name), **options)
    with pytest.raises(SourceError, match="--decimal: ';' is neither"):
        read(tmp_path / "t.csv", decimal=";")


@pytest.mark.parametrize(
    ("content", "encoding", "words"),
    [
        (
            "a,b\n1,é".encode("cp1252"),
            None,
            r"is not UTF-8 text \(line 2, byte 0xe9\); say its",
        ),
        ("a,b\n1,é".encode("utf-16"), None, "is UTF-16 text; give --encoding utf-16"),
        (b"a,b\n1,\x81", "cp1252", r"is not cp1252 text \(line 2, byte 0x81\)"),
        (b"a,b\n", "utf9", "--encoding: there is no 'utf9'"),
        (b"a,b\n", "base64", "--encoding: there is no 'base64'"),
        (b"abc", "utf-16", "is not utf-16 text"),
    ],
)
def test_text_of_another_encoding_is_named_by_line(tmp_path, content, encoding, words):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(SourceError, match=words):
        read(tmp_path / "t.csv", encoding=encoding)


@pytest.mark.parametrize("name", ["t.xls", "t.ods", "t.xlsb"])
def test_a_spreadsheet_of_another_format_comes_with_the_line_that_converts_it(tmp_path, name):
    path = write_text(tmp_path / name, "")
    with pytest.raises(SourceError, match=r"save it as .xlsx or .csv, or pandas.read_excel\("):
        read(path)


def test_a_broken_archive_or_one_of_two_files_is_refused(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "two.csv.zip", "w") as archive:
        archive.writestr("a.csv", "a,b,c\n")
        archive.writestr("b.csv", "a,b,c\n")
    with pytest.raises(SourceError, match="holds 2 files; pack one table"):
        read(tmp_path / "two.csv.zip")
    for name in ("t.csv.gz", "t.csv.zip", "t.csv.xz", "t.csv.bz2", "t.xlsx"):
        with pytest.raises(SourceError, match="cannot be read as a table"):
            read(write_text(tmp_path / name, "a,b,c\n"))
