"""Accounts as a person and a program see them; without secrets. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from securemail.cli.view import DOUBTFUL, GOOD, certificate_lines, services_line
from securemail.pin import Pin
from securemail.setup.pins import PinOffer
from securemail.store import PinRecord, StoredAccount
from securemail.store.document import entry_table
from securemail.tls.facts import CertificateFacts


def accounts_view(accounts: Iterable[StoredAccount]) -> Table:
    """Return a row for each account."""
    table = Table(expand=False)
    for name in ("account", "servers", "insists on"):
        table.add_column(name, overflow="fold")
    for each in accounts:
        who = Text.assemble((f"{each.id} ", "bold"), f"{each.account.address}\n{_login(each)}")
        table.add_row(who, Text(services_line(each.account)), _policy(each))
        table.add_section()
    return table


def account_view(stored: StoredAccount, pins: Iterable[PinRecord]) -> Group:
    """Return all of one account."""
    parts: list[RenderableType] = [accounts_view([stored])]
    for record in pins:
        until = f", undone {record.undone_at:%Y-%m-%d %H:%M} UTC" if record.undone_at else ""
        parts += [*_pin_lines(record.pin, until), Text("")]
    return Group(*parts)


def _pin_lines(pin: Pin, until: str) -> Iterator[Text]:
    style = "dim" if until else DOUBTFUL
    where = f"{pin.service.value} at {pin.host}:{pin.port}"
    yield Text(f"Pin for {where}, made {pin.made_at:%Y-%m-%d %H:%M} UTC{until}:", style=style)
    yield Text(f"  in the words: {pin.acknowledged!r}")
    for line in certificate_lines(CertificateFacts.of(pin.certificate)):
        yield Text(f"  {line}")


def _login(stored: StoredAccount) -> str:
    if stored.login is None:
        return "by client certificate" if stored.entry.certificate else "no login"
    kept = "in the keyring" if tuple(stored.names) else "not kept here"
    return f"as {stored.login.username}\nby {stored.login.kind.value}, {kept}"


def _policy(stored: StoredAccount) -> Text:
    account = stored.account
    lines = []
    if account.policy.has_minimum:
        lines.append((f"✓ {account.policy.minimum_tls.value}+, proved\n", GOOD))
    else:
        lines.append(("✗ nothing: not private\n", DOUBTFUL))
        lines.append((f"{account.policy.acknowledged!r}\n", ""))
    if account.pins:
        lines.append((f"{len(account.pins)} pinned\n", DOUBTFUL))
    text = Text.assemble(*lines)
    text.rstrip()
    return text


def account_data(stored: StoredAccount, pins: Iterable[PinRecord] = ()) -> dict[str, object]:
    """Return the account in values that JSON has: as in an export, with its number."""
    history = [
        {
            **record.pin.to_dict(),
            "undone_at": record.undone_at.isoformat() if record.undone_at else None,
        }
        for record in pins
    ]
    kept = {"id": stored.id, "secret_in_keyring": bool(tuple(stored.names))}
    return kept | entry_table(stored.entry) | ({"pin_history": history} if history else {})


def offer_view(offer: PinOffer) -> Group:
    """Return what a person must see before they accept a certificate (RFC 8314 section 5.4)."""
    problems = ", ".join(problem.value for problem in offer.problems)
    return Group(
        Text(f"Nobody vouches for {offer.service.value} at {offer.endpoint}: {problems}.", "bold"),
        *(Text(f"  {line}") for line in certificate_lines(offer.facts)),
        Text(
            "Whoever is between you and the server can make such a certificate, and will then get "
            "the password and all mail. Ask the server's administrator for its SHA-256, on another "
            "way than this network, and compare.",
            style=DOUBTFUL,
        ),
    )
