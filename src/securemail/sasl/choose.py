"""Which ways to log in to try, and in which order (RFC 8314 section 5.5). No I/O here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from securemail.account import Account
from securemail.credentials import OAuthToken, Password
from securemail.errors import Attempt
from securemail.proof import ChannelBinding
from securemail.sasl.apop import Apop
from securemail.sasl.cram import CramMD5
from securemail.sasl.external import External
from securemail.sasl.login import Login
from securemail.sasl.mechanism import Mechanism
from securemail.sasl.plain import Plain
from securemail.sasl.scram import PLUS, SCRAM_NAMES, GS2Header, Scram
from securemail.sasl.ways import LoginCommand, TokenWay, Way


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server lets us do to log in, in the phase we are in, and what we know about it.

    `is_authenticated` tells whether the server's certificate was validated; `binding` is None where
    the connection has nothing that a login could be bound to. Without `login_command_takes_utf8`
    the protocol's own login command takes names and passwords in ASCII alone. `timestamp` is what
    APOP answers, if the server has said one inside TLS.
    """

    mechanisms: frozenset[str]
    has_login_command: bool
    is_encrypted: bool
    client_certificate_sent: bool
    client_certificate_problem: str | None = None
    is_authenticated: bool = True
    binding: ChannelBinding | None = None
    host: str = ""
    port: int = 0
    login_command_takes_utf8: bool = True
    timestamp: bytes = b""

    @property
    def has_plus(self) -> bool:
        """Whether one of our mechanisms is offered with channel binding."""
        return any(name + PLUS in self.mechanisms for name in SCRAM_NAMES)


@dataclass(frozen=True, slots=True)
class Choice:
    """The ways to try, best first, and why each of the others cannot be."""

    ways: tuple[Way, ...]
    ruled_out: tuple[Attempt, ...]


NewNonce = Callable[[], str]

_NOT_OFFERED: Final = "not offered by the server"
_NO_BINDING: Final = "not run: the policy requires a channel binding"

# Strongest first. LOGIN is no better than PLAIN and worse documented.
_BY_PASSWORD: Final = (
    *(name + PLUS for name in SCRAM_NAMES),
    *SCRAM_NAMES,
    "CRAM-MD5",
    "APOP",
    "PLAIN",
    "LOGIN",
)
_SHOWING: Final = frozenset({"PLAIN", "LOGIN"})
# Only if the account names it: what it protects is guessed within hours.
_BY_NAME_ONLY: Final = frozenset({"CRAM-MD5", "APOP"})
# Only if nothing better is offered.
_LAST: Final = frozenset({"LOGIN"})


def choose(account: Account, offer: Offer, *, new_nonce: NewNonce) -> Choice:
    """Return how `account` may log in under `offer`: its own credentials first, then EXTERNAL.

    `Account.prefer_external` turns that round. `new_nonce` must return another random, printable
    ASCII text without "," each time.
    """
    own = list(_own(account, offer, new_nonce))
    external = list(_external(account, offer))
    ordered = external + own if account.prefer_external else own + external
    return Choice(
        tuple(way for way in ordered if not isinstance(way, Attempt)),
        tuple(way for way in ordered if isinstance(way, Attempt)),
    )


def _own(account: Account, offer: Offer, new_nonce: NewNonce) -> Iterable[Way | Attempt]:
    match account.credentials:
        case Password() as password:
            return _with_password(account, password, offer, new_nonce)
        case OAuthToken() as token:
            return [_with_token(account, token, offer)]
        case None:
            return []


def _with_password(
    account: Account, password: Password, offer: Offer, new_nonce: NewNonce
) -> Iterator[Way | Attempt]:
    for name in password.mechanisms:
        if name not in _BY_PASSWORD:
            yield Attempt(name, "not known here as a mechanism for passwords")
    has_way = False
    for name in _BY_PASSWORD:
        if has_way and name in _LAST:
            continue
        if reason := _why_not(name, account, password, offer):
            if _is_worth_saying(name, password, offer):
                yield Attempt(name, reason)
            continue
        has_way = True
        yield _new_mechanism(name, account, password, offer, new_nonce)
    if not has_way and (not password.mechanisms or "LOGIN" in password.mechanisms):
        yield _login_command(account, password, offer)


