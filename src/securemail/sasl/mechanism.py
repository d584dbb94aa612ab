"""What a SASL mechanism is to us (RFC 4422 section 5). No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from securemail.secret import SecretBytes


class Verdict(Enum):
    """What a refusal says about what may still be tried."""

    REFUSED = "refused"
    """This way is closed; another may be open."""
    WRONG_SECRET = "wrong secret"  # noqa: S105 - a sentence
    """The server has compared the secret: it would refuse it by any other way, too."""
    BINDING_UNKNOWN = "binding unknown"
    """The server does not know our kind of channel binding."""
    UNTRUSTED = "untrusted"
    """Whoever answers is not to be trusted: no other way may be tried."""


@dataclass(frozen=True, slots=True)
class Denial:
    """What a "no" means at this point of an exchange, with what the server said inside it."""

    verdict: Verdict
    words: str = ""


class Mechanism(Protocol):
    """One exchange: made for one login, used once.

    Call `start()`, then `respond()` for each challenge. When the server says yes, call
    `check_success()` before believing it; when it says no, `denial` tells what that means.
    """

    @property
    def name(self) -> str:
        """Its registered name."""

    @property
    def binding(self) -> str | None:
        """The name of the channel binding that the exchange proves, or None for none."""

    @property
    def shows_secret(self) -> bool:
        """Whether the server, or whoever reads along, can use again what it gets to see."""

    @property
    def is_costly(self) -> bool:
        """Whether `respond()` takes long: call it where nobody else has to wait."""

    @property
    def denial(self) -> Denial:
        """What it means if the server says no now."""

    def start(self) -> SecretBytes | None:
        """Return the initial response, or None where the server speaks first.

        An empty one is not the same as none (RFC 4422 section 5.1).
        """

    def respond(self, challenge: bytes) -> SecretBytes:
        """Return the answer to `challenge`.

        Raises: ProtocolError when the mechanism has no answer to it; send "*" then, and do not
        go on with that server.
        """

    def check_success(self) -> None:
        """Return if the server may say that the login worked.

        Raises: ProtocolError when it has not yet proved what the mechanism makes it prove.
        """


def surplus(challenge: bytes, name: str) -> str:
    """Return the sentence about a challenge that comes when all was said."""
    return f"the server sent a challenge of {len(challenge)} bytes after {name}"
