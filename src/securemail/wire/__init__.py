"""Bytes to lines and tokens, and back. No state, no I/O here."""
