"""One call from an account to a session that is ready."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Generic

from securemail.account import Account, Service
from securemail.aio.clock import Timeouts
from securemail.aio.resolver import Resolver
from securemail.session import ClientT, SecureSession
from securemail.transports.pop3 import POP3Client

if TYPE_CHECKING:
    from securemail.transports.imap import IMAPClient
    from securemail.transports.submission import SubmissionClient


class Connecting(Generic[ClientT]):
    """A connection in the making: `async with` it, or await it and call `aclose()` yourself."""

    def __init__(
        self, account: Account, service: Service, timeouts: Timeouts, resolver: Resolver | None
    ) -> None:
        self._arguments = (account, service, timeouts, resolver)
        self._session: SecureSession[ClientT] | None = None

    async def _connect(self) -> SecureSession[ClientT]:
        account, service, timeouts, resolver = self._arguments
        return await SecureSession[ClientT].connect(
            account, service, timeouts=timeouts, resolver=resolver
        )

    def __await__(self) -> Generator[None, None, SecureSession[ClientT]]:
        return self._connect().__await__()

    async def __aenter__(self) -> SecureSession[ClientT]:
        self._session = await self._connect()
        return self._session

    async def __aexit__(self, *exc: object) -> None:
        if self._session is not None:
            await self._session.aclose()


def connect_imap(
    account: Account, *, timeouts: Timeouts | None = None, resolver: Resolver | None = None
) -> Connecting[IMAPClient]:
    """Connect to the account's IMAP server and log in.

        async with connect_imap(account) as session:
            await session.client.select("INBOX")

    `session.client` is an `aioimaplib.IMAP4`. Closing logs out where that takes less than a second.

    Raises: PolicyError, ConnectError, DeadlineError, CertificateError, TLSError, ProtocolError,
    AuthenticationError, UsageError. Nothing that the account's minimum forbids was sent then
    (RFC 8314 section 5.2).
    """
    return Connecting(account, Service.IMAP, timeouts or Timeouts(), resolver)


def connect_submission(
    account: Account, *, timeouts: Timeouts | None = None, resolver: Resolver | None = None
) -> Connecting[SubmissionClient]:
    """Connect to the account's submission server and log in.

        async with connect_submission(account) as session:
            await session.client.submit(message)

    `session.client` is an `aiosmtplib.SMTP` with `submit()` on top. Closing says QUIT where that
    takes less than a second.

    Raises: as `connect_imap`. Nothing that the account's minimum forbids was sent then.
    """
    return Connecting(account, Service.SUBMISSION, timeouts or Timeouts(), resolver)


def connect_pop3(
    account: Account, *, timeouts: Timeouts | None = None, resolver: Resolver | None = None
) -> Connecting[POP3Client]:
    """Connect to the account's POP3 server and log in.

        async with connect_pop3(account) as session:
            async for message in session.client.retr_many([1, 2, 3]):
                ...

    `session.client` is a `POP3Client`. Closing deletes nothing, in whatever way it comes about:
    what `session.client.dele()` has marked is deleted by `await session.client.quit()` alone.

    Raises: as `connect_imap`. An AuthenticationError says by `attempts[...].code` whether another
    session has the mailbox, or the last login was too short a time ago.
    """
    return Connecting(account, Service.POP3, timeouts or Timeouts(), resolver)
