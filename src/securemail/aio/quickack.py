"""Acknowledging what was read at once, where the system can (TCP_QUICKACK)."""

from __future__ import annotations

import socket


def acknowledge_at_once(sock: socket.socket | None) -> None:
    """Send the acknowledgement of what was read now, not when there is something to say.

    A server that leaves Nagle on (Postfix) holds its greeting until we acknowledge its session
    tickets: 5 instead of 47 ms to ready on loopback. Only after our Finished was written, and again
    for whatever comes before the server's first word inside TLS: to write ends this mode, and after
    STARTTLS in submission it is our EHLO that is first.
    """
    if sock is not None and hasattr(socket, "TCP_QUICKACK"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
