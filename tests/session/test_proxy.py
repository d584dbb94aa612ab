"""Sessions through a proxy: what it sees, what it may break, and what is never looked up."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import socket
import traceback
from dataclasses import replace
from typing import Any

import pytest
import uvloop

from securemail import (
    Account,
    ConnectError,
    DeadlineError,
    Endpoint,
    InjectionError,
    Phase,
    Policy,
    Proxy,
    ProxyKind,
    SecureMailError,
    Service,
    Timeouts,
    TLSARecord,
    TLSMode,
    Trust,
    UsageError,
    connect_imap,
    connect_pop3,
    connect_submission,
)
from securemail.events import Dialled
from securemail.testing import (
    CertificateAuthority,
    Close,
    Expect,
    Hang,
    MailServer,
    Repeat,
    Reset,
    ScriptedServer,
    Send,
    Step,
)
from tests.dns import HOST, FixedDNS
from tests.proxyserver import OK, ProxyServer
from tests.session import mailserver
from tests.session.scripts import STARTTLS
from tests.session.scripts import account as scripted_account
from tests.session.test_events import Notes

KNOWN = {HOST: "127.0.0.1"}
BOTH = pytest.mark.parametrize("kind", list(ProxyKind))
LOGIN = ("bob", "proxypw")
PROMPTLY = Timeouts(connect=0.3, total=5)


def behind(proxy: Proxy, account: Account) -> Account:
    """Return the account with its servers known by name only, and reached through `proxy`."""
    imap, pop3, submission = (_by_name(account.endpoint(service)) for service in Service)
    return replace(account, proxy=proxy, imap=imap, pop3=pop3, submission=submission)


def _by_name(endpoint: Endpoint | None) -> Endpoint | None:
    return endpoint and Endpoint(endpoint.host, endpoint.port, endpoint.tls)


def hidden(server: MailServer, proxy: Proxy, tls: TLSMode = TLSMode.IMPLICIT) -> Account:
    """Return alice's account on `server`, known by name only and reached through `proxy`."""
    imap, pop3, submission = (server.endpoint(tls, service) for service in Service)
    whole = mailserver.account(server)
    return behind(proxy, replace(whole, imap=imap, pop3=pop3, submission=submission))


READ_CONNECT: tuple[Step, ...] = tuple(
    Expect(line) for line in (rb"CONNECT \S+ HTTP/1.1", rb"Host: .*", rb"User-Agent: .*", rb"")
)
CONNECT: dict[Service, Any] = {
    Service.IMAP: connect_imap,
    Service.POP3: connect_pop3,
    Service.SUBMISSION: connect_submission,
}


@BOTH
@pytest.mark.parametrize("tls", [TLSMode.IMPLICIT, TLSMode.STARTTLS])
@pytest.mark.parametrize("service", list(Service))
async def test_a_proxy_sees_a_name_and_nothing_that_is_private(
    ca: CertificateAuthority, kind: ProxyKind, tls: TLSMode, service: Service
) -> None:
    async with (
        MailServer({"alice": "secret"}, ca=ca) as server,
        ProxyServer(kind, KNOWN) as relay,
        CONNECT[service](hidden(server, relay.proxy(), tls)) as session,
    ):
        assert session.phase is Phase.AUTHENTICATED
        assert session.confidentiality.indicator.is_locked
    assert relay.asked == [HOST]
    cleartext, _, protected = bytes(relay.relayed).partition(b"\x16\x03\x01")
    assert protected
    words = {word for line in cleartext.splitlines() for word in line.split()[-1:]}
    assert words <= {b"STARTTLS", b"STLS", b"[127.0.0.1]"}
    assert not any(private in relay.relayed for private in (b"alice", b"secret", b"LOGOUT"))


@BOTH
async def test_a_proxy_with_a_password_gets_it(ca: CertificateAuthority, kind: ProxyKind) -> None:
    async with (
        MailServer({"alice": "secret"}, ca=ca) as server,
        ProxyServer(kind, KNOWN, login=LOGIN) as relay,
        connect_imap(hidden(server, relay.proxy("proxypw"), TLSMode.IMPLICIT)),
    ):
        pass
    assert relay.asked == [HOST]


