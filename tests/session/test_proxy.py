"""Sessions through a proxy: what it sees, and the wall between its words and the server's."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest
import uvloop

from securemail import (
    ConnectError,
    InjectionError,
    Phase,
    ProxyKind,
    SecureMailError,
    Service,
    TLSMode,
    connect_imap,
    connect_pop3,
    connect_submission,
)
from securemail.testing import (
    CertificateAuthority,
    Expect,
    Hang,
    MailServer,
    ScriptedServer,
    Send,
    Step,
)
from tests.dns import HOST
from tests.proxyserver import OK, ProxyServer
from tests.session import mailserver
from tests.session.proxied import BOTH, KNOWN, hidden, shown, through
from tests.session.scripts import STARTTLS

LOGIN = ("bob", "proxypw")
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


async def test_a_tls_session_is_taken_up_again_only_through_the_proxy_it_was_made_through(
    ca: CertificateAuthority,
) -> None:
    known = {"127.0.0.1": "127.0.0.1"}
    async with (
        MailServer({"alice": "secret"}, ca=ca) as server,
        ProxyServer(ProxyKind.SOCKS5, known) as one,
        ProxyServer(ProxyKind.SOCKS5, known) as other,
    ):
        resumed = []
        for proxy in (None, one.proxy(), other.proxy(), None, one.proxy(), other.proxy()):
            async with connect_imap(replace(mailserver.account(server), proxy=proxy)) as session:
                resumed.append(session.confidentiality.resumed)
    assert resumed == [False] * 3 + [True] * 3
    assert len(one.asked) == len(other.asked) == 2


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
