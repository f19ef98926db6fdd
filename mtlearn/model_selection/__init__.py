"""Folds that know about tasks: rows of every task, whole tasks, or the future of every task."""

from mtlearn.model_selection.drop_columns import DropColumns
from mtlearn.model_selection.stratified import StratifiedTaskKFold, task_folds
from mtlearn.model_selection.time_series import TaskTimeSeriesSplit
from mtlearn.model_selection.whole_tasks import LeaveTasksOut, new_task_folds

__all__ = [
    "DropColumns",
    "LeaveTasksOut",
    "StratifiedTaskKFold",
    "TaskTimeSeriesSplit",
    "new_task_folds",
    "task_folds",
]
