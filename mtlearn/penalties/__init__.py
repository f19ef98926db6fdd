"""Omega: one penalty a file."""
