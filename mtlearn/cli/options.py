"""The options of the command: what each is called, takes and says of itself."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from mtlearn.compare.contenders import ALL, BASELINES, DEFAULT, MULTITASK
from mtlearn.compare.rivals import RIVALS

READING, ASKING, ANSWERING = "The table", "The comparison", "What comes out"


class Question(StrEnum):
    """The choices of --kind."""

    AUTO = "auto"
    REGRESSION = "regression"
    CLASSIFICATION = "classification"


class Losses(StrEnum):
    """The choices of --loss."""

    SQUARED = "squared"
    POISSON = "poisson"
    HUBER = "huber"
    QUANTILE = "quantile"
    MULTINOMIAL = "multinomial"


class Cells(StrEnum):
    """The choices of --bad-cells."""

    MISSING = "missing"
    ERROR = "error"
    CATEGORY = "category"


Source = Annotated[
    str,
    typer.Argument(
        help="A CSV, Excel or Parquet file, a folder of CSV or Parquet files, the name of a "
        "built-in data set, or - for CSV on standard input.",
        show_default=False,
    ),
]
Target = Annotated[
    list[str] | None,
    typer.Option(
        help="The column to predict; of several (separated by commas, or the option repeated) "
        "each is a task.",
        show_default=False,
        rich_help_panel=READING,
    ),
]
Task = Annotated[
    str | None,
    typer.Option(help="The column that names the task of each row.", rich_help_panel=READING),
]
Drop = Annotated[
    list[str] | None,
    typer.Option(help="Columns to leave out, separated by commas.", rich_help_panel=READING),
]
Groups = Annotated[
    str | None,
    typer.Option(
        help="A column of repeated units (a person), kept on one side of each fold.",
        rich_help_panel=READING,
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(help="Of text, where it is not UTF-8: cp1252, utf-16, …", rich_help_panel=READING),
]
Decimal = Annotated[
    str | None,
    typer.Option(help="The decimal mark of text: , or .", rich_help_panel=READING),
]
Sheet = Annotated[
    str | None,
    typer.Option(
        help="The sheet of an Excel file, by its name or number (by default the first).",
        rich_help_panel=READING,
    ),
]
Batches = Annotated[
    bool | None,
    typer.Option(
        "--batches/--no-batches",
        help="Read the table in batches, for targets that are numbers; by default if its files "
        "take 100 MB or more, or it is a folder.",
        show_default=False,
        rich_help_panel=READING,
    ),
]
RowBatches = Annotated[
    bool | None,
    typer.Option(
        "--batches/--no-batches",
        help="Read the rows and write the answers in batches; by default if the files take 100 MB "
        "or more, or it is a folder.",
        show_default=False,
        rich_help_panel=READING,
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        help=f"Multi-task models, separated by commas: {', '.join(MULTITASK)} "
        f"(by default {', '.join(DEFAULT)}), or {ALL} that suit the table. "
        f"{' and '.join('+' + name for name in RIVALS)} come in addition: what people "
        "would use otherwise.",
        rich_help_panel=ASKING,
    ),
]
Kind = Annotated[
    Question,
    typer.Option(
        help="Whether the target is a number or a class; auto: text and what has two values "
        "are classes.",
        rich_help_panel=ASKING,
    ),
]
Loss = Annotated[
    Losses,
    typer.Option(
        help="What an error costs: of numbers, poisson is for counts and huber for outliers; "
        "multinomial takes classes for one choice among all of them.",
        rich_help_panel=ASKING,
    ),
]
Quantile = Annotated[
    float | None,
    typer.Option(
        help="The quantile of --loss quantile, such as 0.9; 0.5 if you do not say.",
        show_default=False,
        rich_help_panel=ASKING,
    ),
]
Exposure = Annotated[
    str | None,
    typer.Option(
        help="Beside --loss poisson, the column with that over which each row counted: years, "
        "persons.",
        rich_help_panel=ASKING,
    ),
]
BadCells = Annotated[
    Cells,
    typer.Option(
        help="What text in a column of numbers is (such as n.d.): missing, an error, or a "
        "reason to take the column as categories.",
        rich_help_panel=ASKING,
    ),
]
Folds = Annotated[
    str,
    typer.Option(
        help="Number of outer folds; time:COLUMN holds out what comes later in a column of times "
        "or numbers, in 5 folds (time:COLUMN:3: in 3).",
        metavar="N|time:COLUMN",
        rich_help_panel=ASKING,
    ),
]
NewTasks = Annotated[
    bool,
    typer.Option(
        "--new-tasks",
        help="Also score predictions for tasks never seen.",
        rich_help_panel=ASKING,
    ),
]
Seed = Annotated[int, typer.Option(help="Decides folds and samples.", rich_help_panel=ASKING)]
Full = Annotated[
    bool,
    typer.Option(
        "--full", help="All tasks and models, however long it takes.", rich_help_panel=ASKING
    ),
]
Out = Annotated[
    str | None,
    typer.Option(
        help="Write the result of every task to this file: .csv, .csv.gz, .tsv, .json or "
        ".parquet; - is CSV on standard output, in place of the report.",
        metavar="FILE",
        rich_help_panel=ANSWERING,
    ),
]
Json = Annotated[
    str | None,
    typer.Option(
        help="Write all of the result to this .json file: verdict, table, tasks, settings, "
        "versions; - is standard output, in place of the report.",
        metavar="FILE",
        rich_help_panel=ANSWERING,
    ),
]
Report = Annotated[
    str | None,
    typer.Option(
        help="Write a page for readers to this .html file: verdict, tables, pictures, what was "
        "done; - is standard output, in place of the report.",
        metavar="FILE",
        rich_help_panel=ANSWERING,
    ),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", help="Print nothing but what is wrong.", rich_help_panel=ANSWERING),
]
FailIfNoGain = Annotated[
    bool,
    typer.Option(
        "--fail-if-no-gain",
        help="End with exit code 1 unless the answer is Yes.",
        rich_help_panel=ANSWERING,
    ),
]
Model = Annotated[
    str,
    typer.Option(
        help="auto compares the default models and takes that of the least error on held-out "
        f"rows; or one of {', '.join(MULTITASK)}, and the baselines {', '.join(BASELINES)}.",
        rich_help_panel=ASKING,
    ),
]
Save = Annotated[
    str | None,
    typer.Option(
        help="The file of the model: .skops, or .joblib and .pkl, which run code when loaded.",
        metavar="FILE",
        rich_help_panel=ANSWERING,
    ),
]
SavedModel = Annotated[
    str, typer.Argument(help="A file that mtlearn fit saved.", show_default=False)
]
NewSource = Annotated[
    str,
    typer.Argument(
        help="A CSV, Excel or Parquet file with the columns of the one that was fitted (its target "
        "may be missing), or - for CSV on standard input.",
        show_default=False,
    ),
]
Predictions = Annotated[
    str,
    typer.Option(
        help="Write the predictions to this file: .csv, .csv.gz, .tsv, .json or .parquet; - is "
        "CSV on standard output.",
        metavar="FILE",
        rich_help_panel=ANSWERING,
    ),
]
Keep = Annotated[
    list[str] | None,
    typer.Option(
        help="Columns of the table to write beside the predictions, separated by commas.",
        rich_help_panel=ANSWERING,
    ),
]
Coverage = Annotated[
    float | None,
    typer.Option(
        help="Share of new observations that the intervals (low, high) cover; 0.9 if you do not "
        "say. For random-slopes of a number.",
        show_default=False,
        rich_help_panel=ANSWERING,
    ),
]
Trust = Annotated[
    bool,
    typer.Option(
        "--trust",
        help="Load a .joblib or .pkl file, which runs the code in it.",
    ),
]
To = Annotated[
    str | None,
    typer.Option(
        help="A table of coefficients (.csv, .csv.gz, .tsv, .json or .parquet; - is CSV on "
        "standard output), or a query that predicts (.sql).",
        metavar="FILE",
        rich_help_panel=ANSWERING,
    ),
]
TableName = Annotated[
    str | None,
    typer.Option(
        help="The table of the rows to predict, in the SQL; by default the name of the file that "
        "was fitted.",
        show_default=False,
        rich_help_panel=ANSWERING,
    ),
]
