"""Servers to test mail programs with."""
