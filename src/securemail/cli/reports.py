"""What servers have proved, as a person sees it. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from securemail.cli.view import BAD, DOUBTFUL, GOOD, certificate_lines, sign
from securemail.policy.confidentiality import Confidentiality
from securemail.setup.report import LoginResult, ServiceReport, Step
from securemail.tls.facts import CertificateFacts


def reports_view(title: str, reports: Sequence[ServiceReport], hints: Iterable[str]) -> Group:
    """Return what came of trying servers: a row for each, what is wrong, and what could be."""
    table = Table(title=Text(title), title_justify="left", title_style="bold", expand=False)
    for name in ("server", "state", "what was proved"):
        table.add_column(name, overflow="fold")
    for report in reports:
        table.add_row(*_row(report))
        table.add_section()
    parts: list[RenderableType] = [table]
    parts += [_trouble(report) for report in reports if report.error is not None]
    parts += [Text(f"Could be better: {hint}", style=DOUBTFUL) for hint in hints]
    return Group(*parts)


def _row(report: ServiceReport) -> tuple[RenderableType, ...]:
    proof = report.confidentiality
    is_good = proof is not None and proof.indicator.is_locked and report.is_ok
    state = proof.indicator.label if proof is not None else _without_proof(report)
    style = GOOD if is_good else BAD
    proved = proof_lines(proof) if proof is not None else []
    if report.login is LoginResult.WORKED:
        proved.append(f"logged in by {report.authenticated_by}")
    return (
        Text(f"{report.service.value}, {report.endpoint.tls.value}\n{report.endpoint}"),
        Text.assemble(sign(is_good=is_good), (f" {state}", style)),
        Text("\n".join(proved)),
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
    lines.append(f"revocation: {proof.revocation}")
    return lines + sorted(shortfall.value for shortfall in proof.shortfalls)


def _trouble(report: ServiceReport) -> Text:
    said = f"{report.service.value} at {report.endpoint}: "
    step = f"{report.step.value} failed: " if report.step is not None else ""
    text = Text(said + step, style="bold")
    text.append(f"{report.error}.\n", style=BAD)
    text.append(f"  What to do: {report.advice}", style="default")
    return text


def certificates_view(proof: Confidentiality) -> Table:
    """Return the chain that a server has shown, its own certificate first."""
    table = Table(title="certificates", title_justify="left", expand=False, show_header=False)
    table.add_column("facts", overflow="fold")
    for place, certificate in enumerate(proof.chain):
        whose = "the server's" if place == 0 else f"{place} above it"
        lines = "\n".join(certificate_lines(CertificateFacts.of(certificate)))
        table.add_row(Text.assemble((f"{whose}\n", "bold"), lines))
        table.add_section()
    return table
