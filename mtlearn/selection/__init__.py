"""Choosing alpha: paths, the folds they are judged on, and the judges."""
