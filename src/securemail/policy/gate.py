"""Nothing leaves but what may (RFC 8314 section 5.2). No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from securemail.errors import PolicyError
from securemail.intent import Intent
from securemail.minimum import Policy
from securemail.policy.confidentiality import shortfalls
from securemail.proof import Proof, Shortfall

# RFC 8314 section 5.2: below the minimum, no operation "other than capability discovery, or
# STARTTLS". Leaving politely is not among them: we close the socket instead.
BELOW_MINIMUM: Final = frozenset({Intent.DISCOVER, Intent.UPGRADE})


def is_allowed(intent: Intent, missing: frozenset[Shortfall]) -> bool:
    """Return whether a command with `intent` may be sent while `missing` is missing."""
    return not missing or intent in BELOW_MINIMUM


@dataclass(slots=True)
class Gate:
    """Asked by the protocol machine before each byte it makes.

    Nobody opens it: whether it is open follows from `proof`, the facts of the handshake, each time
    that it is asked. `proof` is None until there is TLS. `must_encrypt` is for servers with a pin:
    without it, whoever cannot show the pinned certificate would refuse STARTTLS instead.
    """

    policy: Policy
    proof: Proof | None = None
    must_encrypt: bool = False

    @property
    def shortfalls(self) -> frozenset[Shortfall]:
        """What is missing from the account's minimum now."""
        if self.must_encrypt and self.proof is None:
            return frozenset({Shortfall.NO_TLS})
        return shortfalls(self.policy, self.proof)

    def __call__(self, intent: Intent) -> None:
        """Let a command with `intent` pass.

        Raises: PolicyError with all shortfalls, before anything was sent.
        """
        missing = self.shortfalls
        if not is_allowed(intent, missing):
            raise PolicyError(f"refused to {intent.value} below the minimum", shortfalls=missing)
