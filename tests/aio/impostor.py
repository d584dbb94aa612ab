"""A server that is played command by command, in the dialogue's own values."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager

from securemail import Account, Password, SecureMailError
from securemail.aio.exchange import Line
from securemail.aio.login import Login, LoginRecord
from securemail.proof import ChannelBinding
from securemail.protocol.dialogue import (
    Authenticate,
    CancelExchange,
    Challenge,
    Command,
    Event,
    LoggedIn,
    LogIn,
    Refused,
    Respond,
)
from securemail.sasl import Offer
from securemail.testing.sasl.scram import (
    HASHES,
    parse_client_first,
    server_final,
    server_first,
    verifier,
)

# Takes the initial response, yields what the server says, and is sent the next response.
Play = Callable[[bytes], Generator[Event, bytes, None]]

BINDING = ChannelBinding("tls-exporter", b"this connection's 32 octets of it")
MINE = Account("alice@example.org", credentials=Password("alice", "correct horse"))


class Impostor:
    """Plays one exchange for each mechanism that it offers, and keeps what it was sent."""

    def __init__(self, plays: dict[str, Play], *, is_authenticated: bool = True) -> None:
        self.plays = plays
        self.offer = Offer(
            mechanisms=frozenset(plays),
            has_login_command=True,
            is_encrypted=True,
            client_certificate_sent=False,
            is_authenticated=is_authenticated,
            binding=BINDING,
        )
        self.asked: list[str] = []
        self.heard = b""
        self.is_cancelled = False
        self.at_cancel: Event | SecureMailError = Refused("cancelled")
        self._exchange: Generator[Event, bytes, None] | None = None

    async def ask(self, command: Command) -> Event:
        match command:
            case Authenticate(mechanism, initial):
                self.asked.append(mechanism)
                said = initial.reveal() if initial else b""
                self.heard += said
                self._exchange = self.plays[mechanism](said)
                return next(self._exchange)
            case Respond(response) if self._exchange is not None:
                self.heard += response.reveal()
                return self._exchange.send(response.reveal())
            case CancelExchange():
                self.is_cancelled = True
                if isinstance(self.at_cancel, SecureMailError):
                    raise self.at_cancel
                return self.at_cancel
            case LogIn(_, password):
                self.asked.append("LOGIN command")
                self.heard += password.reveal().encode()
                return Refused("no such command")
            case _:
                raise AssertionError(f"unexpected {command}")

    async def log_in(self, account: Account = MINE) -> LoginRecord:
        """Have `account` log in here."""
        line = Line(self.ask, _no_limit, lambda *_: True)
        return await Login(account, self.offer, line).run()

    @property
    def has_the_password(self) -> bool:
        return b"correct horse" in self.heard


@asynccontextmanager
async def _no_limit(_: str) -> AsyncIterator[None]:
    yield


def refusing(words: str = "no") -> Play:
    """Return a play that says no at once."""

    def play(_: bytes) -> Generator[Event, bytes, None]:
        yield Refused(words)

    return play


def welcoming(_: bytes) -> Generator[Event, bytes, None]:
    """Say yes at once, to anybody."""
    yield LoggedIn()


def saying(*challenges: bytes, then: Event) -> Play:
    """Return a play of fixed challenges."""

    def play(_: bytes) -> Generator[Event, bytes, None]:
        for challenge in challenges:
            yield Challenge(challenge)
        yield then

    return play


def scram(
    name: str,
    *,
    password: str = "correct horse",
    nonce: str = "theirs",
    iterations: int = 4096,
    final: bytes | None = None,
    bound: bytes = b"",
    end: Event | None = None,
) -> Play:
    """Return SCRAM as an honest server has it, but for what the arguments say.

    `final` replaces the last message (empty: it is left out), `end` the yes behind it.
    """

    def play(initial: bytes) -> Generator[Event, bytes, None]:
        first = parse_client_first(initial)
        keys = verifier(password, HASHES[name.removesuffix("-PLUS")], b"salted salt!", iterations)
        challenge = server_first(first, keys, nonce)
        response = yield Challenge(challenge.encode())
        last = final
        if last is None:
            last = server_final(first, challenge, response, keys, bound).encode()
        if last:
            yield Challenge(last)
        yield end or LoggedIn()

    return play
