"""Attacks on mail programs as data: three protocols, both modes, from the literature and beyond.

`ATTACKS` has them by protocol, mode and name. Each is a script for `ScriptedServer` with what its
client may say at most; `judge` tells how a client came out of it, ours or another.
"""

from __future__ import annotations

from itertools import chain
from typing import Final

from securemail.testing.attacks import (
    crossing,
    handshakes,
    injection,
    logins,
    mailboxes,
    planting,
    stripping,
)
from securemail.testing.attacks.attack import Attack, Use
from securemail.testing.attacks.certificates import HOST
from securemail.testing.attacks.forms import forms_in, forms_of
from securemail.testing.attacks.verdict import HARMLESS, Ended, Seen, Verdict, judge

GROUPS: Final[dict[str, tuple[Attack, ...]]] = {
    "stripping": tuple(stripping.attacks()),
    "injection": tuple(injection.attacks()),
    "planting": tuple(planting.attacks()),
    "crossing": tuple(crossing.attacks()),
    "handshakes": tuple(handshakes.attacks()),
    "logins": tuple(logins.attacks()),
    "mailboxes": tuple(mailboxes.attacks()),
}
ATTACKS: Final[dict[str, Attack]] = {
    attack.id: attack for attack in chain.from_iterable(GROUPS.values())
}

__all__ = [
    "ATTACKS",
    "GROUPS",
    "HARMLESS",
    "HOST",
    "Attack",
    "Ended",
    "Seen",
    "Use",
    "Verdict",
    "forms_in",
    "forms_of",
    "judge",
]
