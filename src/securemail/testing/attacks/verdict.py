"""How a client came out of an attack. No I/O here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from securemail.service import Service
from securemail.testing.attacks.attack import NOTHING, Attack
from securemail.testing.attacks.forms import forms_in

# What any client may say in cleartext: it looks, it upgrades, it leaves.
HARMLESS: Final[dict[Service, bytes]] = {
    Service.IMAP: rb"(?:\S+ (?:CAPABILITY|STARTTLS|NOOP|LOGOUT)\r\n)*",
    Service.POP3: rb"(?:(?:CAPA|STLS|NOOP|QUIT)\r\n)*",
    Service.SUBMISSION: rb"(?i:(?:(?:EHLO|HELO) \S+|STARTTLS|NOOP|RSET|QUIT)\r\n)*",
}


class Ended(Enum):
    """How it ended for the program that used the client."""

    FAILED = "an error"
    SUCCEEDED = "it worked"
    HUNG = "no end within the limit"


class Verdict(Enum):
    """How a client came out of an attack, from good to bad."""

    HELD = "refused, or went on without being deceived"
    HUNG = "waited for ever"
    TALKED = "said more in cleartext than it takes to upgrade"
    BELIEVED = "took what an attacker said for the server's"
    LEAKED = "showed a secret, or its certificate, to whom it may not"


@dataclass(frozen=True, slots=True)
class Seen:
    """What left one client's socket, on all its connections.

    `cleartexts` has an entry for each connection: what came before its first TLS record.
    """

    cleartexts: tuple[bytes, ...]
    plaintext: bytes = b""
    client_certificate: bytes | None = None


def judge(attack: Attack, ended: Ended, seen: Seen, secrets: Iterable[bytes]) -> Verdict:
    """Return how a client came out of `attack`: the worst of what is true.

    `secrets` are the password and whatever else it had to keep; see `forms_of` for the encodings
    that are looked for. What the client believes of planted data where the login works is not
    seen here: compare it with an honest server's.
    """
    hidden = b"\n".join(seen.cleartexts)
    if attack.may_show == NOTHING:
        hidden += b"\n" + seen.plaintext
    if seen.client_certificate or any(forms_in(hidden, secret) for secret in secrets):
        return Verdict.LEAKED
    if ended is Ended.SUCCEEDED and attack.error is not None:
        return Verdict.BELIEVED
    harmless = HARMLESS[attack.service]
    if not all(re.fullmatch(harmless, cleartext) for cleartext in seen.cleartexts):
        return Verdict.TALKED
    return Verdict.HUNG if ended is Ended.HUNG else Verdict.HELD
