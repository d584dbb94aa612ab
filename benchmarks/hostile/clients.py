"""The clients that are attacked, and how each is set up: to insist on TLS, and as it comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from benchmarks.harness import PEERS, Peer, missing


@dataclass(frozen=True, slots=True)
class Client:
    """A peer in one configuration; `setup` says which, in words."""

    peer: Peer
    setup: str


def _strict(name: str, setup: str) -> Client:
    return Client(PEERS[name], setup)


def _loose(name: str, setup: str) -> Client:
    """Return the peer with its own idea of when TLS is needed."""
    peer = PEERS[name]
    if peer.command[0] != "node":
        return _here(f"{name}, as it comes", f"{name}_loose", setup)
    return Client(Peer(f"{name}, as it comes", (*peer.command, "loose"), peer.services), setup)


def _here(name: str, module: str, setup: str) -> Client:
    """Return a peer whose file is in this folder."""
    like = PEERS[name.partition(",")[0]]
    *before, _ = like.command
    command = (*before, f"benchmarks.hostile.{module}")
    return Client(Peer(name, command, like.services), setup)


CLIENTS: Final = (
    _strict("securemail", "as it comes"),
    _strict("imaplib", "`starttls()` before `login()`, a context that verifies"),
    _strict("poplib", "`stls()` before `user()`, a context that verifies"),
    _strict("smtplib", "`starttls()` before `login()`, a context that verifies"),
    _strict("aioimaplib", "a context that verifies; it has no STARTTLS"),
    _strict("aiosmtplib", "`start_tls=True`"),
    _loose("aiosmtplib", "`start_tls` not set: upgrades where that is offered"),
    _here("curl", "curl_strict", "`--ssl-reqd`"),
    _loose("curl", "`--ssl`: upgrades where that is offered"),
    _strict("imapflow", "`doSTARTTLS: true`"),
    _loose("imapflow", "`secure: false` and nothing else: upgrades where that is offered"),
    _strict("nodemailer", "`requireTLS: true`"),
    _loose("nodemailer", "`secure: false` and nothing else: upgrades where that is offered"),
    _strict("go-imap", "`DialTLS()`, or `StartTLS()` before `Authenticate()`"),
    _strict("go-smtp", "`DialTLS()`, or `StartTLS()` before `Auth()`"),
)


def present() -> list[Client]:
    """Return those that are installed here; say in a line which are not."""
    found = []
    for client in CLIENTS:
        name = client.peer.name.partition(",")[0]
        if (reason := missing(PEERS[name])) is not None:
            print(reason)
        else:
            found.append(client)
    return found
