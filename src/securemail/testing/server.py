"""A mail server to test mail programs with: real TLS, mailboxes in memory, on loopback."""

from __future__ import annotations

import asyncio
import secrets
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType
from typing import Final, Literal, Self

from securemail.account import Endpoint, Service, TLSMode
from securemail.testing.ca import CertificateAuthority, ServerCertificate
from securemail.testing.connection import Connection
from securemail.testing.imap.commands import serve_imap
from securemail.testing.imap.session import Site
from securemail.testing.listener import ADDRESS, Listener
from securemail.testing.pop3.commands import serve_pop3
from securemail.testing.pop3.session import Maildrops
from securemail.testing.sasl.exchange import Realm
from securemail.testing.store import MailStore
from securemail.testing.submission.commands import serve_submission
from securemail.testing.submission.office import EXTENSIONS, Office, SubmittedMessage

ServiceName = Literal["imap", "pop3", "submission"]
TLSName = Literal["implicit", "starttls"]

_LISTENERS: Final[tuple[tuple[ServiceName, TLSName], ...]] = (
    ("imap", "implicit"),
    ("imap", "starttls"),
    ("submission", "implicit"),
    ("submission", "starttls"),
    ("pop3", "implicit"),
    ("pop3", "starttls"),
)

_NAMES: Final[Mapping[TLSMode, TLSName]] = {
    TLSMode.IMPLICIT: "implicit",
    TLSMode.STARTTLS: "starttls",
}

_GOODBYES: Final[Mapping[ServiceName, str]] = {"imap": "* BYE", "submission": "421 4.3.2"}

