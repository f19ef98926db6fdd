"""Whatever came in, as one picture of rows, tasks and weights."""
