"""Proxies that break, hang, repeat the password, or are not there."""

from __future__ import annotations

import asyncio

import pytest

from securemail import (
    ConnectError,
    DeadlineError,
    ProxyKind,
    Timeouts,
    TLSMode,
    connect_imap,
)
from securemail.testing import (
    CertificateAuthority,
    Close,
    Hang,
    Repeat,
    Reset,
    ScriptedServer,
    Send,
    Step,
)
from tests.session.proxied import shown, through

PROMPTLY = Timeouts(connect=0.3, total=5)


HOSTILE: list[tuple[ProxyKind, tuple[Step, ...]]] = [
    (ProxyKind.HTTP_CONNECT, (Repeat(b"X-Endless: 1234567890\r\n", 2_000), Hang())),
    (ProxyKind.HTTP_CONNECT, (Repeat(b"x" * 1000, 50), Hang())),
    (ProxyKind.HTTP_CONNECT, (Send(b"* OK I am an IMAP server\r\n\r\n"), Hang())),
    (ProxyKind.HTTP_CONNECT, (Send(b"HTTP/1.1 200"), Close())),
    (ProxyKind.HTTP_CONNECT, (Send(b"\r\n\r\n"), Hang())),
    (ProxyKind.HTTP_CONNECT, (Send(b"HTTP/1.1 " + b"9" * 6000 + b" x\r\n\r\n"), Hang())),
    (ProxyKind.HTTP_CONNECT, (Send(b"HTTP/1.1 \xff\xfe \x00\r\n\r\n"), Hang())),
    (ProxyKind.HTTP_CONNECT, (Close(),)),
    (ProxyKind.HTTP_CONNECT, (Reset(),)),
    (ProxyKind.SOCKS5, (Send(b"HTTP/1.1 200 OK\r\n\r\n"), Hang())),
    (ProxyKind.SOCKS5, (Send(b"\x05\x02"), Hang())),
    (ProxyKind.SOCKS5, (Send(b"\x05\x01"), Hang())),
    (ProxyKind.SOCKS5, (Send(b"\x05\x00\x05\x00\x00\x07"), Hang())),
    (ProxyKind.SOCKS5, (Send(b"\x05\x00\x05\x00\x00\x03\x02\xff\xff\x00\x00"), Hang())),
    (ProxyKind.SOCKS5, (Send(b"\x05\x00\x05\x63\x00\x01"), Hang())),
    (ProxyKind.SOCKS5, (Send(b"\x05\x00\x05"), Close())),
    (ProxyKind.SOCKS5, (Reset(),)),
]


@pytest.mark.parametrize(("kind", "script"), HOSTILE)
async def test_a_hostile_proxy_is_a_connect_error_and_no_octet_of_mail_leaves(
    ca: CertificateAuthority, kind: ProxyKind, script: tuple[Step, ...]
) -> None:
    async with ScriptedServer(script) as relay:
        alices = through(relay, ca, TLSMode.IMPLICIT, kind=kind)
        with pytest.raises(ConnectError) as caught:
            await connect_imap(alices, timeouts=Timeouts(connect=5))
        assert caught.value.phase == "proxy"
        assert b"\x16\x03" not in relay.raw
        assert b"alice" not in relay.raw


@pytest.mark.parametrize(
    ("kind", "script"),
    [
        (ProxyKind.HTTP_CONNECT, (Hang(),)),
        (ProxyKind.HTTP_CONNECT, (Send(b"HTTP/1.1 200 OK\r\n"), Hang())),
        (ProxyKind.SOCKS5, (Hang(),)),
        (ProxyKind.SOCKS5, (Send(b"\x05\x00\x05\x00\x00\x03\xff"), Hang())),
    ],
)
async def test_a_proxy_that_hangs_is_given_up_in_time_and_no_local_shows_its_password(
    ca: CertificateAuthority, kind: ProxyKind, script: tuple[Step, ...]
) -> None:
    login = {"username": "bob", "password": "canary"}
    async with ScriptedServer(script) as relay:
        hanging = through(relay, ca, TLSMode.IMPLICIT, kind=kind, login=login)
        with pytest.raises(DeadlineError) as caught:
            await connect_imap(hanging, timeouts=PROMPTLY)
    assert caught.value.phase == "connect"
    assert "canary" not in shown(caught.value)
    assert "Ym9iOmNhbmFyeQ" not in shown(caught.value)


async def test_a_proxy_that_repeats_the_password_is_not_quoted(ca: CertificateAuthority) -> None:
    answer = b"HTTP/1.1 403 canary Ym9iOmNhbmFyeQ==\r\n\r\n"
    login = {"username": "bob", "password": "canary"}
    async with ScriptedServer((Send(answer), Hang())) as relay:
        with pytest.raises(ConnectError) as caught:
            await connect_imap(through(relay, ca, TLSMode.IMPLICIT, login=login))
    assert "403" in str(caught.value)
    assert "canary" not in shown(caught.value)
    assert "Ym9iOmNhbmFyeQ" not in shown(caught.value)


async def test_a_proxy_that_is_not_there_is_named(ca: CertificateAuthority) -> None:
    async with ScriptedServer(()) as relay:
        nowhere = through(relay, ca, TLSMode.IMPLICIT)
    with pytest.raises(ConnectError, match=r"HTTP CONNECT proxy 127\.0\.0\.1:") as caught:
        await connect_imap(nowhere)
    assert caught.value.phase == "proxy"


async def test_a_connect_that_is_cancelled_at_the_proxy_leaves_nothing(
    ca: CertificateAuthority,
) -> None:
    async with ScriptedServer((Hang(),)) as relay:
        task = asyncio.ensure_future(connect_imap(through(relay, ca, TLSMode.IMPLICIT)))
        await relay.hanging.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await relay.finished.wait()