def _why_not(name: str, account: Account, password: Password, offer: Offer) -> str | None:
    is_named = name in password.mechanisms
    if password.mechanisms and not is_named:
        return "not run: the account names others"
    if name in _SHOWING and not offer.is_encrypted and not is_named:
        # Without TLS a mechanism that shows the password must be asked for by name: the account's
        # lack of a minimum alone is not a wish to publish it.
        return "not run: it would show the password"
    if not (offer.timestamp if name == "APOP" else name in offer.mechanisms):
        return _NOT_OFFERED
    if name.endswith(PLUS) and offer.binding is None:
        return "not run: this connection has nothing to bind it to"
    if account.policy.require_channel_binding and not name.endswith(PLUS):
        return _NO_BINDING
    if name in _BY_NAME_ONLY and not is_named:
        return "not run: only for accounts that name it"
    return _why_not_apop(password, offer) if name == "APOP" else None


def _why_not_apop(password: Password, offer: Offer) -> str | None:
    if " " in password.username:
        return "not run: a space in the user name would end it"
    return _why_not_utf8(password, offer)


def _why_not_utf8(password: Password, offer: Offer) -> str | None:
    """Return why the protocol's own commands cannot carry the name and password, if they cannot."""
    if not offer.login_command_takes_utf8 and not password.is_ascii:
        # RFC 6856 section 2.2: what the server makes of other octets would be anybody's guess.
        return "not run: the server takes names and passwords in ASCII alone"
    return None


def _is_worth_saying(name: str, password: Password, offer: Offer) -> bool:
    """Every mechanism that is missing would be a list of nine lines for each login."""
    if password.mechanisms:
        return name in password.mechanisms
    return name == "PLAIN" or name in offer.mechanisms


def _new_mechanism(
    name: str, account: Account, password: Password, offer: Offer, new_nonce: NewNonce
) -> Mechanism | Apop:
    identity = account.authorization_identity
    match name:
        case "PLAIN":
            return Plain(password.username, password.password, identity)
        case "LOGIN":
            return Login(password.username, password.password)
        case "CRAM-MD5":
            return CramMD5(password.username, password.password)
        case "APOP":
            return Apop(password.username, password.password, offer.timestamp)
        case _:
            return Scram(name, password, _header(name, identity, offer), new_nonce())


def _header(name: str, identity: str, offer: Offer) -> GS2Header:
    if name.endswith(PLUS):
        return GS2Header(identity, offer.binding)
    # RFC 5802 section 6: "y" where we could bind and saw no offer. A server that did offer it then
    # knows that its offer was cut on the way. Beside an offer, "y" would be a lie.
    return GS2Header(identity, could_bind=offer.binding is not None and not offer.has_plus)


def _login_command(account: Account, password: Password, offer: Offer) -> Way | Attempt:
    name = LoginCommand.name
    is_named = "LOGIN" in password.mechanisms
    if not offer.is_encrypted and not is_named:
        return Attempt(name, "not run: it would show the password")
    if not offer.has_login_command:
        return Attempt(name, "disabled by the server")
    if account.policy.require_channel_binding:
        return Attempt(name, _NO_BINDING)
    if reason := _why_not_utf8(password, offer):
        return Attempt(name, reason)
    return LoginCommand(password.username, password.password)


def _with_token(account: Account, token: OAuthToken, offer: Offer) -> Way | Attempt:
    """XOAUTH2 is what OAUTHBEARER was before it had an RFC."""
    name = next((n for n in ("OAUTHBEARER", "XOAUTH2") if n in offer.mechanisms), None)
    if name is None:
        return Attempt("OAUTHBEARER", _NOT_OFFERED)
    if not offer.is_encrypted:
        return Attempt(name, "not run: it would show the token")
    if account.policy.require_channel_binding:
        return Attempt(name, _NO_BINDING)
    return TokenWay(name, token, offer.host, offer.port)


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
