"""What the command reads: text of other people, Excel, Parquet, standard input."""

import builtins
import io
import sys

import pandas as pd
import pytest

from mtlearn.cli.errors import SourceError

from ..command import OPTIONS, TRUTH, read, same_table, write_text

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


def test_a_target_with_decimal_commas_names_the_option_that_reads_them(tmp_path):
    path = tmp_path / "t.csv"
    TRUTH.assign(price=TRUTH.price.map("{:.3f}".format).str.replace(".", ",")).to_csv(
        path, sep=";", index=False
    )
    assert read(path).notes == []  # of a feature, compare says it
    with pytest.raises(SourceError, match=r"the target price looks like .* --decimal , makes"):
        read(path, target=["price"])


def test_standard_input(run, monkeypatch):
    class Stdin:
        buffer = io.BytesIO(TRUTH.to_csv(index=False).encode())

    monkeypatch.setattr(sys, "stdin", Stdin)
    code, printed, err = run("compare", "-", *OPTIONS)
    assert (code, err) == (0, "")
    assert "standard input: predicting sales for 112 rows" in printed
    Stdin.buffer = io.BytesIO(b"sales,shop,price\n1,a,2\n2,b,inf\n")
    code, printed, err = run("compare", "-", "--target", "sales", "--task", "shop")
    assert code == 2 and err.startswith("mtlearn: standard input: line 3, column 3 (price) is inf")


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
    assert 'sheet_name="a").to_csv("new.csv", index=False)' in err


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
            read(name if name == "exam" else tmp_path / name, **options)
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
        archive.writestr("a.csv", TRUTH.to_csv(index=False))
        archive.writestr("__MACOSX/._a.csv", "")
    same_table(read(tmp_path / "two.csv.zip"))
    with zipfile.ZipFile(tmp_path / "two.csv.zip", "a") as archive:
        archive.writestr("b.csv", "a,b,c\n")
    with pytest.raises(SourceError, match="holds 2 files; pack one table"):
        read(tmp_path / "two.csv.zip")
    for name in ("t.csv.gz", "t.csv.zip", "t.csv.xz", "t.csv.bz2", "t.xlsx"):
        with pytest.raises(SourceError, match="cannot be read as a table"):
            read(write_text(tmp_path / name, "a,b,c\n"))
