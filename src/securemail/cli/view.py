"""Values as a person sees them: words and a sign, and colour only on top. No I/O here.

Whatever a server or the DNS has said is shown as text, never as markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from securemail.account import Service
from securemail.discovery.candidate import Candidate
from securemail.discovery.plan import Plan
from securemail.policy.confidentiality import Confidentiality
from securemail.setup.report import ServiceReport, Step
from securemail.tls.facts import CertificateFacts

_GOOD = "green"
_BAD = "bold red"
_DOUBTFUL = "yellow"


def sign(*, is_good: bool) -> Text:
    """Return a sign that says the same as its colour."""
    return Text("✓", style=_GOOD) if is_good else Text("✗", style=_BAD)


def reports_view(title: str, reports: Sequence[ServiceReport], hints: Iterable[str]) -> Group:
    """Return what came of trying servers: a row for each, what is wrong, and what could be."""
    table = Table(title=Text(title), title_justify="left", title_style="bold", expand=False)
    for name in ("", "service", "server", "state", "what was proved"):
        table.add_column(name, overflow="fold")
    for report in reports:
        table.add_row(*_row(report))
    parts: list[RenderableType] = [table]
    parts += [_trouble(report) for report in reports if report.error is not None]
    parts += [Text(f"Could be better: {hint}", style=_DOUBTFUL) for hint in hints]
    return Group(*parts)


def _row(report: ServiceReport) -> tuple[RenderableType, ...]:
    proof = report.confidentiality
    is_good = proof is not None and proof.indicator.is_locked and report.is_ok
    state = proof.indicator.label if proof is not None else _without_proof(report)
    where = Text(f"{report.endpoint}\n{report.endpoint.tls.value}")
    return (
        sign(is_good=is_good),
        Text(report.service.value),
        where,
        Text(state, style=_GOOD if is_good else _BAD),
        Text("\n".join(proof_lines(proof)) if proof is not None else ""),
    )


def _without_proof(report: ServiceReport) -> str:
    return "refused by us" if report.step is Step.TLS else "no connection"


def proof_lines(proof: Confidentiality) -> list[str]:
    """Return what a connection has proved, a line for each kind of thing."""
    if proof.tls_version is None:
        return ["nothing: no TLS"]
    lines = [f"{proof.tls_version.value}, {proof.group or 'no group named'}", proof.cipher or ""]
    if proof.identity is not None:
        lines.append(f"{proof.trust.value} for {proof.identity}")
    if proof.chain:
        lines.append(f"until {proof.chain[0].not_valid_after_utc:%Y-%m-%d}")
    return lines + sorted(shortfall.value for shortfall in proof.shortfalls)


def _trouble(report: ServiceReport) -> Text:
    said = f"{report.service.value} at {report.endpoint}: "
    step = f"{report.step.value} failed: " if report.step is not None else ""
    text = Text(said + step, style="bold")
    text.append(f"{report.error}.\n", style=_BAD)
    text.append(f"  What to do: {report.advice}", style="default")
    return text


def plan_view(plan: Plan, hints: Iterable[str]) -> Group:
    """Return what was found for an address, best first."""
    table = Table(title=Text(plan.address), title_justify="left", title_style="bold", expand=False)
    for name in ("service", "", "server", "found by", "DNSSEC", "why"):
        table.add_column(name, overflow="fold")
    for service in Service:
        for candidate in plan.candidates(service):
            table.add_row(*_candidate(candidate))
        table.add_section()
    notes = [Text(f"Note: {note}") for note in plan.notes]
    return Group(
        table, *notes, *(Text(f"Could be better: {hint}", style=_DOUBTFUL) for hint in hints)
    )


def _candidate(candidate: Candidate) -> tuple[RenderableType, ...]:
    style = _GOOD if candidate.usable else _DOUBTFUL if candidate.needs_confirmation else _BAD
    state = "usable" if candidate.usable else "ignored"
    state = "to be confirmed" if candidate.needs_confirmation else state
    return (
        Text(candidate.service.value),
        Text(state, style=style),
        Text(f"{candidate.endpoint}\n{candidate.endpoint.tls.value}"),
        Text(candidate.source),
        Text(candidate.dnssec.value),
        Text("\n".join(candidate.reasons)),
    )


def plan_data(plan: Plan) -> dict[str, object]:
    """Return the plan in values that JSON has."""
    found = [
        {
            "service": each.service.value,
            "host": each.endpoint.host,
            "port": each.endpoint.port,
            "tls": each.endpoint.tls.name.lower(),
            "source": each.source,
            "dnssec": each.dnssec.name.lower(),
            "usable": each.usable,
            "needs_confirmation": each.needs_confirmation,
            "reasons": list(each.reasons),
        }
        for each in plan.found
    ]
    return {"address": plan.address, "servers": found, "notes": list(plan.notes)}


def certificates_view(proof: Confidentiality) -> Table:
    """Return the chain that a server has shown, its own certificate first."""
    table = Table(title="certificates", title_justify="left", expand=False, show_header=False)
    table.add_column("place")
    table.add_column("facts", overflow="fold")
    for place, certificate in enumerate(proof.chain):
        name = "the server's" if place == 0 else f"{place} above it"
        table.add_row(name, Text(str(CertificateFacts.of(certificate))))
    return table
