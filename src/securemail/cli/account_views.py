"""Accounts as a person and a program see them; without secrets. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from cryptography import x509
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from securemail.cli.view import BAD, DOUBTFUL, GOOD, certificate_lines, services_line
from securemail.pin import Pin
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
    parts += _certificate_lines(stored)
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


def _certificate_lines(stored: StoredAccount) -> Iterator[Text]:
    """Yield what the account shows to a server that asks; of its key only where that is."""
    for place, each in enumerate(client_certificates(stored)):
        key = f"its key {_kept(stored.names.key)}"
        whose = f"Client certificate, {key}" if place == 0 else "Sent with it"
        is_over = each.valid_until < datetime.now(UTC)
        yield Text(f"{whose}{', EXPIRED' * is_over}:", style=BAD if is_over else "")
        yield from (Text(f"  {line}") for line in certificate_lines(each))
        yield Text("")


def client_certificates(stored: StoredAccount) -> list[CertificateFacts]:
    """Return what is in the client certificate, and in its chain; nothing where there is none."""
    if not stored.entry.certificate:
        return []
    found = x509.load_pem_x509_certificates(stored.entry.certificate)
    return [CertificateFacts.of(each) for each in found]


def _login(stored: StoredAccount) -> str:
    lines = []
    if stored.login is not None:
        kept = _kept(stored.names.password)
        lines = [f"as {stored.login.username}", f"by {stored.login.kind.value}, {kept}"]
    if stored.entry.certificate:
        lines.append(f"by client certificate, its key {_kept(stored.names.key)}")
    return "\n".join(lines) or "no login"


def _kept(name: str | None) -> str:
    return "in the keyring" if name else "not kept here"


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
