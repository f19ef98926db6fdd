"""A saved model as a query that predicts inside a database.

Standard SQL, the same for SQLite, PostgreSQL and DuckDB: coefficients of the tasks as a table of
values, joined to the rows on their task. What the table pipeline does to a column is done in place:
a missing number is its mean, a level is its coefficient, a level not seen that of the rare ones.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mtlearn.cli.errors import SourceError
from mtlearn.cli.linear_form import LinearForm
from mtlearn.cli.saved import Saved

FAR = 700  # log-odds beyond which EXP leaves the range of floats
LARGEST = 2**63  # and past it databases round, which makes one of several tasks
TABLES = ("mtlearn_values", "mtlearn_coefficients", "mtlearn_shared")  # of the query


def sql_of(saved: Saved, form: LinearForm, table: str) -> str:
    """The query; all names and labels are quoted.

    Raises
    ------
    SourceError
        If a name or a label is or holds what no database takes.
    """
    query = _Query(saved, form, table)
    return f"{query.header()}{query.text()};\n"


def quoted(name: str) -> str:
    """A name as an identifier.

    Examples
    --------
    >>> print(quoted('size "net"; x'))
    "size ""net""; x"
    """
    return '"' + _checked(name).replace('"', '""') + '"'


def literal(value: Any) -> str:
    """A label or a number as a constant.

    Examples
    --------
    >>> print(literal("O'Brien"), literal(0.5), literal(3), literal(True))
    'O''Brien' 0.5e0 3 TRUE
    """
    if isinstance(value, str):
        return "'" + _checked(value).replace("'", "''") + "'"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    text = repr(float(value))
    return text if "e" in text else f"{text}e0"  # a float everywhere, and no decimal


def _checked(text: str) -> str:
    if "\0" in text:
        raise SourceError(f"{text!r} holds a zero byte, which no database takes.")
    return text


class _Query:
    def __init__(self, saved: Saved, form: LinearForm, table: str) -> None:
        self.saved, self.form, self.table = saved, form, table
        self.encoder = saved.pipeline[0]
        self.place = {name: j for j, name in enumerate(form.names)}
        every = [form.coef] if form.shared_coef is None else [form.coef, form.shared_coef[None]]
        self.used = (np.vstack(every) != 0).any(axis=0)  # columns that play no part are left out
        self.stacked = saved.task is not None
        self.names = list(TABLES)
        while table.casefold() in self.names:  # a table of that name would not be seen
            self.names = [f"{name}_" for name in self.names]

    def header(self) -> str:
        saved, form, source = self.saved, self.form, _comment(self.saved.source)
        versions = f"mtlearn {saved.versions['mtlearn']}"
        lines = [
            f"{', '.join(saved.targets)} by {saved.model}, fitted by {versions} on {saved.rows:,} "
            f"rows of {source}.",
            "A missing number counts as its mean, a level not seen as the rare ones or nothing.",
        ]
        if self.stacked and form.shared_coef is not None:
            lines.append("Rows of other tasks, and of none, get what the tasks share.")
        lines += form.comments
        if self.stacked:
            lines += [f"w{j}: {name}" for name, j in self.place.items() if self.used[j]]
        return "".join(f"-- {_comment(line)}\n" for line in lines)

    def text(self) -> str:
        table = ".".join(map(quoted, self.table.split(".")))
        if not self.stacked:
            scores = [self._score(lambda j, t=t: literal(self.form.coef[t, j]), literal(b))
                      for t, b in enumerate(self.form.intercept)]  # fmt: skip
            return self._answers("", scores, f"FROM {table} AS r")
        _, coefficients, shared = self.names
        task = f"r.{quoted(self.saved.task)}"
        if isinstance(self.form.tasks[0], str):
            task = f"CAST({task} AS TEXT)"
        columns = ["b", *(f"w{j}" for j in np.flatnonzero(self.used))]
        start = self._own(columns)
        tables = f"FROM {table} AS r\nLEFT JOIN {coefficients} AS c ON c.task = {task}"
        if self.form.shared_coef is None:
            score = self._score(lambda j: f"c.w{j}", "c.b")
        else:
            values = self._values(self.form.shared_intercept, self.form.shared_coef)
            start += f", {shared} ({', '.join(columns)}) AS (VALUES\n  ({', '.join(values)})\n)"
            tables += f"\nCROSS JOIN {shared} AS s"
            score = self._score(lambda j: f"COALESCE(c.w{j}, s.w{j})", "COALESCE(c.b, s.b)")
        return self._answers(f"{start}\n", [score], tables)

    def _own(self, columns: list[str]) -> str:
        """The coefficients of the tasks.

        Written down with labels of a type, for which SQLite makes an index: without it a row is
        compared with every task (40,000 rows of 2,000 tasks: 10 s instead of 0.2 s).
        """
        values, coefficients, _ = self.names
        form, listed = self.form, ", ".join(columns)
        for label in form.tasks:
            if isinstance(label, int) and not -LARGEST <= label < LARGEST:
                raise SourceError(
                    f"the task {label} is past the whole numbers of SQL, which end at 2^63; make "
                    "the labels text in the table, and fit again."
                )
        rows = ",\n  ".join(
            f"({', '.join([literal(label), *self._values(b, w)])})"
            for label, b, w in zip(form.tasks, form.intercept, form.coef, strict=True)
        )
        types = {str: "TEXT", bool: "BOOLEAN", int: "BIGINT"}
        cast = f"CAST(task AS {types.get(type(form.tasks[0]), 'DOUBLE PRECISION')})"
        return (
            f"WITH {values} (task, {listed}) AS (VALUES\n  {rows}\n), {coefficients} AS "
            f"MATERIALIZED (\n  SELECT {cast} AS task, {listed} FROM {values}\n)"
        )

    def _values(self, intercept: float, coef: np.ndarray) -> list[str]:
        return [literal(float(value)) for value in (intercept, *coef[self.used])]

    def _answers(self, start: str, scores: list[str], tables: str) -> str:
        """One column for each target; of classes the log-odds, the probability and the label."""
        targets, classes = self.saved.targets, self.saved.classes
        if classes is None:
            if self.saved.logarithmic:
                scores = [f"EXP({score})" for score in scores]
            columns = [
                f"{score} AS {quoted(f'{target}_predicted')}"
                for target, score in zip(targets, scores, strict=True)
            ]
            return f"{start}SELECT r.*,\n  {_listed(columns)}\n{tables}"
        odds = [quoted(f"{target}_log_odds") for target in targets]
        inner = [f"{score} AS {name}" for score, name in zip(scores, odds, strict=True)]
        columns = []
        for target, name in zip(targets, odds, strict=True):
            before = f"{target}_" if len(targets) > 1 else ""
            column = f"q.{name}"
            columns += [
                f"CASE WHEN {column} > {FAR} THEN 1e0 WHEN {column} < -{FAR} THEN 0e0 "
                f"ELSE 1e0 / (1e0 + EXP(-{column})) END AS "
                f"{quoted(f'{before}probability_{classes[1]}')}",
                f"CASE WHEN {column} > 0 THEN {literal(classes[1])} WHEN {column} <= 0 THEN "
                f"{literal(classes[0])} END AS {quoted(f'{target}_predicted')}",
            ]
        return (
            f"{start}SELECT q.*,\n  {_listed(columns)}\nFROM (\nSELECT r.*,\n  {_listed(inner)}\n"
            f"{tables}\n) AS q"
        )

    def _score(self, coef: Any, intercept: str) -> str:
        terms = [intercept, *self._numbers(coef), *self._categories(coef)]
        return "\n  + ".join(terms)

    def _numbers(self, coef: Any) -> list[str]:
        terms = []
        for name in self.encoder.numbers_:
            j = self.place[name]
            mean = float(self.form.mean[j])
            if not self.used[j] or math.isnan(mean):  # never known: the column is zero
                continue
            m, column = literal(mean), f"r.{quoted(name)}"
            if self.saved.features[name] == "boolean":
                value = f"CASE WHEN {column} THEN 1e0 WHEN NOT {column} THEN 0e0 ELSE {m} END"
            else:
                value = f"COALESCE(CAST({column} AS DOUBLE PRECISION), {m})"
            terms.append(f"{coef(j)} * ({value} - ({m}))")
        return terms

    def _categories(self, coef: Any) -> list[str]:
        terms = []
        for name, levels in self.encoder.levels_.items():
            column = f"r.{quoted(name)}"
            other = self._coefficient(coef, f"{name}=(rare)") if name in self.encoder.rare_ else ""
            of = {}
            for level in levels:
                shown = "(missing)" if level is None else level
                of[level] = self._coefficient(coef, f"{name}={shown}")
            if not any([*of.values(), other]):
                continue
            cases = [f"WHEN {column} IS NULL THEN {of.pop(None, other) or '0e0'}"]
            cases += [
                f"WHEN CAST({column} AS TEXT) = {literal(level)} THEN {value or '0e0'}"
                for level, value in of.items()
            ]
            terms.append(f"CASE {' '.join(cases)} ELSE {other or '0e0'} END")
        return terms

    def _coefficient(self, coef: Any, name: str) -> str:
        """Empty where it is zero for all."""
        j = self.place[name]
        return coef(j) if self.used[j] else ""


def _listed(columns: list[str]) -> str:
    return ",\n  ".join(columns)


def _comment(text: str) -> str:
    """On one line, whatever is in it: what follows a line break would be part of the query."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
