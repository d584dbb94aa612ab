"""What is looked up for an account behind a proxy, and what is not."""

from __future__ import annotations

import hashlib
import socket
from dataclasses import replace
from typing import Any

import pytest

from securemail import (
    ConnectError,
    Policy,
    Proxy,
    ProxyKind,
    TLSARecord,
    TLSMode,
    Trust,
    UsageError,
    connect_imap,
)
from securemail.events import Dialled
from securemail.testing import (
    CertificateAuthority,
    MailServer,
    ScriptedServer,
)
from tests.dns import HOST, FixedDNS
from tests.proxyserver import ProxyServer
from tests.session.notes import Notes
from tests.session.proxied import BOTH, KNOWN, hidden, through


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
