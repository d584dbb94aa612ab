"""Bytes to lines and tokens, and back. No I/O here."""
