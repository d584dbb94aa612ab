"""What became of a message that was submitted (RFC 5321 section 4.2, RFC 3463). No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """Whether the server has taken responsibility for a message (RFC 5321 section 4.2.5)."""

    ACCEPTED = "accepted"
    """It has, for the recipients that it accepted."""
    REFUSED = "refused"
    """It has not, for nobody: to try again cannot send the message twice."""
    UNKNOWN = "unknown"
    """All was sent, and nobody knows: to try again may send the message twice."""


@dataclass(frozen=True, slots=True)
class RecipientOutcome:
    """What the server said to one recipient: its reply code, enhanced code and words.

    `enhanced` is empty where the server has none. 4xx may work later, 5xx will not.
    """

    address: str
    is_accepted: bool
    code: int
    enhanced: str
    words: str


@dataclass(frozen=True, slots=True)
class Submitted:
    """A message that the server accepted, for all recipients or for some of them.

    `recipients` has each recipient once, in the order given. `code`, `enhanced` and `words` are the
    server's last reply, which often names the message in its queue.
    """

    recipients: tuple[RecipientOutcome, ...]
    code: int
    enhanced: str
    words: str

    @property
    def outcome(self) -> Outcome:
        """Accepted: the other outcomes are errors, `SubmissionError` and `UnknownOutcome`."""
        return Outcome.ACCEPTED

    @property
    def accepted(self) -> tuple[RecipientOutcome, ...]:
        """The recipients that the message goes to."""
        return tuple(each for each in self.recipients if each.is_accepted)

    @property
    def refused(self) -> tuple[RecipientOutcome, ...]:
        """The recipients that it does not go to."""
        return tuple(each for each in self.recipients if not each.is_accepted)
