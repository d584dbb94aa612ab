"""Logging in, way by way and command by command (RFC 4422 section 5, RFC 9051 section 6.2)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from securemail.account import Account
from securemail.errors import Attempt, AuthenticationError, ConnectError, ProtocolError, TLSError
from securemail.proof import Proof
from securemail.protocol.dialogue import (
    Authenticate,
    CancelExchange,
    Challenge,
    Command,
    Event,
    LogIn,
    Proceed,
    Refused,
    Respond,
)
from securemail.protocol.machine import Machine
from securemail.sasl.choose import LoginCommand, Offer, Way, choose
from securemail.sasl.mechanism import Mechanism

Ask = Callable[[Command], Awaitable[Event]]


@contextmanager
def blaming(proof: Proof | None) -> Iterator[None]:
    """Name the client certificate where the server ended the session because of it.

    With TLS 1.3 its refusal comes after the handshake: as an alert, or as a plain close.

    Raises: AuthenticationError instead of ConnectError and TLSError, if the certificate was sent.
    """
    try:
        yield
    except (ConnectError, TLSError) as exc:
        if proof is None or not proof.client_certificate_sent:
            raise
        raise AuthenticationError(
            "the server ended the session after it saw the client certificate",
            attempts=[Attempt("client certificate", str(exc))],
        ) from exc


@dataclass(frozen=True, slots=True)
class Login:
    """All ways that an account has to log in to one server, tried until one works."""

    ask: Ask
    machine: Machine
    account: Account
    proof: Proof | None

    async def run(self) -> str:
        """Return the name of the way that worked.

        Raises: AuthenticationError with all attempts when none did, or when the server hangs up
        after it has refused one; whatever `ask` raises.
        """
        choice = choose(self.account, self._offer())
        attempts = list(choice.ruled_out)
        for way in choice.ways:
            try:
                refusal = await self._try(way)
            except (ConnectError, TLSError) as exc:
                if len(attempts) == len(choice.ruled_out):
                    raise
                attempts.append(Attempt(way.name, str(exc)))
                raise AuthenticationError("the server hung up", attempts=attempts) from exc
            if refusal is None:
                return way.name
            attempts.append(Attempt(way.name, refusal))
        raise AuthenticationError(f"cannot log in as {self.account.address}", attempts=attempts)

    def _offer(self) -> Offer:
        proof = self.proof
        return Offer(
            mechanisms=self.machine.mechanisms,
            has_login_command=self.machine.has_login_command,
            is_encrypted=proof is not None,
            client_certificate_sent=proof is not None and proof.client_certificate_sent,
        )

    async def _try(self, way: Way) -> str | None:
        if isinstance(way, LoginCommand):
            return await _command(self.ask, way)
        return await exchange(self.ask, way, carries=self.machine.carries_initial_response)


Carries = Callable[[str, int], bool]


async def exchange(ask: Ask, mechanism: Mechanism, *, carries: Carries) -> str | None:
    """Run `mechanism`; return None when it worked, the server's words when it was refused.

    `carries` tells, by name and size, whether the initial response goes with the command, or waits
    for the server to ask with an empty challenge. A challenge that the mechanism has no answer to
    ends the exchange with "*".
    """
    waiting = mechanism.start()
    has_ir = waiting is None or carries(mechanism.name, len(waiting))
    answer = await ask(Authenticate(mechanism.name, waiting if has_ir else None))
    if has_ir:
        waiting = None
    while isinstance(answer, Challenge):
        try:
            response = mechanism.respond(answer.data) if waiting is None else waiting
        except ProtocolError as exc:
            await ask(CancelExchange())
            return str(exc)
        waiting = None
        answer = await ask(Respond(response))
    return _refusal(answer)


async def _command(ask: Ask, way: LoginCommand) -> str | None:
    """Use the protocol's own login command; return as `exchange`."""
    answer = await ask(LogIn(way.username, way.password))
    while isinstance(answer, Challenge):
        answer = await ask(Proceed())
    return _refusal(answer)


def _refusal(answer: Event) -> str | None:
    return answer.words or "refused" if isinstance(answer, Refused) else None
