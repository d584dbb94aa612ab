# SPDX-License-Identifier: Apache-2.0
"""aiosmtplib's client on a connection of ours (RFC 6409).

The client's documented interface is unchanged. What is replaced is how it reads and waits: replies
are strict and belong to what was asked, a command that is given up ends the connection, and whoever
waits hears at once, and why. `submit()` is on top.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator, Sequence
from email.message import EmailMessage
from typing import Any, Final, Literal, NoReturn

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol, normalize_message_line_endings
from aiosmtplib.typing import Default

from securemail import limits
from securemail.dsn import DSN
from securemail.errors import (
    DeadlineError,
    ProtocolError,
    SecureMailError,
    SubmissionError,
    UsageError,
)
from securemail.outcome import Submitted
from securemail.transports.envelope import Abilities, Envelope, Wish, envelope
from securemail.transports.exchange import DATA, Exchange
from securemail.transports.handover import Handover
from securemail.transports.transaction import Transaction
from securemail.wire.smtp import Answer, stuffed

_CONTROL: Final = frozenset(range(32)) | {127}


def hand_over(handover: Handover) -> SubmissionClient:
    """Return a client that is logged in, on a connection past its gate.

    Raises: ProtocolError when anything came behind the reply that logged us in. Not checked: that
    the transport is protected.
    """
    if handover.early:
        handover.transport.abort()
        raise ProtocolError(f"{len(handover.early)} bytes followed the reply to AUTH")
    return SubmissionClient(handover)


class SubmissionProtocol(SMTPProtocol):
    """aiosmtplib's protocol, whose commands go through an `Exchange`."""

    def __init__(self, exchange: Exchange, transport: asyncio.Transport) -> None:
        super().__init__(asyncio.get_running_loop())
        self.exchange = exchange
        self.transport = transport

    async def execute_command(
        self,
        *args: bytes,
        timeout: float | None = None,  # noqa: ASYNC109 - aiosmtplib's name
    ) -> aiosmtplib.SMTPResponse:
        """Send one command and return the reply.

        Raises: aiosmtplib.SMTPServerDisconnected and SMTPReadTimeoutError, with our error as the
        cause; ValueError for control characters in the command.
        """
        line = b" ".join(args)
        if not _CONTROL.isdisjoint(line):
            raise ValueError("Command arg contains a prohibited control character")
        with _as_aiosmtplib():
            return _response(await self.exchange.ask(line + b"\r\n", timeout_s=timeout))

    async def execute_data_command(
        self,
        message: bytes,
        timeout: float | None = None,  # noqa: ASYNC109 - aiosmtplib's name
    ) -> aiosmtplib.SMTPResponse:
        """Send a message, its lone CRs and LFs made CRLFs as aiosmtplib does.

        Raises: as `execute_command`; aiosmtplib.SMTPDataError for a refusal.
        """
        pieces = stuffed(normalize_message_line_endings(message))
        with _as_aiosmtplib():
            async with self.exchange.turn:
                (answer,) = await self.exchange.flight([DATA], timeout_s=timeout)
                if is_awaited := answer.kind == 3:
                    answer = await self.exchange.message(pieces, timeout_s=timeout, reply_s=timeout)
        if not is_awaited or answer.code != aiosmtplib.SMTPStatus.completed:
            raise aiosmtplib.SMTPDataError(*_response(answer))
        return _response(answer)


