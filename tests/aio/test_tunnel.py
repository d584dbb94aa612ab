"""What any proxy may answer, and what is left of it for the server's words."""

from __future__ import annotations

import asyncio
import socket
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail import ConnectError, Proxy, ProxyKind, UsageError, limits
from securemail.aio.tunnel import open_tunnel
from tests.proxyserver import GRANTED, OK

ANSWERS = {ProxyKind.HTTP_CONNECT: OK, ProxyKind.SOCKS5: b"\x05\x02\x01\x00" + GRANTED}
BOTH = pytest.mark.parametrize("kind", list(ProxyKind))


async def left_of(kind: ProxyKind, answer: bytes) -> bytes:
    """Return what is left on the line of an answer after which it is closed.

    Raises: ConnectError when it is none that opens a tunnel.
    """
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.sendall(answer)
        theirs.shutdown(socket.SHUT_WR)
        proxy = Proxy(kind, "127.0.0.1", 1080, username="bob", password="canary")
        await open_tunnel(proxy, ours, "mail.example.org", 993)
        return ours.recv(1 << 20)


@BOTH
@given(st.binary(max_size=200))
def test_what_follows_the_answer_is_the_servers(kind: ProxyKind, words: bytes) -> None:
    assert asyncio.run(left_of(kind, ANSWERS[kind] + words)) == words


@BOTH
@given(st.one_of(st.binary(max_size=80), st.integers(0, 60)))
def test_any_other_answer_is_a_connect_error(kind: ProxyKind, answer: bytes | int) -> None:
    whole = ANSWERS[kind]
    wire = whole[: answer % len(whole)] if isinstance(answer, int) else b"\0" + answer
    with pytest.raises(ConnectError) as caught:
        asyncio.run(left_of(kind, wire))
    assert caught.value.phase == "proxy"
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("excess", [0, 1])
async def test_a_head_at_the_limit_passes_and_one_octet_more_does_not(excess: int) -> None:
    filler = b"x" * (limits.PROXY_HEAD_BYTES - len(OK) - len(b"X: \r\n") + excess)
    wire = OK.removesuffix(b"\r\n") + b"X: " + filler + b"\r\n\r\n"
    assert len(wire) == limits.PROXY_HEAD_BYTES + excess
    if not excess:
        assert await left_of(ProxyKind.HTTP_CONNECT, wire) == b""
        return
    with pytest.raises(ConnectError, match=str(limits.PROXY_HEAD_BYTES)):
        await left_of(ProxyKind.HTTP_CONNECT, wire)


@BOTH
async def test_without_the_extra_the_error_names_it(
    kind: ProxyKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "python_socks", None)
    with pytest.raises(UsageError, match=r"securemail\[proxy\]"):
        await left_of(kind, b"")
