"""A name server for tests: signed zones in memory, on loopback."""