@BOTH
@pytest.mark.parametrize("password", ["wrongpw", ""])
async def test_a_proxy_that_wants_another_password_is_told_with_no_word_of_it(
    ca: CertificateAuthority, kind: ProxyKind, password: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with (
        MailServer({"alice": "secret"}, ca=ca) as server,
        ProxyServer(kind, KNOWN, login=LOGIN) as relay,
    ):
        with pytest.raises(ConnectError) as caught:
            await connect_imap(hidden(server, relay.proxy(password), TLSMode.IMPLICIT))
    assert caught.value.phase == "proxy"
    assert relay.asked == []
    assert "wrongpw" not in shown(caught.value) + caplog.text
    assert "Ym9iOndyb25ncHc" not in shown(caught.value) + caplog.text


def shown(error: BaseException) -> str:
    """Return an error with all that a debugger shows of it, but for the test's own frame."""
    assert error.__traceback__ is not None
    inside = error.__traceback__.tb_next
    whole = traceback.TracebackException(type(error), error, inside, capture_locals=True)
    return "".join(whole.format())


@BOTH
async def test_a_name_that_the_proxy_does_not_know_is_a_connect_error(
    ca: CertificateAuthority, kind: ProxyKind
) -> None:
    async with (
        MailServer({"alice": "secret"}, ca=ca) as server,
        ProxyServer(kind, {}) as relay,
    ):
        with pytest.raises(ConnectError) as caught:
            await connect_imap(hidden(server, relay.proxy(), TLSMode.IMPLICIT))
    assert caught.value.phase == "proxy"
    assert str(relay.kind.value) in str(caught.value)


@BOTH
async def test_an_address_of_the_endpoint_is_what_the_proxy_is_asked_for(
    ca: CertificateAuthority, kind: ProxyKind
) -> None:
    async with (
        MailServer({"alice": "secret"}, ca=ca) as server,
        ProxyServer(kind, {"127.0.0.1": "127.0.0.1"}) as relay,
        connect_imap(replace(mailserver.account(server), proxy=relay.proxy())),
    ):
        pass
    assert relay.asked == ["127.0.0.1"]


# --- the wall between the proxy's words and the server's


@BOTH
@pytest.mark.parametrize("slowly", [False, True])
@pytest.mark.parametrize("tls", [TLSMode.STARTTLS, TLSMode.IMPLICIT])
async def test_what_the_server_says_right_behind_the_proxys_answer_is_not_lost(
    ca: CertificateAuthority, kind: ProxyKind, slowly: bool, tls: TLSMode
) -> None:
    is_eager = tls is TLSMode.STARTTLS
    async with (
        MailServer({"alice": "secret"}, ca=ca) as server,
        ProxyServer(kind, KNOWN, glued=is_eager, slowly=slowly) as relay,
        connect_imap(hidden(server, relay.proxy(), tls)) as session,
    ):
        assert session.phase is Phase.AUTHENTICATED


async def test_cleartext_that_a_proxy_puts_before_tls_is_not_taken_for_the_servers(
    ca: CertificateAuthority,
) -> None:
    planted = OK + b"* PREAUTH [CAPABILITY IMAP4rev1] welcome\r\n"
    async with ScriptedServer((Send(planted), Hang())) as relay:
        with pytest.raises(SecureMailError):
            await connect_imap(through(relay, ca, TLSMode.IMPLICIT))
        assert b"LOGIN" not in relay.raw
        assert b"AUTHENTICATE" not in relay.raw


async def test_a_proxy_that_injects_behind_the_starttls_reply_is_found_out(
    ca: CertificateAuthority,
) -> None:
    evil = Send(b"{tag} OK begin\r\n* OK injected\r\n")
    script = (*READ_CONNECT, Send(OK + b"* OK hi\r\n"), STARTTLS, evil, Hang())
    async with ScriptedServer(script) as relay:
        with pytest.raises(InjectionError):
            await connect_imap(through(relay, ca, TLSMode.STARTTLS))


@BOTH
def test_a_proxy_works_on_uvloop(ca: CertificateAuthority, kind: ProxyKind) -> None:
    async def play() -> None:
        async with (
            MailServer({"alice": "secret"}, ca=ca) as server,
            ProxyServer(kind, KNOWN, glued=True, slowly=True) as relay,
            connect_imap(hidden(server, relay.proxy(), TLSMode.STARTTLS)) as session,
        ):
            assert session.phase is Phase.AUTHENTICATED

    uvloop.run(play(), debug=True)


# --- hostile proxies


def through(
    relay: ScriptedServer, ca: CertificateAuthority, tls: TLSMode, **fields: Any
) -> Account:
    """Return an account behind a proxy that plays a script."""
    kind = fields.pop("kind", ProxyKind.HTTP_CONNECT)
    proxy = Proxy(kind, relay.address, relay.port, **fields.pop("login", {}))
    return behind(proxy, scripted_account(relay, ca, tls, **fields))


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


# --- names


@BOTH
async def test_the_servers_name_is_not_looked_up(
    ca: CertificateAuthority, kind: ProxyKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up = []

    def getaddrinfo(host: object, *_rest: object, **_more: object) -> list[Any]:
        looked_up.append(host)
        raise socket.gaierror("no name service here")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    async with (
        MailServer({"alice": "secret"}, ca=ca) as server,
        ProxyServer(kind, KNOWN) as relay,
        connect_imap(hidden(server, relay.proxy(), TLSMode.IMPLICIT)),
    ):
        pass
    assert HOST not in looked_up


async def test_a_resolver_without_dnssec_is_asked_for_the_proxy_alone(
    ca: CertificateAuthority,
) -> None:
    dns = FixedDNS("127.0.0.1", has_dnssec=False)
    async with (
        MailServer({"alice": "secret"}, ca=ca) as server,
        ProxyServer(ProxyKind.SOCKS5, KNOWN) as relay,
    ):
        named = Proxy(ProxyKind.SOCKS5, "proxy.example.net", relay.proxy().port)
        alices = hidden(server, named, TLSMode.IMPLICIT)
        async with connect_imap(alices, resolver=dns):
            pass
    assert dns.asked == ["proxy.example.net"]


async def test_dane_behind_a_proxy_wants_a_resolver_before_anything_is_asked(
    ca: CertificateAuthority,
) -> None:
    async with ScriptedServer(()) as relay:
        strict = through(relay, ca, TLSMode.IMPLICIT, policy=Policy(require_dane=True))
        for resolver in (None, FixedDNS("127.0.0.1", has_dnssec=False)):
            with pytest.raises(UsageError) as caught:
                await connect_imap(strict, resolver=resolver)
            assert caught.value.field == "resolver"
        assert relay.connections == 0


async def test_dane_behind_a_proxy_works_with_a_resolver_that_checks(
    ca: CertificateAuthority,
) -> None:
    async with (
        MailServer({"alice": "secret"}, ca=ca) as server,
        ProxyServer(ProxyKind.SOCKS5, KNOWN) as relay,
    ):
        key = TLSARecord(3, 0, 1, hashlib.sha256(server.certificate.der).digest())
        dns = FixedDNS("127.0.0.1", tlsa={HOST: (key,)})
        alices = hidden(server, relay.proxy(), TLSMode.IMPLICIT)
        strict = replace(alices, policy=Policy(require_dane=True))
        async with connect_imap(strict, resolver=dns) as session:
            assert session.confidentiality.trust is Trust.DANE_EE
    assert relay.asked == [HOST]


async def test_the_proxys_own_name_that_has_no_address_is_the_proxys_failure(
    ca: CertificateAuthority,
) -> None:
    class NoDNS(FixedDNS):
        async def addresses(self, host: str) -> Any:
            raise ConnectError(f"{host} has no address", phase="connect")

    async with ScriptedServer(()) as relay:
        alices = through(relay, ca, TLSMode.IMPLICIT)
        with pytest.raises(ConnectError) as caught:
            await connect_imap(alices, resolver=NoDNS(has_dnssec=False))
    assert caught.value.phase == "proxy"


async def test_an_observer_is_told_that_the_peer_is_a_proxy(ca: CertificateAuthority) -> None:
    notes = Notes()
    async with (
        MailServer({"alice": "secret"}, ca=ca) as server,
        ProxyServer(ProxyKind.SOCKS5, KNOWN) as relay,
        connect_imap(hidden(server, relay.proxy(), TLSMode.IMPLICIT), observer=notes),
    ):
        pass
    dialled = notes.only(Dialled)
    assert isinstance(dialled, Dialled)
    assert dialled.is_proxied
