"""Sockets, clocks and name look-ups for asyncio."""
