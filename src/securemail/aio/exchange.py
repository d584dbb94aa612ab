"""One way to log in, from the first command to the server's last word (RFC 4422 section 5)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass

from securemail.errors import ProtocolError, SecureMailError
from securemail.protocol.dialogue import (
    Authenticate,
    CancelExchange,
    Challenge,
    Command,
    EnableUTF8,
    Event,
    LogIn,
    LogInByDigest,
    Proceed,
    Refused,
    Respond,
)
from securemail.protocol.machine import Machine
from securemail.sasl.apop import Apop
from securemail.sasl.mechanism import Denial, Mechanism, Verdict
from securemail.sasl.ways import LoginCommand
from securemail.secret import SecretBytes

Ask = Callable[[Command], Awaitable[Event]]
Limit = Callable[[str], AbstractAsyncContextManager[None]]
Carries = Callable[[str, int], bool]


@dataclass(frozen=True, slots=True)
class Line:
    """The line to the server: `ask` sends a command and returns what is said to it.

    `limit` bounds what is done meanwhile without the server. `carries` tells, by a mechanism's name
    and its size, whether an initial response goes with the command, or waits for the server to ask
    with an empty challenge.
    """

    ask: Ask
    limit: Limit
    carries: Carries


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one way: no verdict when it worked, otherwise the server's words.

    `cause` is there when it was us who broke off.
    """

    verdict: Verdict | None = None
    words: str = ""
    cause: ProtocolError | None = None


async def enable_utf8(machine: Machine, ask: Ask) -> None:
    """Ask for UTF-8 mode if it is offered; what came of it is `machine.is_utf8`.

    A no is no fault (RFC 6856 section 2.1), and the login can go on.

    Raises: whatever `ask` raises.
    """
    if machine.offers_utf8:
        await ask(EnableUTF8())


async def run_mechanism(line: Line, mechanism: Mechanism) -> Outcome:
    """Run `mechanism` to its end; one that has no answer to a challenge ends it with "*".

    Raises: whatever `line.ask` raises.
    """
    waiting = mechanism.start()
    if waiting is None or line.carries(mechanism.name, len(waiting)):
        answer = await line.ask(Authenticate(mechanism.name, waiting))
        waiting = None
    else:
        answer = await line.ask(Authenticate(mechanism.name, None))
    while isinstance(answer, Challenge):
        try:
            response = await _respond(line, mechanism, answer.data) if waiting is None else waiting
        except ProtocolError as exc:
            return await _break_off(line, exc)
        waiting = None
        answer = await line.ask(Respond(response))
    return _judged(mechanism, answer)


async def _respond(line: Line, mechanism: Mechanism, challenge: bytes) -> SecretBytes:
    if not mechanism.is_costly:
        return mechanism.respond(challenge)
    # 0.3 s and more of hashing, as the server pleases: other sessions must not stand still for it.
    async with line.limit(f"computing the answer of {mechanism.name}"):
        return await asyncio.to_thread(mechanism.respond, challenge)


async def _break_off(line: Line, exc: ProtocolError) -> Outcome:
    words = ""
    # Whatever the server makes of it, what it did before is why the login ends.
    with suppress(SecureMailError):
        answer = await line.ask(CancelExchange())
        words = f"; the server: {answer.words}" if isinstance(answer, Refused) else ""
    return Outcome(Verdict.UNTRUSTED, f"{exc}{words}", exc)


def _judged(mechanism: Mechanism, answer: Event) -> Outcome:
    if isinstance(answer, Refused):
        return _refused(answer, mechanism.denial)
    try:
        mechanism.check_success()
    except ProtocolError as exc:
        return Outcome(Verdict.UNTRUSTED, str(exc), exc)
    return Outcome()


def _refused(answer: Refused, denial: Denial) -> Outcome:
    words = answer.words or "refused"
    return Outcome(denial.verdict, f"{words} ({denial.words})" if denial.words else words)


async def run_login_command(line: Line, way: LoginCommand) -> Outcome:
    """Use the protocol's own login command.

    Raises: whatever `line.ask` raises.
    """
    answer = await line.ask(LogIn(way.username, way.password))
    while isinstance(answer, Challenge):
        answer = await line.ask(Proceed())
    if isinstance(answer, Refused):
        return _refused(answer, Denial(Verdict.WRONG_SECRET))
    return Outcome()


async def run_apop(line: Line, way: Apop) -> Outcome:
    """Use APOP.

    Raises: whatever `line.ask` raises.
    """
    answer = await line.ask(LogInByDigest(way.username, way.digest))
    if isinstance(answer, Refused):
        return _refused(answer, Denial(Verdict.WRONG_SECRET))
    return Outcome()
