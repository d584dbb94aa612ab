"""Secure sessions with mail servers (RFC 8314)."""
