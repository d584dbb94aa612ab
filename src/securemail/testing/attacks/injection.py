"""Octets behind the reply that begins TLS, which a client may take for what came inside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from securemail.account import TLSMode
from securemail.errors import InjectionError, SecureMailError
from securemail.testing.attacks.attack import NOTHING, Attack
from securemail.testing.attacks.dialects import DIALECTS, Dialect
from securemail.testing.attacks.sources import INJECTION
from securemail.testing.steps import Hang, Repeat, Send, SendSegments, SendSlowly, Step

# The beginning of a TLS alert, and of a ServerHello.
_ALERT: Final = b"\x15\x03\x03\x00\x02\x02\x28"
_HELLO: Final = b"\x16\x03\x03"


def attacks() -> Iterator[Attack]:
    """Yield all of them, for each protocol."""
    for dialect in DIALECTS:
        payloads = {
            "a reply": dialect.ok,
            "the same reply once more": dialect.begin,
            "a refusal": dialect.refusal,
            "a whole login": dialect.full_login,
            "half a line": dialect.ok[:-4],
            "one octet": dialect.ok[:1],
            "an empty line": b"\r\n",
            "a NUL": b"\0",
            "an alert of TLS": _ALERT,
            "the beginning of a record": _HELLO,
        }
        for what, data in payloads.items():
            yield _behind(dialect, f"{what} behind the reply", (Send(dialect.begin + data),))
        # The ClientHello may leave first: then these octets stand where a ServerHello should.
        late: dict[str, Step] = {
            "a reply in a segment of its own": SendSegments((dialect.begin, dialect.ok)),
            "a whole login in a segment of its own": SendSegments(
                (dialect.begin, dialect.full_login)
            ),
            "a reply, one octet at a time": SendSlowly(dialect.begin + dialect.ok),
        }
        for what, step in late.items():
            yield _behind(dialect, f"{what} behind the reply", (step,), SecureMailError)
        yield _behind(
            dialect,
            "a flood behind the reply",
            (Send(dialect.begin), Repeat(dialect.ok, 100_000)),
            SecureMailError,
        )


def _behind(
    dialect: Dialect,
    name: str,
    said: tuple[Step, ...],
    error: type[SecureMailError] = InjectionError,
) -> Attack:
    return Attack(
        name=name,
        service=dialect.service,
        mode=TLSMode.STARTTLS,
        script=(*dialect.asked(), *said, Hang()),
        error=error,
        may_leave=dialect.upgraded,
        may_show=NOTHING,
        source=INJECTION,
    )
