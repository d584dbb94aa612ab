"""Logging in: all ways that an account has, tried until one works (RFC 8314 section 5.5)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from securemail.account import Account
from securemail.aio.exchange import Line, Outcome, run_apop, run_login_command, run_mechanism
from securemail.credentials import Password
from securemail.errors import (
    Attempt,
    AuthenticationError,
    ConnectError,
    SecureMailError,
    TLSError,
    UsageError,
)
from securemail.minimum import Policy
from securemail.proof import Proof
from securemail.protocol.machine import Machine
from securemail.sasl.apop import Apop
from securemail.sasl.choose import Choice, Offer, choose
from securemail.sasl.cram import CramMD5
from securemail.sasl.fallback import Refusal, why_not
from securemail.sasl.mechanism import Mechanism, Verdict
from securemail.sasl.redact import redact
from securemail.sasl.redactor import NOTHING, Redactor
from securemail.sasl.scram import Scram
from securemail.sasl.ways import LoginCommand, TokenWay, Way
from securemail.secret import Secret

_NONCE_BYTES: Final = 18

# RFC 6750 section 2.1 allows less. What matters is that nothing in a token ends it early.
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")


@contextmanager
def blaming(proof: Proof | None, machine: Machine) -> Iterator[None]:
    """Name the client certificate where the server ended the session because of it.

    With TLS 1.3 its refusal comes after the handshake: as an alert, or as a plain close. Once the
    server has said something inside TLS, it has accepted the certificate.

    Raises: AuthenticationError instead of ConnectError and TLSError, if the certificate was sent.
    """
    try:
        yield
    except (ConnectError, TLSError) as exc:
        if proof is None or not proof.client_certificate_sent or machine.is_heard:
            raise
        raise AuthenticationError(
            "the server ended the session after it saw the client certificate",
            attempts=[Attempt("client certificate", str(exc))],
        ) from exc


@dataclass(frozen=True, slots=True)
class LoginRecord:
    """How a login came about: what worked, what it was bound to, and what was tried before.

    `redactor` knows again what was sent meanwhile.
    """

    mechanism: str
    channel_binding: str | None = None
    attempts: tuple[Attempt, ...] = ()
    redactor: Redactor = NOTHING


def preauth(policy: Policy, proof: Proof | None) -> LoginRecord:
    """Return the record of a login that the server's greeting made superfluous.

    Raises: AuthenticationError when the policy wants one that proves something.
    """
    is_certified = proof is not None and proof.client_certificate_sent
    if policy.require_channel_binding and not is_certified:
        raise AuthenticationError(
            "the server skipped login (PREAUTH), but the policy requires a channel binding"
        )
    return LoginRecord("PREAUTH")


@dataclass(slots=True)
class Login:
    """All ways that an account has to log in to one server. Used once."""

    account: Account
    offer: Offer
    line: Line
    _choice: Choice = field(init=False)
    _attempts: list[Attempt] = field(default_factory=list, init=False)
    _refusals: list[Refusal] = field(default_factory=list, init=False)
    _has_answer: bool = field(default=False, init=False)
    _secrets: list[Secret] = field(default_factory=list, init=False)
    _digesting: list[CramMD5 | Scram] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._choice = choose(self.account, self.offer, new_nonce=_new_nonce)

    @property
    def has_way(self) -> bool:
        """Whether there is anything to try, going by the offer."""
        return bool(self._choice.ways)

    async def run(self) -> LoginRecord:
        """Return what worked.

        Raises: AuthenticationError with all attempts when none did, when the server hangs up after
        it has refused one, or when it breaks a mechanism's rules: nothing more is tried then, and
        the connection must be closed. UsageError for a token that is none; whatever the line
        raises.
        """
        if isinstance(self.account.credentials, Password):
            self._secrets.append(self.account.credentials.password)
        self._attempts.extend(self._choice.ruled_out)
        for way in self._choice.ways:
            reason = why_not(way, self._refusals, is_authenticated=self.offer.is_authenticated)
            if reason is not None:
                self._attempts.append(Attempt(way.name, reason))
            elif await self._works(way):
                return self._record(way)
        raise AuthenticationError(
            f"cannot log in as {self.account.address}", attempts=self._attempts
        )

    def _record(self, way: Way) -> LoginRecord:
        redactor = Redactor.of(self._known)
        return LoginRecord(way.name, way.binding, tuple(self._attempts), redactor)

    async def _works(self, way: Way) -> bool:
        outcome = await self._try(way)
        if outcome.verdict is None:
            return True
        self._note(way.name, outcome)
        if outcome.verdict is Verdict.UNTRUSTED:
            raise AuthenticationError(
                f"broke off the login as {self.account.address}", attempts=self._attempts
            ) from outcome.cause
        self._refusals.append(Refusal(way, outcome.verdict))
        return False

    async def _try(self, way: Way) -> Outcome:
        match way:
            case LoginCommand():
                return await self._safely(way.name, run_login_command(self.line, way))
            case Apop():
                # Whoever reads it in a log can guess at leisure.
                self._secrets.append(way.digest)
                return await self._safely(way.name, run_apop(self.line, way))
            case TokenWay():
                return await self._try_token(way)
            case _:
                return await self._run(way)

    async def _run(self, mechanism: Mechanism) -> Outcome:
        if isinstance(mechanism, CramMD5 | Scram):
            self._digesting.append(mechanism)
        return await self._safely(mechanism.name, run_mechanism(self.line, mechanism))

    async def _try_token(self, way: TokenWay) -> Outcome:
        """Show a token; one that was refused is fetched anew once, since most of them expire."""
        token = await self._fetch(way)
        outcome = await self._run(way.with_token(token))
        if outcome.verdict is not Verdict.REFUSED:
            return outcome
        fresh = await self._fetch(way)
        if fresh == token:
            return outcome
        self._note(way.name, outcome)
        return await self._run(way.with_token(fresh))

    async def _fetch(self, way: TokenWay) -> Secret:
        doing = f"fetching the token for {way.name}"
        async with self.line.limit(doing):
            try:
                token = Secret(await way.credentials.fetch())
            except Exception as exc:
                # Its name only: what a program says about its tokens may hold one.
                answer = f"OAuthToken.fetch raised {type(exc).__name__}"
                raise AuthenticationError(
                    f"{doing} failed", attempts=[*self._attempts, Attempt(way.name, answer)]
                ) from exc
        if not _is_token(token):
            raise UsageError("did not return a bare access token", field="OAuthToken.fetch")
        self._secrets.append(token)
        return token

    @property
    def _known(self) -> list[Secret]:
        """What must not show, where the server repeats it."""
        digests = (mechanism.digest for mechanism in self._digesting)
        return [*self._secrets, *(digest for digest in digests if digest is not None)]

    def _note(self, name: str, outcome: Outcome) -> None:
        self._has_answer = True
        self._attempts.append(Attempt(name, redact(outcome.words, self._known)))
        if outcome.cause is not None:
            _cleanse(outcome.cause, self._known)

    async def _safely(self, name: str, exchange: Awaitable[Outcome]) -> Outcome:
        """Await `exchange`; its errors name the mechanism, and no secret that the server repeats.

        Not a context manager: that would put the frames back.
        """
        try:
            return await exchange
        except SecureMailError as exc:
            _cleanse(exc, self._known)
            is_refusal = self._has_answer or name == "EXTERNAL"
            if is_refusal and isinstance(exc, ConnectError | TLSError):
                self._attempts.append(Attempt(name, str(exc)))
                raise AuthenticationError("the server hung up", attempts=self._attempts) from exc
            exc.args = (f"{name}: {exc}",)
            raise


def _new_nonce() -> str:
    return secrets.token_urlsafe(_NONCE_BYTES)


def _is_token(token: Secret) -> bool:
    text: object = token.reveal()
    return isinstance(text, str) and _TOKEN.fullmatch(text) is not None


def _cleanse(exc: BaseException, known: Iterable[Secret]) -> None:
    """Take secrets out of an error and of all that caused it.

    The frames go: they hold what the server sent, and it may have repeated what we did.
    """
    link: BaseException | None = exc
    while link is not None:
        link.__traceback__ = None
        link.args = tuple(redact(arg, known) if isinstance(arg, str) else arg for arg in link.args)
        if isinstance(link, AuthenticationError):
            link.attempts = tuple(
                Attempt(attempt.mechanism, redact(attempt.answer, known))
                for attempt in link.attempts
            )
        link = link.__cause__ or link.__context__
