"""A server on loopback that speaks TLS to very many clients in one process, with little memory.

What it says is a `Talk`, one for each client; `idle_server` and `sink_server` have theirs.
"""

from __future__ import annotations

import resource
import selectors
import socket
from collections.abc import Callable
from typing import Protocol

from OpenSSL import SSL


class Talk(Protocol):
    """One side of a conversation."""

    greeting: bytes

    def feed(self, data: bytes) -> bytes:
        """Take what the client sends, and return what to say."""


class Session:
    """One client."""

    def __init__(self, sock: socket.socket, context: SSL.Context, talk: Talk) -> None:
        self._tls = SSL.Connection(context, sock)
        self._tls.set_accept_state()
        self._talk = talk
        self._is_greeted = False
        self._out = b""

    def advance(self) -> bool:
        """Do what can be done now; return whether something waits to be written."""
        try:
            if not self._is_greeted:
                self._tls.do_handshake()
                self._is_greeted = True
                self._out += self._talk.greeting
            self._flush()
            while True:
                self._out += self._talk.feed(self._tls.recv(16384))
                self._flush()
        except SSL.WantReadError:
            return bool(self._out)
        except SSL.WantWriteError:
            return True

    def _flush(self) -> None:
        while self._out:
            self._out = self._out[self._tls.send(self._out[:16384]) :]


def serve(pem: str, new_talk: Callable[[], Talk]) -> None:
    """Print the port, and serve until the process is killed."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate_chain_file(pem)
    context.use_privatekey_file(pem)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_session_id(b"bench")
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    listener.setblocking(False)
    ready = selectors.DefaultSelector()
    ready.register(listener, selectors.EVENT_READ)
    print(listener.getsockname()[1], flush=True)
    while True:
        for key, _ in ready.select():
            if key.data is None:
                sock, _ = listener.accept()
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                ready.register(sock, selectors.EVENT_READ, Session(sock, context, new_talk()))
            else:
                _serve_one(ready, key)


def _serve_one(ready: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    try:
        waits = key.data.advance()
    except (SSL.Error, OSError):
        ready.unregister(key.fileobj)
        key.fileobj.close()  # type: ignore[union-attr]  # a socket
        return
    events = selectors.EVENT_READ | (selectors.EVENT_WRITE if waits else 0)
    if events != key.events:
        ready.modify(key.fileobj, events, key.data)
