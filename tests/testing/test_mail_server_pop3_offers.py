"""What the POP3 server for tests can be told to offer, and what it then does."""

from __future__ import annotations

import poplib
import ssl

import pytest

from securemail.testing.ca import CertificateAuthority
from securemail.testing.server import MailServer, Offer
from tests.testing.test_mail_server_pop3 import Client, as_alice, using


async def test_an_offer_without_login_and_pipelining_lists_neither(
    ca: CertificateAuthority, trusting: ssl.SSLContext
) -> None:
    offer = Offer(login=False, pipelining=False, mechanisms=("PLAIN",))
    async with MailServer({"alice": "secret"}, ca=ca, offer=offer) as server:
        capabilities = await using(server, trusting, lambda client: client.capa())
        assert {"USER", "PIPELINING"}.isdisjoint(capabilities)
        assert capabilities["SASL"] == ["PLAIN"]


SMTPUTF8 = "From: jürgen@exämple.org\r\n\r\nHallo.\r\n".encode()


async def test_utf8_is_taken_before_the_login_and_wanted_for_headers_that_need_it(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    server.store.deliver("alice", SMTPUTF8)

    def without(client: Client) -> None:
        for line in ("RETR 1", "TOP 1 0"):
            with pytest.raises(poplib.error_proto, match=r"\[UTF8\]"):
                client.ask(line)
        with pytest.raises(poplib.error_proto):
            client.utf8()

    def with_it(client: Client) -> list[bytes]:
        assert client.capa()["UTF8"] == ["USER"]
        client.utf8()
        client.user("alice")
        client.pass_("secret")
        return client.retr(1)[1]

    await as_alice(server, trusting, without)
    assert await using(server, trusting, with_it) == SMTPUTF8.splitlines()


async def test_without_the_offer_utf8_is_refused_and_names_are_ascii(
    ca: CertificateAuthority, trusting: ssl.SSLContext
) -> None:
    def work(client: Client) -> None:
        client.encoding = "utf-8"
        assert "UTF8" not in client.capa()
        for line in ("UTF8", "USER älice"):
            with pytest.raises(poplib.error_proto):
                client.ask(line)
        client.user("alice")
        client.pass_("secret")
        assert client.retr(1)[1] == SMTPUTF8.splitlines()

    async with MailServer({"alice": "secret"}, ca=ca, offer=Offer(utf8=False)) as server:
        server.store.deliver("alice", SMTPUTF8)
        await using(server, trusting, work)
