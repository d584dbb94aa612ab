"""One call from an account to a session that is ready."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, Generic

from securemail.account import Account, Service
from securemail.aio.clock import Timeouts
from securemail.aio.resolver import Resolver
from securemail.events import Observer
from securemail.session import ClientT, SecureSession
from securemail.transports.pop3 import POP3Client

if TYPE_CHECKING:
    from securemail.transports.imap import IMAPClient
    from securemail.transports.submission import SubmissionClient


class Connecting(Generic[ClientT]):
    """A connection in the making: `async with` it, or await it and call `aclose()` yourself."""

    def __init__(
        self,
        account: Account,
        service: Service,
        *,
        timeouts: Timeouts | None,
        resolver: Resolver | None,
        observer: Observer | None,
        utf8: bool = False,
        finish: Callable[[SecureSession[ClientT]], Awaitable[None]] | None = None,
    ) -> None:
        self._finish = finish
        self._connected = partial(
            SecureSession[ClientT].connect,
            account,
            service,
            timeouts=timeouts,
            resolver=resolver,
            observer=observer,
            utf8=utf8,
        )
        self._session: SecureSession[ClientT] | None = None

    def __await__(self) -> Generator[None, None, SecureSession[ClientT]]:
        return self._ready().__await__()

    async def __aenter__(self) -> SecureSession[ClientT]:
        self._session = await self._ready()
        return self._session

    async def __aexit__(self, *exc: object) -> None:
        if self._session is not None:
            await self._session.aclose()

    async def _ready(self) -> SecureSession[ClientT]:
        session = await self._connected()
        try:
            if self._finish is not None:
                await self._finish(session)
        except BaseException:
            session.abort()
            raise
        return session


async def _compress(session: SecureSession[IMAPClient]) -> None:
    if "COMPRESS=DEFLATE" in session.capabilities:
        protocol = session.client.protocol
        tag, timeout_s = protocol.new_tag(), session.client.timeout
        await protocol.conversation.compress(tag, timeout_s=timeout_s)


def connect_imap(
    account: Account,
    *,
    timeouts: Timeouts | None = None,
    resolver: Resolver | None = None,
    observer: Observer | None = None,
    compress: bool = False,
) -> Connecting[IMAPClient]:
    """Connect to the account's IMAP server and log in.

        async with connect_imap(account) as session:
            await session.client.select("INBOX")

    `session.client` is an `aioimaplib.IMAP4`. Closing logs out where that takes less than a second.
    `observer` is told what happens to the session (`securemail.events`).

    With `compress` the line is compressed after the login, where the server offers that (RFC 4978).
    The lengths of what was said then tell more of it; docs/compression.md says what and to whom.

    Raises: PolicyError, ConnectError, DeadlineError, CertificateError, TLSError, ProtocolError,
    AuthenticationError, UsageError. Nothing that the account's minimum forbids was sent then
    (RFC 8314 section 5.2).
    """
    return Connecting(
        account,
        Service.IMAP,
        timeouts=timeouts,
        resolver=resolver,
        observer=observer,
        finish=_compress if compress else None,
    )


def connect_submission(
    account: Account,
    *,
    timeouts: Timeouts | None = None,
    resolver: Resolver | None = None,
    observer: Observer | None = None,
) -> Connecting[SubmissionClient]:
    """Connect to the account's submission server and log in.

        async with connect_submission(account) as session:
            await session.client.submit(message)

    `session.client` is an `aiosmtplib.SMTP` with `submit()` on top. Closing says QUIT where that
    takes less than a second.

    Raises: as `connect_imap`. Nothing that the account's minimum forbids was sent then.
    """
    return Connecting(
        account, Service.SUBMISSION, timeouts=timeouts, resolver=resolver, observer=observer
    )


def connect_pop3(
    account: Account,
    *,
    timeouts: Timeouts | None = None,
    resolver: Resolver | None = None,
    observer: Observer | None = None,
    utf8: bool = False,
) -> Connecting[POP3Client]:
    """Connect to the account's POP3 server and log in.

        async with connect_pop3(account) as session:
            async for message in session.client.retr_many([1, 2, 3]):
                ...

    `session.client` is a `POP3Client`. Closing deletes nothing, in whatever way it comes about:
    what `session.client.dele()` has marked is deleted by `await session.client.quit()` alone.

    With `utf8` the server is asked for UTF-8 mode before the login, where it offers that: messages
    come as they are then, headers in UTF-8 included (RFC 6856 section 2). Where it does not, or
    refuses, the login goes on: `session.client.is_utf8` tells.

    Raises: as `connect_imap`. An AuthenticationError says by `attempts[...].code` whether another
    session has the mailbox, or the last login was too short a time ago.
    """
    return Connecting(
        account,
        Service.POP3,
        timeouts=timeouts,
        resolver=resolver,
        observer=observer,
        utf8=utf8,
    )
