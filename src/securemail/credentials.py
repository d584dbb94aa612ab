"""What an account logs in with (RFC 4616, RFC 7628). No I/O here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final

from securemail.errors import UsageError
from securemail.saslprep import ProhibitedError, saslprep
from securemail.secret import Secret

# NUL separates the parts of a PLAIN response, CR and LF end a command line: with one of them in a
# name or password somebody else's command could be written.
_FORBIDDEN: Final = frozenset("\0\r\n")


@dataclass(frozen=True, slots=True, init=False)
class Password:
    """A user name and a password.

    `mechanisms` narrows down what may be used with them, for example `("PLAIN",)`; empty means the
    strongest that the server offers. Without TLS a mechanism that shows the password runs only if
    the account has no minimum *and* it is named here.

    Raises: UsageError for an empty name or password, or one with control characters or others that
    SASLprep does not allow (RFC 4013 section 2.3).
    """

    username: str
    password: Secret
    mechanisms: tuple[str, ...]

    def __init__(
        self, username: str, password: str | Secret, *, mechanisms: Iterable[str] = ()
    ) -> None:
        object.__setattr__(self, "username", _checked(username, "Password.username"))
        secret = Secret(password)
        _checked(secret.reveal(), "Password.password")
        object.__setattr__(self, "password", secret)
        object.__setattr__(self, "mechanisms", _names(mechanisms))

    @property
    def is_ascii(self) -> bool:
        """Whether both can be sent where a protocol allows ASCII alone."""
        return self.username.isascii() and self.password.reveal().isascii()


@dataclass(frozen=True, slots=True)
class OAuthToken:
    """A user name and a way to get an access token (RFC 6750).

    `fetch` returns the bare token, without "Bearer". No mechanism uses it yet.

    Raises: UsageError for an empty name or one with characters that SASLprep does not allow.
    """

    username: str
    fetch: Callable[[], Awaitable[str]]

    def __post_init__(self) -> None:
        _checked(self.username, "OAuthToken.username")
        if not callable(self.fetch):
            raise UsageError("must be a function that returns the token", field="OAuthToken.fetch")


def _names(mechanisms: Iterable[str]) -> tuple[str, ...]:
    names = () if isinstance(mechanisms, str) else tuple(mechanisms)
    if isinstance(mechanisms, str) or not all(isinstance(n, str) and n.strip() for n in names):
        raise UsageError("wants a list of names", field="Password.mechanisms")
    return tuple(name.upper() for name in names)


Credentials = Password | OAuthToken


def _checked(text: str, field: str) -> str:
    if not isinstance(text, str) or not text:
        raise UsageError("must not be empty", field=field)
    if not _FORBIDDEN.isdisjoint(text):
        raise UsageError("must not contain NUL, CR or LF", field=field)
    return check_prepared(text, field)


def check_prepared(text: str, field: str) -> str:
    """Return `text` as it is, if SASLprep can prepare it.

    The mechanisms prepare it whose RFCs say that the client does (RFC 5802); for PLAIN it is the
    server that does (RFC 4616 section 2), and those that do not compare what the person typed.

    Raises: UsageError that names `field` and not the text.
    """
    if not isinstance(text, str):
        raise UsageError("must be a text", field=field)
    try:
        prepared = saslprep(text, allow_unassigned=True)
    except ProhibitedError as exc:
        raise UsageError(str(exc), field=field) from exc
    if text and not prepared:
        raise UsageError("nothing of it is left by SASLprep", field=field)
    return text
