"""Accounts to be stored, and where their secrets go."""

from __future__ import annotations

import json
import warnings
from dataclasses import fields
from pathlib import Path
from typing import Any

from keyring.backend import KeyringBackend

from securemail import (
    Account,
    ClientCertificate,
    ConfidentialityWarning,
    Endpoint,
    OAuthToken,
    Password,
    Pin,
    Policy,
    Proxy,
    ProxyKind,
    Service,
    TLSMode,
    TLSVersion,
    TrustStore,
)
from securemail.testing import CertificateAuthority, self_signed
from tests.pins import pin_of

ADDRESS = "alice@example.org"
CANARY = "kanarienvogel-Zü-4711"
TOLL = "wegezoll-Zü-0815"  # for the proxy
AUTHORITY = CertificateAuthority()
IMAP = Endpoint(
    "mail.example.org",
    993,
    TLSMode.IMPLICIT,
    addresses=["192.0.2.1", "2001:db8::1"],
    srv_domain="example.org",
)
PLAIN = Account(ADDRESS, imap=IMAP, credentials=Password("alice", CANARY))


def full_account() -> Account:
    """Return an account in which nothing is as by default that can be otherwise."""
    return Account(
        ADDRESS,
        imap=IMAP,
        pop3=Endpoint("mail.example.org", 110, TLSMode.STARTTLS),
        submission=Endpoint("[2001:db8::2]", 465, TLSMode.IMPLICIT),
        credentials=Password("alice", CANARY, mechanisms=("PLAIN", "SCRAM-SHA-256")),
        client_certificate=ClientCertificate.from_pem(AUTHORITY.client_pem("alice")),
        policy=Policy(minimum_tls=TLSVersion.TLS_1_3, require_post_quantum=True),
        trust=TrustStore.from_pem(AUTHORITY.pem),
        pins=frozenset({a_pin(), a_pin(Service.POP3)}),
        prefer_external=True,
        authorization_identity="boss",
        ehlo_name="host.example.org",
        proxy=Proxy(ProxyKind.HTTP_CONNECT, "192.0.2.9", 3128, username="ali", password=TOLL),
    )


def with_token(address: str = ADDRESS) -> Account:
    """Return an account that logs in with an access token."""

    async def fetch() -> str:
        return CANARY

    return Account(address, imap=IMAP, credentials=OAuthToken("alice", fetch))


def a_pin(service: Service = Service.IMAP) -> Pin:
    """Return a pin of `ADDRESS`."""
    return pin_of(self_signed("mail.example.org"), service=service)


def given_up(words: str = "I know") -> Policy:
    """Return a policy without a minimum, its warning taken as read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConfidentialityWarning)
        return Policy.without_minimum(acknowledge=words)


def plain(account: Account) -> dict[str, Any]:
    """Return the fields of an account that a document has in clear."""
    beside = {"_", "credentials", "client_certificate", "is_existing", "proxy"}
    names = {each.name for each in fields(Account)} - beside
    return {name: getattr(account, name) for name in names}


class MemoryBackend(KeyringBackend):
    """A backend of `keyring` that keeps its secrets for as long as the test lives."""

    priority: float = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring has no types here
        self.kept: dict[tuple[str, str], str] = {}

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class CleartextBackend(MemoryBackend):
    """One that `keyring` does not recommend."""

    priority = 0.5


def json_of(*accounts: dict[str, Any]) -> str:
    """Return a file with these accounts."""
    return json.dumps({"securemail": 1, "accounts": list(accounts)})


def everything_in(folder: Path) -> bytes:
    """Return all octets in all files of `folder`."""
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file())
