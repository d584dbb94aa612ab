"""The listening socket of both test servers: every accepted connection is ended."""

from __future__ import annotations

import asyncio
import gc
import socket

import pytest

from securemail.testing.listener import ADDRESS, Listener


async def until_cancelled(_sock: socket.socket) -> None:
    await asyncio.get_running_loop().create_future()


async def test_a_connection_that_was_accepted_but_not_served_yet_is_closed() -> None:
    listener = Listener(until_cancelled)
    listener.open()
    with socket.create_connection((ADDRESS, listener.port)) as client:
        listener._accept()  # the loop has had no turn: the task has not begun
        assert listener.serving == 1
        await listener.aclose()
        assert listener.serving == 0
        assert client.recv(1) == b""
    gc.collect()  # a socket left open would warn here, and a warning is an error


async def test_a_connection_that_left_before_it_was_accepted_harms_nothing() -> None:
    listener = Listener(until_cancelled)
    listener.open()
    listener._accept()
    assert listener.accepted == 0
    await listener.aclose()


async def test_there_is_no_port_before_and_after() -> None:
    listener = Listener(until_cancelled)
    with pytest.raises(RuntimeError, match="not running"):
        assert listener.port
    listener.open()
    assert listener.port
    await listener.aclose()
    await listener.aclose()
    with pytest.raises(RuntimeError, match="not running"):
        assert listener.port
