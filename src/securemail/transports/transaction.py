# SPDX-License-Identifier: Apache-2.0
"""One message, from MAIL to the answer behind its end (RFC 5321 section 3.3)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
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
from securemail.transports.exchange import Exchange
from securemail.wire.smtp import Answer


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
        recipients = await self._name_recipients()
        try:
            answer, is_to_data = await self.exchange.deliver(
                self.envelope.message.pieces(), timeout_s=self.timeout_s, reply_s=self.reply_s
            )
        except UnknownOutcome as exc:
            self._complete(exc, recipients)
            raise
        except asyncio.CancelledError as exc:
            if isinstance(exc.__cause__, UnknownOutcome):
                self._complete(exc.__cause__, recipients)
            raise
        if is_to_data:
            await self._refuse("DATA", answer, recipients)
        if answer.kind != 2:
            raise _refusal("message", answer, recipients)
        return Submitted(recipients, answer.code, answer.enhanced, self.exchange.said(answer))

    async def _name_recipients(self) -> tuple[RecipientOutcome, ...]:
        """Send MAIL and RCPT; return what was said to each recipient, if one was accepted."""
        mail, *rcpt = await self._ask([self.envelope.mail, *self.envelope.rcpt])
        if mail.kind != 2:
            await self._refuse("MAIL", mail, ())
        recipients = tuple(
            self._outcome(address, answer)
            for address, answer in zip(self.envelope.recipients, rcpt, strict=True)
        )
        if any(answer.kind == 3 for answer in rcpt):
            self._break_off("RCPT", next(answer for answer in rcpt if answer.kind == 3))
        if not any(each.is_accepted for each in recipients):
            await self._refuse("RCPT", rcpt[0], recipients)
        return recipients

    def _outcome(self, address: str, answer: Answer) -> RecipientOutcome:
        said = self.exchange.said(answer)
        return RecipientOutcome(address, answer.kind == 2, answer.code, answer.enhanced, said)

    async def _ask(self, lines: Sequence[bytes]) -> list[Answer]:
        if self.is_pipelined:
            return await self.exchange.ask_all(lines, timeout_s=self.timeout_s)
        answers = []
        for line in lines:
            answers.append(await self.exchange.ask(line, timeout_s=self.timeout_s))
            if answers[0].kind != 2:
                break
        return answers

    async def _refuse(
        self, step: str, answer: Answer, recipients: tuple[RecipientOutcome, ...]
    ) -> NoReturn:
        """Leave the transaction, so that the next one begins anew, and say why."""
        if answer.kind in (2, 3):
            self._break_off(step, answer)
        with contextlib.suppress(SecureMailError):
            await self.exchange.ask(b"RSET\r\n", timeout_s=self.timeout_s)
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
