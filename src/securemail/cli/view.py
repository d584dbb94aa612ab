"""Values as a person sees them: words and a sign, and colour only on top. No I/O here.

Whatever a server or the DNS has said is shown as text, never as markup.
"""

from __future__ import annotations

from typing import Final

from rich.text import Text

from securemail.account import Account, Service, TLSMode
from securemail.tls.facts import CertificateFacts

GOOD: Final = "green"
BAD: Final = "bold red"
DOUBTFUL: Final = "yellow"


def sign(*, is_good: bool) -> Text:
    """Return a sign that says the same as its colour."""
    return Text("✓", style=GOOD) if is_good else Text("✗", style=BAD)


def certificate_lines(facts: CertificateFacts) -> list[str]:
    """Return a certificate in lines that fit; nothing of it is proved."""
    half = len(facts.fingerprint) // 2 + 1
    return [
        f"for {facts.names}",
        f"subject {facts.subject}",
        f"signed by {facts.issuer}",
        f"valid from {facts.valid_from:%Y-%m-%d} to {facts.valid_until:%Y-%m-%d %H:%M} UTC",
        facts.key,
        f"SHA-256 {facts.fingerprint[:half]}",
        f"        {facts.fingerprint[half:]}",
    ]


def services_line(account: Account) -> str:
    """Return the servers of an account, a line for each; implicit TLS goes without saying."""
    found = ((service, account.endpoint(service)) for service in Service)
    return "\n".join(
        f"{each.value} {where}" + ("" if where.tls is TLSMode.IMPLICIT else f", {where.tls.value}")
        for each, where in found
        if where
    )
