"""A smaller problem with the same answer, one a file."""
