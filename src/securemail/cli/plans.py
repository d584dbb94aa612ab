"""What was found for an address, as a person sees it. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group
from rich.table import Table
from rich.text import Text

from securemail.account import Service
from securemail.cli.view import BAD, DOUBTFUL, GOOD, sign
from securemail.discovery.candidate import Candidate
from securemail.discovery.plan import Plan


def plan_view(plan: Plan, hints: Iterable[str]) -> Group:
    """Return what was found for an address, best first; what holds for all is said once."""
    table = Table(title=Text(plan.address), title_justify="left", title_style="bold", expand=False)
    for name in ("server", "standing", "why"):
        table.add_column(name, overflow="fold")
    shared = _shared(plan.found)
    for service in Service:
        for candidate in plan.candidates(service):
            table.add_row(*_row(candidate, shared))
        table.add_section()
    return Group(
        table,
        *(Text(f"For all of them: {reason}.") for reason in shared),
        *(Text(f"Note: {note}") for note in plan.notes),
        *(Text(f"Could be better: {hint}", style=DOUBTFUL) for hint in hints),
    )


def _shared(found: tuple[Candidate, ...]) -> list[str]:
    if len(found) < 2:
        return []
    return [each for each in found[0].reasons if all(each in other.reasons for other in found)]


def _row(candidate: Candidate, shared: list[str]) -> tuple[Text, Text, Text]:
    state, style = _state(candidate)
    where = f"{candidate.service.value}, {candidate.endpoint.tls.value}\n{candidate.endpoint}"
    standing = Text.assemble(
        sign(is_good=candidate.usable) if not candidate.needs_confirmation else Text("?", style),
        (f" {state}\n", style),
        f"by {candidate.source}, {candidate.dnssec.value}",
    )
    why = "\n".join(reason for reason in candidate.reasons if reason not in shared)
    return Text(where), standing, Text(why)


def _state(candidate: Candidate) -> tuple[str, str]:
    if candidate.needs_confirmation:
        return "to be confirmed", DOUBTFUL
    return ("usable", GOOD) if candidate.usable else ("ignored", BAD)


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
