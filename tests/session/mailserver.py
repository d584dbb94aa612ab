"""The embedded server with what it offers, and an account on it."""

from __future__ import annotations

from typing import Any

from securemail import Account, Password, TLSMode, TrustStore
from securemail.testing import CertificateAuthority, MailServer, Offer


def offering(*mechanisms: str, **fields: Any) -> Offer:
    return Offer(mechanisms=mechanisms, login=False, **fields)


def account(server: MailServer, **fields: Any) -> Account:
    fields.setdefault("credentials", Password("alice", "secret"))
    return Account(
        "alice@example.org",
        imap=server.endpoint(TLSMode.IMPLICIT),
        trust=TrustStore.from_pem(server.ca.pem),
        **fields,
    )


def serve(ca: CertificateAuthority, offer: Offer, **fields: Any) -> MailServer:
    return MailServer({"alice": "secret"}, ca=ca, offer=offer, **fields)
