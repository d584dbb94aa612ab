# SPDX-License-Identifier: Apache-2.0
"""What MAIL and RCPT say, and whether the server can do what a message needs (RFC 5321, RFC 8689).

No I/O here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.message import EmailMessage
from functools import cache, partial
from typing import Final

from securemail.dsn import DSN
from securemail.errors import SubmissionError, UsageError
from securemail.transports.outgoing import (
    Outgoing,
    flattened,
    has_utf8_address,
    header_of,
    is_signed,
    outgoing,
    recipients_in,
    sender_in,
)
from securemail.wire.smtp import xtext

_ADDRESS_OCTETS: Final = 254  # RFC 5321 section 4.5.3.1.3, without the angle brackets

# RFC 5321 section 4.1.2, as far as it keeps an address from being more than one: `>` would end it,
# a blank would begin a parameter, a CR or LF the next command.
_ATOM: Final = r"""[^\s"(),:;<>@\[\\\]]+"""
_ADDRESS: Final = re.compile(rf"""(?:{_ATOM}|"(?:[^"\\]|\\.)*")@(?:{_ATOM}|\[[^\s<>\[\\\]]+\])\Z""")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller of `submit()` asks for, besides the message."""

    sender: str | None
    recipients: str | Iterable[str] | None
    require_tls: bool
    dsn: DSN | None


@dataclass(frozen=True, slots=True)
class Envelope:
    """One transaction: the commands, and the message."""

    mail: bytes
    recipients: tuple[str, ...]
    rcpt: tuple[bytes, ...]
    message: Outgoing


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the server offers; `is_encrypted` says whether that came inside TLS."""

    capabilities: frozenset[str]
    is_encrypted: bool

    def has(self, keyword: str) -> bool:
        """Return whether EHLO named `keyword`."""
        return any(line.split(" ", 1)[0] == keyword for line in self.capabilities)

    def need(self, keyword: str, why: str) -> None:
        """Raise SubmissionError unless the server has `keyword`."""
        if not self.has(keyword):
            raise SubmissionError(
                f"the server does not offer {keyword}, which {why} needs; nothing was sent",
                step="extension",
                missing=keyword,
            )

    @property
    def max_size(self) -> int | None:
        """The largest message that it takes (RFC 1870 section 4), if it says so."""
        for line in self.capabilities:
            keyword, _, value = line.partition(" ")
            if keyword == "SIZE" and value.isdecimal() and len(value) <= 20 and int(value):
                return int(value)
        return None


def envelope(message: EmailMessage | bytes, wish: Wish, abilities: Abilities) -> Envelope:
    """Return the transaction that submits `message`.

    Raises: UsageError for a message or an address that is none; SubmissionError for what the server
    cannot do, before anything was sent.
    """
    given = None if isinstance(message, EmailMessage) else outgoing(_checked(message))
    header = cache(partial(_header, message))
    sender = sender_in(header()) if wish.sender is None else wish.sender
    recipients = _recipients(header, wish)
    for address in (*([sender] if sender else []), *recipients):
        _check_address(address)
    is_utf8 = not "".join((sender, *recipients)).isascii()
    if given is None:
        out, is_utf8 = _outgoing(header(), abilities, is_utf8=is_utf8)
    else:
        out, is_utf8 = given, is_utf8 or given.has_utf8_header
    parameters = _parameters(out, wish, abilities, is_utf8=is_utf8)
    notify = _notify(wish.dsn)
    return Envelope(
        mail=" ".join([f"MAIL FROM:<{sender}>", *parameters]).encode() + b"\r\n",
        recipients=recipients,
        rcpt=tuple(f"RCPT TO:<{each}>{notify}\r\n".encode() for each in recipients),
        message=out,
    )


def _checked(message: object) -> bytes:
    if not isinstance(message, bytes):
        raise UsageError("neither an EmailMessage nor bytes", field="submit.message")
    return message


def _header(message: EmailMessage | bytes) -> EmailMessage:
    return message if isinstance(message, EmailMessage) else header_of(message)


def _recipients(header: Callable[[], EmailMessage], wish: Wish) -> tuple[str, ...]:
    if wish.recipients is None:
        found: Iterable[str] = recipients_in(header())
    else:
        found = [wish.recipients] if isinstance(wish.recipients, str) else wish.recipients
    once = tuple(dict.fromkeys(found))
    if not once:
        raise UsageError("there is none", field="submit.recipients")
    return once


def _check_address(address: str) -> None:
    if (
        not isinstance(address, str)
        or not address.isprintable()
        or not _ADDRESS.match(address)
        or len(address.encode()) > _ADDRESS_OCTETS
    ):
        raise UsageError(f"{address!r} is not a mail address", field="submit")


def _outgoing(
    message: EmailMessage, abilities: Abilities, *, is_utf8: bool
) -> tuple[Outgoing, bool]:
    """Return the message in the form that the server takes, and whether that needs SMTPUTF8."""
    is_utf8 = is_utf8 or has_utf8_address(message)
    if is_utf8:
        abilities.need("SMTPUTF8", "an address that is not ASCII")
    is_8bit = is_utf8 or abilities.has("8BITMIME") or is_signed(message)
    return outgoing(flattened(message, is_utf8=is_utf8, is_8bit=is_8bit)), is_utf8


def _parameters(out: Outgoing, wish: Wish, abilities: Abilities, *, is_utf8: bool) -> Iterable[str]:
    limit = abilities.max_size
    if limit is not None and out.size > limit:
        raise SubmissionError(
            f"the message has {out.size} octets, the server takes {limit}; nothing was sent",
            step="extension",
            missing="SIZE",
        )
    if abilities.has("SIZE"):
        yield f"SIZE={out.size}"
    if out.has_8bit:
        abilities.need("8BITMIME", "a message in 8 bits")
        yield "BODY=8BITMIME"
    if is_utf8:
        abilities.need("SMTPUTF8", "an address or a header that is not ASCII")
        yield "SMTPUTF8"
    if wish.require_tls:
        _check_require_tls(abilities)
        yield "REQUIRETLS"
    if wish.dsn is not None:
        abilities.need("DSN", "a delivery status notification")
        if wish.dsn.returned is not None:
            yield f"RET={wish.dsn.returned.value}"
        if wish.dsn.envelope_id:
            yield f"ENVID={xtext(wish.dsn.envelope_id)}"


def _check_require_tls(abilities: Abilities) -> None:
    # RFC 8689 section 4.2.1: what is to be protected all the way begins protected.
    if not abilities.is_encrypted:
        raise UsageError("this session has no TLS", field="submit.require_tls")
    abilities.need("REQUIRETLS", "require_tls=True")


def _notify(dsn: DSN | None) -> str:
    wanted = [each.value for each in dsn.notify] if dsn is not None else []
    return f" NOTIFY={','.join(wanted)}" if wanted else ""
