"""Which client a service has, and how it gets a connection that is past its gate."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Self

from securemail.account import Account, Endpoint, Service
from securemail.aio.connection import Connection
from securemail.aio.login import LoginRecord
from securemail.aio.transport import SecureTransport
from securemail.errors import SecureMailError
from securemail.sasl.redactor import NOTHING, Redactor
from securemail.transports import pop3

# How long a server may take to see a connection off before the socket is closed regardless.
_FAREWELL_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Handover:
    """A connection that is protected and logged in, and what was learnt on it.

    `early` is what arrived behind the reply that logged us in; `capabilities` are those after
    login, None where the server did not say them. `timeout_s` bounds each command; `ehlo_name` is
    what we call ourselves where the protocol asks for a name; `is_utf8` tells whether a POP3
    session is in UTF-8 mode; `redactor` knows the secrets that the server may repeat.
    """

    transport: SecureTransport
    endpoint: Endpoint
    capabilities: frozenset[str] | None
    early: bytes
    timeout_s: float
    ehlo_name: str = ""
    is_utf8: bool = False
    redactor: Redactor = NOTHING

    @classmethod
    def of(
        cls, connection: Connection, account: Account, login: LoginRecord, timeout_s: float
    ) -> Self:
        """Return a `connection` of `account` whose dialogue has come to the login."""
        machine = connection.machine
        return cls(
            transport=connection.transport,
            endpoint=connection.endpoint,
            capabilities=machine.capabilities,
            early=machine.trailing_data(),
            timeout_s=timeout_s,
            ehlo_name=account.ehlo_name,
            is_utf8=machine.is_utf8,
            redactor=login.redactor,
        )


@dataclass(frozen=True, slots=True)
class Held:
    """A client that has its connection: what it can do, and how it takes leave of the server.

    `leave` does not raise but when cancelled; the caller bounds its time and closes the socket.
    """

    client: Any
    capabilities: frozenset[str]
    leave: Callable[[], Awaitable[None]]


async def see_off(connection: Connection, held: Held | None) -> None:
    """Take leave of the server where that takes less than a second, and close the socket."""
    transport = connection.transport
    try:
        async with asyncio.timeout(_FAREWELL_S):
            if held is not None:
                await held.leave()
            transport.close()
            await transport.wait_closed()
    except (TimeoutError, SecureMailError):
        pass
    finally:
        connection.abort()
    await transport.wait_closed()


async def hand_over(service: Service, handover: Handover) -> Held:
    """Return the client of `service` on that connection.

    Raises: ProtocolError when the server does not list its capabilities; why the line dropped.
    """
    if handover.transport.error is not None:
        # It broke in the very read that brought the login.
        raise handover.transport.error
    match service:
        case Service.IMAP:
            return await _imap(handover)
        case Service.POP3:
            return _pop3(handover)
        case Service.SUBMISSION:
            return _submission(handover)


async def _imap(handover: Handover) -> Held:
    # Imported when needed: the module is under the GPL (docs/licensing.md).
    from securemail.transports import imap  # noqa: PLC0415 - see above

    client = imap.hand_over(
        handover.transport,
        host=handover.endpoint.host,
        port=handover.endpoint.port,
        capabilities=handover.capabilities or frozenset(),
        early=handover.early,
        timeout_s=handover.timeout_s,
        redactor=handover.redactor,
    )
    client.protocol.check()
    if handover.capabilities is None:
        # RFC 3501 section 6.1.1: they may have changed with the login.
        await client.learn_capabilities()
    return Held(client, frozenset(client.protocol.capabilities), client.leave)


def _submission(handover: Handover) -> Held:
    # Imported when needed: nobody else has a use for aiosmtplib.
    from securemail.transports import submission  # noqa: PLC0415 - see above

    client = submission.hand_over(handover)
    return Held(client, handover.capabilities or frozenset(), client.leave)


def _pop3(handover: Handover) -> Held:
    capabilities = handover.capabilities or frozenset()
    client = pop3.hand_over(
        handover.transport,
        peer=str(handover.endpoint),
        capabilities=capabilities,
        early=handover.early,
        timeout_s=handover.timeout_s,
        redactor=handover.redactor,
        is_utf8=handover.is_utf8,
    )
    return Held(client, capabilities, _leave_without_a_word)


async def _leave_without_a_word() -> None:
    """Let the socket be closed: QUIT would delete what is marked (RFC 1939 section 6)."""
