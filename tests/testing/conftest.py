"""Clients and certificates for the tests of the test servers."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Iterator

import pytest

from securemail.testing.ca import CertificateAuthority
from securemail.testing.scripted import ScriptedServer
from securemail.testing.server import MailServer
from tests.testing.clients import HOST, Client, Connect


@pytest.fixture(scope="session")
def ca() -> CertificateAuthority:
    return CertificateAuthority()


@pytest.fixture(scope="session")
def context(ca: CertificateAuthority) -> ssl.SSLContext:
    return ca.server_context(HOST, request_client_certificate=True)


@pytest.fixture
def trusting(ca: CertificateAuthority) -> ssl.SSLContext:
    """The context of a client that trusts our authority."""
    context = ssl.create_default_context(cadata=ca.pem.decode())
    # Python 3.11.2, Debian's, takes a cut line for an end unless told not to.
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    return context


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connects raw clients, and closes them after the test."""
    sockets: list[socket.socket] = []

    async def connected(server: ScriptedServer) -> Client:
        client = Client(server)
        sockets.append(client.sock)
        await client.connect()
        return client

    yield connected
    for sock in sockets:
        sock.close()


@pytest.fixture
async def server(ca: CertificateAuthority) -> AsyncIterator[MailServer]:
    async with MailServer({"alice": "secret"}, ca=ca) as running:
        yield running
