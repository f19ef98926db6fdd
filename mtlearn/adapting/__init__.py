"""A fitted model and rows that came later: tasks are added, and what is shared stays as it is."""

from mtlearn.adapting.adapt import adapt

__all__ = ["adapt"]
