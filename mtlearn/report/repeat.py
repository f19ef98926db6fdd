"""The code that repeats a comparison: the command where it came from one, Python otherwise."""

from __future__ import annotations

import shlex
from typing import Any

from mtlearn.compare.contenders import MULTITASK
from mtlearn.datasets import DATASETS


def code_of(result: Any) -> str:
    """A command, or a call."""
    return _command(result) if "source" in result.settings else _call(result)


def _multitask(result: Any) -> list[str]:
    """The models that were asked for; baselines come by themselves."""
    return [str(name) for name in result.table.index[result.table.kind == "multi-task"]]


def _command(result: Any) -> str:
    """What a shell repeats it with, every name quoted."""
    said = result.settings
    words = ["mtlearn", "compare", str(said["source"])]
    if str(said["source"]).lower() not in DATASETS:
        for name in said.get("target") or []:
            words += ["--target", name]
        for option in ("task", "groups"):
            words += [f"--{option}", said[option]] if said.get(option) else []
    for name in said.get("drop") or []:
        words += ["--drop", name]
    for option in ("encoding", "decimal", "sheet"):
        words += [f"--{option}", said[option]] if said.get(option) else []
    words += ["--models", ",".join(_multitask(result))]
    plain: dict[str, Any] = {"kind": "auto", "loss": "squared", "bad_cells": "missing"}
    plain |= {"quantile": None, "exposure": None}
    for name, usual in plain.items():
        words += [f"--{name.replace('_', '-')}", said[name]] if said[name] != usual else []
    words += [] if said["cv"] is None else ["--folds", said["cv"]]
    words += ["--seed", said["random_state"]]
    words += [f"--{name.replace('_', '-')}" for name in ("new_tasks", "full") if said[name]]
    return shlex.join(map(str, words))


def _call(result: Any) -> str:
    """Python that repeats it on the same X and y."""
    said, models = result.settings, _multitask(result)
    given: dict[str, Any] = {}
    if not result.by_column:
        given["task_column"] = result.task_name
    if set(models) <= set(MULTITASK):
        given["models"] = models
    usual: dict[str, Any] = {"kind": "auto", "loss": "squared", "quantile": None, "exposure": None}
    usual |= {"bad_cells": "missing", "new_tasks": False, "full": False}
    given |= {name: said[name] for name, value in usual.items() if said[name] != value}
    if isinstance(said["cv"], int):
        given["cv"] = said["cv"]
    given["random_state"] = said["random_state"]
    lines = [f"    {name}={value!r}," for name, value in given.items()]
    if "models" not in given:
        lines.append("    models={...},  # the estimators that were compared")
    if "cv" not in given and said["cv"] is not None:
        lines.append(f"    cv=...,  # {said['cv']}")
    call = "\n".join(["result = compare_tasks(", "    X,", "    y,", *lines, ")"])
    return f"from mtlearn import compare_tasks\n\n{call}\nprint(result)"
