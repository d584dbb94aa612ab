"""The minimum of confidentiality that an account asks for (RFC 8314 section 5.2). No I/O here."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, fields
from typing import Final

from securemail.errors import ConfidentialityWarning, UsageError
from securemail.proof import TLSVersion
from securemail.revocation import Revocation


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a connection must prove before anything but capability discovery and STARTTLS is sent.

    The default is the minimum of RFC 8314 as raised by RFC 8997: TLS 1.2 or later, with the
    server's certificate validated. The arguments only ever raise it. The one way down is
    `Policy.without_minimum()`.

    `require_channel_binding` wants a login that proves, beyond the certificate, that nobody sits in
    the middle: SCRAM-…-PLUS or EXTERNAL, and neither a weaker mechanism nor none.

    `require_dane` wants a DNSSEC-secure TLSA record that the server meets (RFC 6698), and so a
    resolver that checks DNSSEC: with `Resolver.system()` it is never met.

    `revocation` says what the server must prove about the revocation of its certificate; by default
    what it staples must be good (RFC 6066 section 8).
    """

    minimum_tls: TLSVersion = TLSVersion.TLS_1_2
    require_dane: bool = False
    require_post_quantum: bool = False
    require_tls13_for_client_certificate: bool = False
    require_channel_binding: bool = False
    revocation: Revocation = Revocation.IF_STAPLED
    acknowledged: str = field(default="", init=False)

    def __post_init__(self) -> None:
        if not isinstance(self.minimum_tls, TLSVersion):
            raise UsageError("not a TLSVersion", field="Policy.minimum_tls")
        if not isinstance(self.revocation, Revocation):
            raise UsageError("not a Revocation", field="Policy.revocation")
        for each in fields(self):
            if each.name.startswith("require_") and not isinstance(getattr(self, each.name), bool):
                raise UsageError("neither True nor False", field=f"Policy.{each.name}")

    @property
    def has_minimum(self) -> bool:
        """Whether anything is asked for at all."""
        return not self.acknowledged

    @classmethod
    def without_minimum(cls, *, acknowledge: str) -> Policy:
        """Return a policy that uses the best the server has and refuses nothing.

        `acknowledge` is the sentence by which the person took the risk; it is kept with the policy.
        Each call warns with ConfidentialityWarning: neither passwords nor messages are private
        (RFC 8314 section 5.2).

        Raises: UsageError when `acknowledge` is empty.
        """
        if not isinstance(acknowledge, str) or not acknowledge.strip():
            raise UsageError(
                "say in words that neither passwords nor messages will be private",
                field="Policy.acknowledge",
            )
        warnings.warn(
            "this account has no minimum confidentiality: neither its passwords nor its messages "
            "are private",
            ConfidentialityWarning,
            stacklevel=2,
        )
        policy = cls()
        object.__setattr__(policy, "acknowledged", acknowledge.strip())
        return policy


RFC_MINIMUM: Final = Policy()


def stricter(policy: Policy) -> Policy:
    """Return what must be proved to call a connection confidential under `policy`."""
    return policy if policy.has_minimum else RFC_MINIMUM
