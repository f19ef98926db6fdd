"""The pictures of a report, inside the page: vector graphics in the address of an image."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Iterator
from typing import Any

from mtlearn.plotting import CoefficientDisplay, SlopesDisplay, TransferGainDisplay
from mtlearn.plotting.base import Display
from mtlearn.plotting.drawing import new_figure
from mtlearn.report.markup import Html, tag

WIDTH = 4.7  # inches: names are legible where a phone makes 3.6 of them
DPI = 160  # of what is a picture in the picture
FEW = 2  # features from which on a heat map says more than their spreads


def gain_picture(result: Any) -> Html | None:
    """Who gains; None where there is no multi-task model, or nobody has an interval."""
    tasks = result.per_task
    if not (result.table.kind == "multi-task").any() or tasks["difference"].isna().all():
        return None
    frame = tasks.rename(columns={"rows": "n_rows", "gain": "shrunk"}).assign(
        gain=-tasks["difference"], std_error=tasks["standard_error"]
    )
    frame = frame[frame["gain"].notna()]
    display = TransferGainDisplay(frame)
    return _figure(display, f"{_finding(display)} Gains are in {result.kind.row_loss}.")


def slope_pictures(result: Any) -> Iterator[Html]:
    """In which features tasks differ, and the coefficients of all of them, by random slopes."""
    if result.coefs is None or result.n_tasks < 2:
        return
    # no figures here: what was found of the tasks spreads less than the tasks do, by the table
    said = (
        "What one standard deviation of each feature does in each task, shrunk towards the shared "
        "effect where a task has few rows; features that differ most on top."
    )
    yield _figure(SlopesDisplay(result.coefs), said)
    if result.coefs["feature"].nunique() > FEW:
        display = CoefficientDisplay(result.coefs)
        yield _figure(display, f"{_finding(display)} Columns are tasks, like beside like.")


def _finding(display: Display) -> str:
    return f"{display._finding()}."


def _figure(display: Display, said: str) -> Html:
    drawn = base64.b64encode(_drawn(display)).decode()
    image = tag("img", src=f"data:image/svg+xml;base64,{drawn}", alt=f"Picture. {said}")
    return tag("figure", tag("figcaption", said), image)


def _drawn(display: Display) -> bytes:
    """As vector graphics, the same bytes for the same picture.

    Letters are shapes, since readers have other fonts; but where ours lacks some (other scripts)
    they are text, which the reader's browser has fonts for.
    """
    from matplotlib import rc_context

    figure = new_figure(WIDTH, display._size()[1])
    display.fill(figure, title="")
    drawn = io.BytesIO()
    for letters in ("path", "none"):
        drawn.seek(0)
        drawn.truncate()
        style: Any = {"svg.fonttype": letters, "svg.hashsalt": "mtlearn"}
        with rc_context(style), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            figure.savefig(drawn, format="svg", dpi=DPI, metadata={"Date": None})
        if not any("missing from" in str(one.message) for one in caught):
            break
    return drawn.getvalue()
