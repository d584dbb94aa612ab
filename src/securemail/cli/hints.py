"""What could be better, for whoever runs the account or the server. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from securemail.account import TLSMode
from securemail.discovery.changes import Change, ChangeKind
from securemail.discovery.plan import Plan
from securemail.policy.confidentiality import is_post_quantum
from securemail.proof import TLSVersion
from securemail.records import DNSSEC
from securemail.setup.report import ServiceReport

# ACME clients renew a month before; whoever has two weeks left has had two weeks of failures.
_SOON_DAYS: Final = 14


def hints_on(report: ServiceReport, now: datetime, *, has_better: bool = False) -> Iterator[str]:
    """Yield what would protect more than this service does, where it works at all.

    `has_better` of a server whose provider advertises a better one, too.
    """
    proof = report.confidentiality
    if proof is None or proof.tls_version is None:
        return
    if report.endpoint.tls is TLSMode.STARTTLS and not has_better:
        yield "Offer implicit TLS as well: STARTTLS begins in the clear (RFC 8314 section 3)."
    if proof.tls_version is TLSVersion.TLS_1_2:
        yield "TLS 1.2 is the least that will do: turn TLS 1.3 on."
    elif not is_post_quantum(proof.group):
        yield "The key exchange will not stand against a quantum computer: offer X25519MLKEM768."
    if proof.chain:
        days = (proof.chain[0].not_valid_after_utc - now).days
        if 0 <= days < _SOON_DAYS:
            yield f"The certificate of {report.endpoint.host} ends in {days} days: renew it."
    if report.offer is not None:
        yield f"{report.offer}"


def hints_on_changes(changes: Iterable[Change]) -> Iterator[str]:
    """Yield what the provider advertises that would be better than what the account has."""
    for change in changes:
        new = change.advertised
        if change.kind is ChangeKind.BETTER and new is not None:
            had = f"{change.configured}, {change.configured.tls.value}"
            yield (
                f"{change.service.value} at {new}, {new.tls.value}, is advertised, too: better "
                f"than {had}."
            )


def hints_on_plan(plan: Plan) -> Iterator[str]:
    """Yield what would make the servers of a domain easier to find, and to believe."""
    live = [candidate for candidate in plan.found if not candidate.is_ignored]
    guessed = {each.service.value for each in live if each.source != "SRV"}
    if guessed:
        names = ", ".join(sorted(guessed))
        yield f"Publish SRV records for {names} (RFC 8314 section 5.1): programs have to guess now."
    if any(each.dnssec is DNSSEC.INSECURE for each in live):
        yield "Sign the domain (DNSSEC): its records can be forged, and DANE needs it."


def unique(hints: Iterable[str]) -> list[str]:
    """Return each hint once, in order."""
    return list(dict.fromkeys(hints))
