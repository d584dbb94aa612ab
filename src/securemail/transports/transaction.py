# SPDX-License-Identifier: Apache-2.0
"""One message, from MAIL to the answer behind its end (RFC 5321 section 3.3)."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import NoReturn

from securemail.errors import (
    ProtocolError,
    SecureMailError,
    SubmissionError,
    UnknownOutcome,
)
from securemail.outcome import RecipientOutcome, Submitted
from securemail.transports.envelope import Envelope
from securemail.transports.exchange import DATA, END_OF_DATA, Exchange
from securemail.wire.smtp import Answer


@dataclass(frozen=True, slots=True)
class Told:
    """The answers to MAIL and to each RCPT, and to DATA if that was sent with them."""

    envelope: list[Answer]
    data: Answer | None = None

    @property
    def is_awaited(self) -> bool:
        """Whether the server takes what comes next for the message."""
        return self.data is not None and self.data.kind == 3

    @property
    def is_for_somebody(self) -> bool:
        """Whether it would give that to anybody: after a refusal it must not be sent the end."""
        return self.is_awaited and any(answer.kind == 2 for answer in self.envelope[1:])


@dataclass(frozen=True, slots=True)
class Transaction:
    """How one message is handed over on `exchange`. Whoever runs it has the connection alone.

    `timeout_s` bounds each answer and each piece, `reply_s` the last answer.
    """

    exchange: Exchange
    envelope: Envelope
    is_pipelined: bool
    timeout_s: float | None
    reply_s: float | None

    async def run(self) -> Submitted:
        """Return what became of it, if the server has accepted it.

        Raises: SubmissionError for a refusal; UnknownOutcome; ConnectError, DeadlineError and
        ProtocolError, after which the connection is over and nothing was accepted.
        """
        async with self.exchange.turn:
            recipients = await self._open()
            try:
                answer = await self.exchange.message(
                    self.envelope.message.pieces(), timeout_s=self.timeout_s, reply_s=self.reply_s
                )
            except UnknownOutcome as exc:
                self._complete(exc, recipients)
                raise
            except asyncio.CancelledError as exc:
                if isinstance(exc.__cause__, UnknownOutcome):
                    self._complete(exc.__cause__, recipients)
                raise
        if answer.kind != 2:
            raise _refusal("message", answer, recipients)
        return Submitted(recipients, answer.code, answer.enhanced, self.exchange.said(answer))

    async def _open(self) -> tuple[RecipientOutcome, ...]:
        """Return what was said to each recipient, once the server waits for the message."""
        told = await self._tell()
        mail, *rcpt = told.envelope
        if mail.kind != 2:
            await self._refuse("MAIL", mail, told)
        recipients = tuple(
            self._outcome(address, answer)
            for address, answer in zip(self.envelope.recipients, rcpt, strict=True)
        )
        if any(answer.kind == 3 for answer in rcpt):
            self._break_off("RCPT", next(answer for answer in rcpt if answer.kind == 3))
        if not any(each.is_accepted for each in recipients):
            await self._refuse("RCPT", rcpt[0], told, recipients)
        data = told.data or (await self._ask(DATA))
        if data.kind != 3:
            await self._refuse("DATA", data, told, recipients)
        return recipients

    async def _tell(self) -> Told:
        """Send MAIL and RCPT; and DATA, too, where that may be in the same flight (RFC 2920)."""
        lines = [self.envelope.mail, *self.envelope.rcpt]
        if self.is_pipelined:
            *answers, data = await self.exchange.flight([*lines, DATA], timeout_s=self.timeout_s)
            return Told(answers, data)
        answers = []
        for line in lines:
            answers.append(await self._ask(line))
            if answers[0].kind != 2:
                break
        return Told(answers)

    async def _ask(self, line: bytes) -> Answer:
        (answer,) = await self.exchange.flight([line], timeout_s=self.timeout_s)
        return answer

    def _outcome(self, address: str, answer: Answer) -> RecipientOutcome:
        said = self.exchange.said(answer)
        return RecipientOutcome(address, answer.kind == 2, answer.code, answer.enhanced, said)

    async def _refuse(
        self, step: str, answer: Answer, told: Told, recipients: tuple[RecipientOutcome, ...] = ()
    ) -> NoReturn:
        """Leave the transaction, so that the next one begins anew, and say why."""
        if answer.kind in (2, 3):
            self._break_off(step, answer)
        if told.is_for_somebody:
            self.exchange.abort()
        with contextlib.suppress(SecureMailError):
            # RFC 2920 section 3.1: a server may wait for a message that it has nobody to give to.
            await self._ask(END_OF_DATA if told.is_awaited else b"RSET\r\n")
        raise _refusal(step, answer, recipients)

    def _break_off(self, step: str, answer: Answer) -> NoReturn:
        self.exchange.abort()
        said = self.exchange.redactor(str(answer))
        raise ProtocolError(f"{self.exchange.peer}: {said!r} is no answer to {step}")

    def _complete(self, unknown: UnknownOutcome, recipients: tuple[RecipientOutcome, ...]) -> None:
        unknown.recipients = tuple(each.address for each in recipients if each.is_accepted)


def _refusal(
    step: str, answer: Answer, recipients: tuple[RecipientOutcome, ...]
) -> SubmissionError:
    return SubmissionError(
        f"{step} was refused: {answer}",
        step=step,
        recipients=recipients,
        code=answer.code,
        enhanced=answer.enhanced,
        words=answer.words,
    )
