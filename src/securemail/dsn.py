"""Delivery status notifications to ask for (RFC 3461). No I/O here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from securemail.errors import UsageError

_ENVELOPE_ID_CHARS: Final = 100  # RFC 3461 section 4.4


class Notify(Enum):
    """When the sender wants to hear of a recipient (RFC 3461 section 4.1)."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    DELAY = "DELAY"
    NEVER = "NEVER"


class Returned(Enum):
    """What of the message a notification of failure brings back (RFC 3461 section 4.3)."""

    FULL = "FULL"
    HEADERS = "HDRS"


@dataclass(frozen=True, slots=True, init=False)
class DSN:
    """What `submit()` asks for: `DSN(notify=[Notify.SUCCESS, Notify.FAILURE])`.

    `notify` empty and `returned` None leave the choice to the server. `envelope_id` comes back in
    each notification.

    Raises: UsageError for NEVER beside others, and for an `envelope_id` of more than 100 characters
    or of others than printable ASCII.
    """

    notify: tuple[Notify, ...]
    returned: Returned | None
    envelope_id: str

    def __init__(
        self,
        *,
        notify: Iterable[Notify] = (),
        returned: Returned | None = None,
        envelope_id: str = "",
    ) -> None:
        wanted = set(notify)
        if Notify.NEVER in wanted and len(wanted) > 1:
            raise UsageError("NEVER stands alone", field="DSN.notify")
        if len(envelope_id) > _ENVELOPE_ID_CHARS or not (
            envelope_id.isascii() and envelope_id.isprintable()
        ):
            raise UsageError(
                f"not up to {_ENVELOPE_ID_CHARS} characters of printable ASCII",
                field="DSN.envelope_id",
            )
        object.__setattr__(self, "notify", tuple(each for each in Notify if each in wanted))
        object.__setattr__(self, "returned", returned)
        object.__setattr__(self, "envelope_id", envelope_id)
