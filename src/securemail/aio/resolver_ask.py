"""One question to the resolvers: over UDP, TCP or TLS (RFC 1035, RFC 6891, RFC 7766, RFC 7858)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.rcode
from dns.rcode import Rcode

from securemail import limits
from securemail.discovery.dnssec import Question
from securemail.errors import DiscoveryError, DiscoveryReason

# RFC 9715 section 3.2: a datagram that no path breaks up.
_PAYLOAD_BYTES: Final = 1232

_ANSWERS: Final = frozenset({Rcode.NOERROR, Rcode.NXDOMAIN})
_REASONS: Final[Mapping[Rcode, DiscoveryReason]] = {
    Rcode.REFUSED: DiscoveryReason.REFUSED,
    Rcode.NOTIMP: DiscoveryReason.REFUSED,
    Rcode.FORMERR: DiscoveryReason.REFUSED,
}
# What a resolver that validates says beside SERVFAIL (RFC 8914 sections 4.7 to 4.13).
_BOGUS: Final = range(6, 13)


@dataclass(slots=True)
class Upstream:
    """The resolvers to ask, in this order, and how."""

    servers: tuple[tuple[str, int], ...]
    tls_name: str | None = None
    flags: int = dns.flags.RD
    wants_dnssec: bool = True
    _context: ssl.SSLContext | None = field(default=None)

    async def ask(self, question: Question) -> bytes:
        """Return the message of the first resolver that answers.

        Raises: DiscoveryError, with what went wrong with the last one.
        """
        query = self._query(question)
        trouble = DiscoveryError("no resolver is configured", reason=DiscoveryReason.UNREACHABLE)
        waiting = list(self.servers)
        for _ in range(limits.DNS_ROUNDS):
            for server in tuple(waiting):
                try:
                    return await self._try(server, query, question)
                except DiscoveryError as exc:
                    trouble = exc
                    # To ask again helps against loss, not against a no.
                    if exc.reason is not DiscoveryReason.TIMEOUT:
                        waiting.remove(server)
        raise trouble

    def _query(self, question: Question) -> dns.message.Message:
        return dns.message.make_query(
            question.name,
            question.rdtype,
            use_edns=0,
            want_dnssec=self.wants_dnssec,
            payload=_PAYLOAD_BYTES,
            flags=self.flags,
        )

    async def _try(
        self, server: tuple[str, int], query: dns.message.Message, question: Question
    ) -> bytes:
        where = f"the resolver {server[0]} port {server[1]}, asked for {question},"
        try:
            async with asyncio.timeout(limits.DNS_TRY_S):
                data = await self._exchange(server, query)
        except TimeoutError as exc:
            text = f"{where} did not answer within {limits.DNS_TRY_S:g} s"
            raise DiscoveryError(text, reason=DiscoveryReason.TIMEOUT) from exc
        except (OSError, EOFError) as exc:
            text = f"{where} cannot be reached: {getattr(exc, 'strerror', '') or exc}"
            raise DiscoveryError(text, reason=DiscoveryReason.UNREACHABLE) from exc
        except MalformedMessage as exc:
            text = f"{where} sent something else than an answer: {exc}"
            raise DiscoveryError(text, reason=DiscoveryReason.MALFORMED) from exc
        _check(parsed(data), where)
        return data

    async def _exchange(self, server: tuple[str, int], query: dns.message.Message) -> bytes:
        if self.tls_name is not None:
            return await self._stream(server, query)
        data = await _datagram(server, query)
        if parsed(data).flags & dns.flags.TC:
            return await self._stream(server, query)
        return data

    async def _stream(self, server: tuple[str, int], query: dns.message.Message) -> bytes:
        if self.tls_name is not None and self._context is None:
            # It reads the certificates of the authorities: 15 ms.
            self._context = await asyncio.to_thread(_tls_context)
        reader, writer = await asyncio.open_connection(
            *server, ssl=self._context, server_hostname=self.tls_name
        )
        try:
            writer.write(query.to_wire(prepend_length=True))
            length = int.from_bytes(await reader.readexactly(2), "big")
            data = await reader.readexactly(length)
        finally:
            writer.transport.abort()
        _check_match(query, data)
        if parsed(data).flags & dns.flags.TC:
            # What is missing would be taken for what is not there.
            raise MalformedMessage("it is cut off, and that over TCP")
        return data


class MalformedMessage(Exception):  # noqa: N818 - it is caught here, and never seen outside
    """What came is not a message of the DNS, or not the answer to the question."""


def parsed(data: bytes) -> dns.message.Message:
    """Return the message in `data`.

    Raises: MalformedMessage.
    """
    try:
        return dns.message.from_wire(data)
    except (dns.exception.DNSException, ValueError, LookupError) as exc:
        raise MalformedMessage(str(exc)) from exc


async def _datagram(server: tuple[str, int], query: dns.message.Message) -> bytes:
    loop = asyncio.get_running_loop()
    # A socket of its own for each question: a new port each time, and connected, so that nothing
    # from another address is read and a closed port is known at once (RFC 5452 section 9.2).
    transport, protocol = await loop.create_datagram_endpoint(
        lambda: _OneAnswer(query, loop.create_future()), remote_addr=server
    )
    try:
        transport.sendto(query.to_wire())
        return await protocol.answer
    finally:
        transport.abort()


class _OneAnswer(asyncio.DatagramProtocol):
    """Waits for the answer to one query, whatever else arrives."""

    def __init__(self, query: dns.message.Message, answer: asyncio.Future[bytes]) -> None:
        self.answer = answer
        self._query = query

    def datagram_received(self, data: bytes, _addr: object) -> None:
        # Who cannot see the query does not know its number: not worth a look.
        if self.answer.done() or data[:2] != self._query.id.to_bytes(2, "big"):
            return
        try:
            _check_match(self._query, data)
        except MalformedMessage as exc:
            self.answer.set_exception(exc)
        else:
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc or ConnectionAbortedError("closed"))
        elif not self.answer.cancelled():
            self.answer.exception()


def _check_match(query: dns.message.Message, data: bytes) -> None:
    """Raise MalformedMessage unless `data` answers the query: id, kind and question."""
    if not query.is_response(parsed(data)):
        raise MalformedMessage("it answers another question")


def _check(message: dns.message.Message, where: str) -> None:
    rcode = message.rcode()
    if rcode in _ANSWERS:
        return
    said = [option for option in message.options if isinstance(option, dns.edns.EDEOption)]
    words = "; ".join(str(option.text or option.code) for option in said)
    reason = _REASONS.get(rcode, DiscoveryReason.SERVER_FAILURE)
    if any(option.code in _BOGUS for option in said):
        reason = DiscoveryReason.BOGUS
    text = f"{where} answered {dns.rcode.to_text(rcode)}" + (f": {words}" if words else "")
    raise DiscoveryError(text[: limits.WORDS_CHARS], reason=reason)


def _tls_context() -> ssl.SSLContext:
    """Return what checks the resolver's name: no account's policy, and no secret, is involved."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["dot"])
    return context
