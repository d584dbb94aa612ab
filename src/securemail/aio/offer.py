"""What a server offers to log in with, put together from its words and from the handshake."""

from __future__ import annotations

from securemail.account import Endpoint
from securemail.proof import ChannelBinding, Proof, Trust
from securemail.protocol.machine import Machine
from securemail.sasl.choose import Offer


def offer_of(
    machine: Machine, endpoint: Endpoint, proof: Proof | None, binding: ChannelBinding | None
) -> Offer:
    """Return it; `proof` and `binding` are None as long as there is no TLS."""
    return Offer(
        mechanisms=machine.mechanisms,
        has_login_command=machine.has_login_command,
        login_command_takes_utf8=machine.login_takes_utf8,
        is_encrypted=proof is not None,
        is_authenticated=proof is not None and proof.trust is not Trust.NONE,
        client_certificate_sent=proof is not None and proof.client_certificate_sent,
        client_certificate_problem=proof.client_certificate_problem if proof else None,
        binding=binding,
        timestamp=machine.timestamp,
        host=endpoint.host,
        port=endpoint.port,
    )
