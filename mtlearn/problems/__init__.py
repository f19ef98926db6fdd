"""Data and loss: the smooth part of the objective."""
