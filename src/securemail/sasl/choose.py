"""Which ways to log in to try, and in which order (RFC 8314 section 5.5). No I/O here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from securemail.account import Account
from securemail.credentials import OAuthToken, Password
from securemail.errors import Attempt
from securemail.sasl.external import External
from securemail.sasl.mechanism import Mechanism
from securemail.sasl.plain import Plain
from securemail.secret import Secret


@dataclass(frozen=True, slots=True)
class LoginCommand:
    """The protocol's own login command, for servers that offer no mechanism of ours."""

    username: str
    password: Secret
    name: str = "LOGIN command"


Way = Mechanism | LoginCommand


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server lets us do to log in, in the phase we are in."""

    mechanisms: frozenset[str]
    has_login_command: bool
    is_encrypted: bool
    client_certificate_sent: bool
    client_certificate_problem: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The ways to try, best first, and why each of the others cannot be."""

    ways: tuple[Way, ...]
    ruled_out: tuple[Attempt, ...]


_NOT_OFFERED: Final = "not offered by the server"


def choose(account: Account, offer: Offer) -> Choice:
    """Return how `account` may log in under `offer`: its own credentials first, then EXTERNAL.

    `Account.prefer_external` turns that round.
    """
    own = list(_own(account, offer))
    external = list(_external(account, offer))
    ordered = external + own if account.prefer_external else own + external
    return Choice(
        tuple(way for way in ordered if not isinstance(way, Attempt)),
        tuple(way for way in ordered if isinstance(way, Attempt)),
    )


def _own(account: Account, offer: Offer) -> Iterable[Way | Attempt]:
    match account.credentials:
        case Password() as password:
            return _with_password(account, password, offer)
        case OAuthToken():
            return [Attempt("OAUTHBEARER", "not implemented")]
        case None:
            return []


def _with_password(account: Account, password: Password, offer: Offer) -> Iterator[Way | Attempt]:
    if not _may_run("PLAIN", password, offer):
        yield Attempt("PLAIN", _why_not(offer))
    elif "PLAIN" in offer.mechanisms:
        yield Plain(password.username, password.password, account.authorization_identity)
        return
    else:
        yield Attempt("PLAIN", _NOT_OFFERED)
    if not _may_run("LOGIN", password, offer):
        yield Attempt("LOGIN command", _why_not(offer))
    elif offer.has_login_command:
        yield LoginCommand(password.username, password.password)
    else:
        yield Attempt("LOGIN command", "disabled by the server")


def _why_not(offer: Offer) -> str:
    if offer.is_encrypted:
        return "not among the mechanisms that the account names"
    return "not run: it would show the password"


def _may_run(mechanism: str, password: Password, offer: Offer) -> bool:
    # Without TLS a mechanism that shows the password must be asked for by name: the account's lack
    # of a minimum alone is not a wish to publish it.
    if not offer.is_encrypted:
        return mechanism in password.mechanisms
    return not password.mechanisms or mechanism in password.mechanisms


def _external(account: Account, offer: Offer) -> Iterator[Way | Attempt]:
    if account.client_certificate is None:
        return
    if "EXTERNAL" not in offer.mechanisms:
        yield Attempt("EXTERNAL", _NOT_OFFERED)
    elif offer.client_certificate_problem:
        yield Attempt("EXTERNAL", f"certificate not usable: {offer.client_certificate_problem}")
    elif not offer.client_certificate_sent:
        yield Attempt("EXTERNAL", "the server did not ask for the client certificate")
    else:
        yield External(account.authorization_identity)
