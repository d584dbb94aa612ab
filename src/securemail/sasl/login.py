"""LOGIN (draft-murchison-sasl-login): PLAIN in two lines, for servers without it. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from securemail.errors import ProtocolError
from securemail.sasl.mechanism import Denial, Verdict, surplus
from securemail.secret import Secret, SecretBytes


@dataclass(slots=True)
class Login:
    """Shows the password to the server: only ever inside TLS, and only if it has nothing better.

    What the server asks with is not looked at: there are as many prompts as servers.
    """

    username: str
    password: Secret
    name: str = "LOGIN"
    _answered: int = 0

    binding: ClassVar[str | None] = None
    shows_secret: ClassVar[bool] = True
    is_costly: ClassVar[bool] = False

    @property
    def denial(self) -> Denial:
        """Before the password was sent, a "no" is about something else."""
        return Denial(Verdict.WRONG_SECRET if self._answered == 2 else Verdict.REFUSED)

    def start(self) -> None:
        """Let the server speak first."""

    def respond(self, challenge: bytes) -> SecretBytes:
        """Return the name, then the password."""
        answers = (self.username, self.password.reveal())
        if self._answered == len(answers):
            raise ProtocolError(surplus(challenge, self.name))
        self._answered += 1
        return SecretBytes(answers[self._answered - 1].encode())

    def check_success(self) -> None:
        """Believe it: LOGIN proves nothing about the server."""
