"""What a server said to each recipient, as a person and a program see it. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from securemail.cli.view import BAD, GOOD, sign
from securemail.outcome import RecipientOutcome


def outcomes_view(recipients: Iterable[RecipientOutcome]) -> Table:
    """Return a row for each recipient."""
    table = Table(expand=False)
    for name in ("recipient", "outcome", "the server's words"):
        table.add_column(name, overflow="fold")
    for each in recipients:
        style = GOOD if each.is_accepted else BAD
        later = "refused for now" if 400 <= each.code < 500 else "refused"
        word = "accepted" if each.is_accepted else later
        table.add_row(
            Text(each.address),
            Text.assemble(sign(is_good=each.is_accepted), (f" {word}", style)),
            Text(f"{each.code} {each.words}"),
        )
    return table


def recipient_data(each: RecipientOutcome) -> dict[str, object]:
    """Return it in values that JSON has."""
    return {
        "address": each.address,
        "accepted": each.is_accepted,
        "code": each.code,
        "enhanced": each.enhanced,
        "words": each.words,
    }