_SERVICES: Final[Mapping[Service, ServiceName]] = {
    Service.IMAP: "imap",
    Service.POP3: "pop3",
    Service.SUBMISSION: "submission",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """What a `MailServer` offers, where it shall not be the ordinary.

    `certificate` replaces the good one; the versions bound TLS (1.2 and later by default);
    `mechanisms` are the SASL mechanisms inside TLS; known are PLAIN, LOGIN, CRAM-MD5, EXTERNAL,
    SCRAM-SHA-1, -256 and -512, each with -PLUS (channel binding by `tls-server-end-point`),
    OAUTHBEARER and XOAUTH2. `scram_iterations` is what SCRAM asks of clients. Without `login`
    LOGINDISABLED is said inside TLS too, and POP3 has no USER; without `sasl_ir` IMAP refuses an
    initial response; without `greeting_capabilities` clients have to ask; without `notify` IMAP
    tells nothing of mailboxes that are not selected; without `pipelining` or
    `utf8` POP3 does not offer it; with `utf8` it refuses messages whose header is not ASCII to
    clients that have not asked for that mode; with `apop` its greeting has a timestamp.
    `extensions` are what submission lists in its reply to EHLO, and no others work: "SIZE 1000",
    "DSN", "REQUIRETLS".
    """

    certificate: ServerCertificate | None = None
    minimum_version: ssl.TLSVersion | None = None
    maximum_version: ssl.TLSVersion | None = None
    mechanisms: tuple[str, ...] = ("PLAIN", "EXTERNAL")
    scram_iterations: int = 4096
    login: bool = True
    sasl_ir: bool = True
    greeting_capabilities: bool = True
    notify: bool = True
    extensions: tuple[str, ...] = EXTENSIONS
    pipelining: bool = True
    utf8: bool = True
    apop: bool = False


class MailServer:
    """A server for `users` (name: password), used as `async with MailServer({...}) as server`.

    Clients connect to `server.address` and `server.port("imap", "implicit")`, call it `host_name`
    and trust `server.ca.pem`; "pop3" has ports of its own, and the same mailboxes. With
    `client_certificates` they may log in with SASL EXTERNAL by a certificate from
    `server.ca.client_pem(user)`: the user is its common name. Nobody logs in without TLS.
    `server.store.deliver(user, message)` delivers from outside. What is submitted for
    `alice@example.org` is delivered to `alice`, if there is one, and `server.submitted` has it all.
    `server.tokens` are the access tokens that are good now, each with its user; change it to let
    one expire. `server.certificate` is what it shows. Who is in `server.throttled` is refused in
    these words after a login that is right: `server.throttled["alice"] = "[UNAVAILABLE] later"`.
    """

    def __init__(
        self,
        users: Mapping[str, str],
        *,
        ca: CertificateAuthority | None = None,
        host_name: str = "mail.example.org",
        client_certificates: bool = True,
        tokens: Mapping[str, str] | None = None,
        offer: Offer | None = None,
    ) -> None:
        offer = offer or Offer()
        self.users: Final = dict(users)
        self.tokens: Final = dict(tokens or {})
        self.throttled: Final[dict[str, str]] = {}
        self.ca: Final = ca or CertificateAuthority()
        self.host_name: Final = host_name
        self.store: Final = MailStore(self.users)
        self.submitted: Final[list[SubmittedMessage]] = []
        self.certificate: Final = offer.certificate or self.ca.issue(host_name)
        self._site = self._new_site(offer, client_certificates=client_certificates)
        self._office = Office(self._site, offer.extensions, self.submitted)
        self._maildrops = Maildrops(
            self._site,
            offers_pipelining=offer.pipelining,
            offers_utf8=offer.utf8,
            offers_apop=offer.apop,
        )
        self._connections: dict[Connection, ServiceName] = {}
        self._listeners = {key: Listener(partial(self._serve, key=key)) for key in _LISTENERS}

    @property
    def address(self) -> str:
        """The IPv4 address that it listens on."""
        return ADDRESS

    def port(self, service: ServiceName = "imap", tls: TLSName = "implicit") -> int:
        """Return the port of a service, chosen by the system.

        Raises:
            RuntimeError: the server is not running.
            KeyError: there is no such service.

        """
        return self._listeners[service, tls].port

    def endpoint(self, tls: TLSMode, service: Service = Service.IMAP) -> Endpoint:
        """Return where its server for `service` is in that mode, address included.

        Raises:
            RuntimeError: the server is not running.
            KeyError: it has no such mode or service.

        """
        port = self.port(_SERVICES[service], _NAMES[tls])
        return Endpoint(self.host_name, port, tls, addresses=[self.address])

    @property
    def sessions(self) -> int:
        """How many connections are open, logged in or not."""
        return sum(listener.serving for listener in self._listeners.values())

    @property
    def accepted(self) -> int:
        """How many connections there have been."""
        return sum(listener.accepted for listener in self._listeners.values())

    async def wait_quiet(self) -> None:
        """Wait until no session is left."""
        while self.sessions:
            for listener in self._listeners.values():
                await listener.wait_quiet()

    def show(self, certificate: ServerCertificate) -> None:
        """Show another certificate to whoever connects from now on by implicit TLS."""
        context = certificate.context(client_roots=self.ca.pem)
        self._site = replace(self._site, context=context)

    def say_goodbye(self, words: str) -> None:
        """End every connection in good order, in the middle of whatever it is doing.

        With BYE (RFC 3501 section 7.1.5) and 421 (RFC 5321 section 3.8); POP3 has no such words.
        """
        for connection, service in tuple(self._connections.items()):
            if goodbye := _GOODBYES.get(service):
                connection.write(f"{goodbye} {words}\r\n".encode())
            connection.close()

    def kill(self) -> None:
        """Reset every connection (RST), in the middle of whatever it is doing.

        The server goes on listening, as one that was restarted would.
        """
        for connection in tuple(self._connections):
            connection.reset()

    def stop(self) -> None:
        """Reset every connection and refuse new ones until `start()`, as a server that is down."""
        for listener in self._listeners.values():
            listener.close()
        self.kill()

    def start(self) -> None:
        """Listen again, on the same ports and with the same mail."""
        for listener in self._listeners.values():
            listener.open()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop listening, end every connection and wait for it. More than once is harmless."""
        for listener in self._listeners.values():
            await listener.aclose()

    def _new_site(self, offer: Offer, *, client_certificates: bool) -> Site:
        context = self.certificate.context(
            minimum_version=offer.minimum_version,
            maximum_version=offer.maximum_version,
            client_roots=self.ca.pem if client_certificates else None,
        )
        mechanisms = tuple(
            name for name in offer.mechanisms if name != "EXTERNAL" or client_certificates
        )
        realm = Realm(
            users=self.users,
            tokens=self.tokens,
            offered=mechanisms,
            end_point=self.certificate.end_point,
            salt=secrets.token_bytes(16),
            iterations=offer.scram_iterations,
        )
        return Site(
            host_name=self.host_name,
            users=self.users,
            throttled=self.throttled,
            store=self.store,
            context=context,
            mechanisms=mechanisms,
            realm=realm,
            has_login=offer.login,
            has_sasl_ir=offer.sasl_ir,
            greets_with_capabilities=offer.greeting_capabilities,
            has_notify=offer.notify,
        )

    async def _serve(self, sock: socket.socket, *, key: tuple[ServiceName, TLSName]) -> None:
        service, tls = key
        connection = Connection(self._site.context if tls == "implicit" else None)
        self._connections[connection] = service
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(lambda: connection, sock)
            await connection.handshake()
            await self._talk(connection, service)
            connection.close()
            await connection.wait_closed()
        except ConnectionError:
            connection.close()
            await connection.wait_closed()
        finally:
            connection.abort()
            del self._connections[connection]
            await connection.wait_closed()

    async def _talk(self, connection: Connection, service: ServiceName) -> None:
        match service:
            case "imap":
                await serve_imap(connection, self._site)
            case "pop3":
                await serve_pop3(connection, self._maildrops)
            case "submission":
                await serve_submission(connection, self._office)
