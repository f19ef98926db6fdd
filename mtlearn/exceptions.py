"""Warnings of our own, so that a user can filter them by class."""


class UnseenTaskWarning(UserWarning):
    """Rows of a task that the model has no coefficients for are answered by the shared model.

    Issued once per call by ``predict`` and ``score`` under ``unseen_task="warn"``, and by ``fit``
    when a task loses all its rows because their targets are missing or their weights are zero.
    """
