"""The public estimators: one family a file."""
