"""Tests of mtlearn: every one compares with something independent of the library."""