class SubmissionClient(aiosmtplib.SMTP):
    """An `aiosmtplib.SMTP` that is connected, greeted and logged in, with `submit()` on top.

    `timeout` bounds each command, `data_reply_s` the server's last reply in `submit()`; both are in
    seconds and may be set. `local_hostname` is what EHLO said. What the server did not offer before
    the login is asked for once more, when a message needs it. To connect again, make a new
    session: `connect()`, `starttls()` and `login()` raise UsageError.
    """

    def __init__(self, handover: Handover) -> None:
        endpoint, transport = handover.endpoint, handover.transport
        super().__init__(
            hostname=endpoint.host,
            port=endpoint.port,
            local_hostname=handover.ehlo_name or limits.NEUTRAL_NAME,
            timeout=handover.timeout_s,
        )
        self.data_reply_s = max(handover.timeout_s, limits.DATA_REPLY_S)
        self._is_encrypted = transport.is_encrypted
        self._exchange = Exchange(transport, str(endpoint), handover.redactor)
        self._transaction = asyncio.Lock()
        self._has_asked_again = False
        self.loop = asyncio.get_running_loop()
        self.transport = transport
        self.protocol = SubmissionProtocol(self._exchange, transport)
        # The first line is the server's name; the order of the others means nothing.
        greeting = "\n".join([endpoint.host, *sorted(handover.capabilities or ())])
        self.last_ehlo_response = aiosmtplib.SMTPResponse(250, greeting)
        transport.set_protocol(self._exchange)

    async def submit(
        self,
        message: EmailMessage | bytes,
        *,
        sender: str | None = None,
        recipients: str | Iterable[str] | None = None,
        require_tls: bool = False,
        dsn: DSN | None = None,
    ) -> Submitted:
        """Submit a message, and return what the server said to each recipient.

        `sender` and `recipients` are taken from the header where they are None; `sender=""` is the
        null reverse-path. Bcc is not sent. 8BITMIME and SMTPUTF8 are chosen as the message needs
        them; `require_tls` asks that it never goes on without TLS (RFC 8689). Bytes end all their
        lines in CRLF, or all in LF.

        Raises: SubmissionError when the server refuses it for all recipients, or lacks what it
        needs; UnknownOutcome when the end of the data was sent and no reply came (cancelled there,
        CancelledError has it as its cause); UsageError for what is no message or no address;
        ConnectError, DeadlineError and ProtocolError, when nothing was accepted and the session is
        over.
        """
        wish = Wish(sender, recipients, require_tls, dsn)
        async with self._transaction:
            transaction = Transaction(
                self._exchange,
                await self._envelope(message, wish),
                is_pipelined=self._abilities.has("PIPELINING"),
                timeout_s=self.timeout,
                reply_s=self.data_reply_s,
            )
            return await transaction.run()

    async def _envelope(self, message: EmailMessage | bytes, wish: Wish) -> Envelope:
        try:
            return envelope(message, wish, self._abilities)
        except SubmissionError:
            if self._has_asked_again:
                raise
        # Dovecot knows what its relay can do, DSN for one, only when somebody has logged in.
        self._has_asked_again = True
        line = f"EHLO {self.local_hostname}\r\n".encode("ascii")
        answer = await self._exchange.ask(line, timeout_s=self.timeout)
        if answer.kind == 2:
            self.last_ehlo_response = _response(answer)
        return envelope(message, wish, self._abilities)

    @property
    def _abilities(self) -> Abilities:
        return Abilities(self.esmtp_extensions, self._is_encrypted)

    async def sendmail(
        self,
        sender: str,
        recipients: str | Sequence[str],
        message: str | bytes,
        /,
        *,
        mail_options: Iterable[str] | None = None,
        rcpt_options: Iterable[str] | None = None,
        timeout: float | Literal[Default.token] | None = Default.token,  # noqa: ASYNC109 - its name
    ) -> tuple[dict[str, aiosmtplib.SMTPResponse], str]:
        """As aiosmtplib's, one transaction after the other, those of `submit()` included."""
        async with self._transaction:
            return await super().sendmail(
                sender,
                recipients,
                message,
                mail_options=mail_options,
                rcpt_options=rcpt_options,
                timeout=timeout,
            )

    def close(self) -> None:
        """Close the connection. Commands after that say why it ended."""
        self._exchange.close()

    @property
    def is_quiet(self) -> bool:
        """Whether no message is being sent."""
        return not self._transaction.locked() and self._exchange.is_quiet

    async def check(self) -> None:
        """Forget a transaction that was begun by hand, and see whether the server is there.

        Raises: ConnectError, DeadlineError, ProtocolError; the session is over then.
        """
        answer = await self._exchange.ask(b"RSET\r\n", timeout_s=self.timeout)
        if answer.code != aiosmtplib.SMTPStatus.completed:
            self._exchange.abort()
            said = self._exchange.redactor(str(answer))
            raise ProtocolError(f"{self.hostname} answered {said!r} to RSET")

    async def leave(self) -> None:
        """Say QUIT, if there is somebody to say it to."""
        with contextlib.suppress(aiosmtplib.SMTPException):
            await self.quit()

    async def connect(self, **options: Any) -> NoReturn:  # noqa: ARG002 - aiosmtplib takes many
        """Refuse: nothing of this client knows what the account's minimum is.

        Raises: UsageError.
        """
        raise UsageError("make a new session with connect_submission()", field="connect")

    async def starttls(self, **options: Any) -> NoReturn:  # noqa: ARG002 - as above
        """Refuse: the session does that. Raises: UsageError."""
        raise UsageError("the session does that, before there is a client", field="starttls")

    async def login(self, *args: Any, **options: Any) -> NoReturn:  # noqa: ARG002 - as above
        """Refuse: the session is logged in. Raises: UsageError."""
        raise UsageError("the session is logged in already", field="login")


def _response(answer: Answer) -> aiosmtplib.SMTPResponse:
    lines = (line.decode("utf-8", "surrogateescape").strip() for line in answer.lines)
    return aiosmtplib.SMTPResponse(answer.code, "\n".join(lines))


@contextlib.contextmanager
def _as_aiosmtplib() -> Iterator[None]:
    """Raise what programs written for aiosmtplib catch, with our error as the cause."""
    try:
        yield
    except DeadlineError as exc:
        raise aiosmtplib.SMTPReadTimeoutError(str(exc)) from exc
    except SecureMailError as exc:
        raise aiosmtplib.SMTPServerDisconnected(str(exc)) from exc
