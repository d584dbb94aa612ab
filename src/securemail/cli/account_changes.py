"""`account test` and `account upgrade`: whether an account works, and could be better."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import typer

from securemail.account import Account
from securemail.cli import options
from securemail.cli.account_views import account_data, accounts_view
from securemail.cli.asking import confirm_hosts, confirmed
from securemail.cli.check import Checked, check_account
from securemail.cli.codes import Exit
from securemail.cli.console import Terminal
from securemail.cli.hints import hints_on_changes
from securemail.cli.looking import say_verdict
from securemail.cli.reports import reports_view
from securemail.cli.storing import find_account, opened, store_path
from securemail.cli.surroundings import Surroundings, surroundings
from securemail.cli.unlocking import with_secrets
from securemail.discovery.changes import Change, Changes
from securemail.errors import ConfirmationRequired, DeadlineError, DiscoveryError, UsageError
from securemail.policy.offer import TLSOffer
from securemail.setup.changes import configuration_changes
from securemail.setup.offer import with_offers
from securemail.setup.verify import verify_account
from securemail.store import Fall, StoredAccount

_AS_IT_IS: Final = "Nothing better is advertised: there is nothing to take."


def try_out(
    which: options.Which,
    store: options.Store = None,
    dns: options.DNS = None,
    dns_anchor: options.Anchor = None,
    timeout: options.Seconds = 40.0,
    json: options.AsJSON = False,
) -> None:
    """Connect to all servers of an account and log in, and tell what got worse since last time.

    The password comes from SECUREMAIL_PASSWORD or the keyring, or is asked for.
    """
    terminal = Terminal(is_json=json)
    path = store_path(store)
    around = surroundings(terminal, dns, dns_anchor, None, timeout)
    stored = terminal.run("reading the accounts", find_account(path, which))
    account = with_secrets(terminal, path, stored)
    checked, falls = terminal.run("logging in", _tested(path, stored, account, around))
    worse = [f"Less than before: {fall}" for fall in falls]
    terminal.show(
        reports_view(checked.title, checked.reports, checked.hints),
        checked.as_dict() | {"less_than_before": [str(fall) for fall in falls]},
    )
    for line in worse:
        terminal.say(line, style="bold yellow")
    say_verdict(terminal, checked)
    raise typer.Exit(checked.exit)


async def _tested(
    path: Path, stored: StoredAccount, account: Account, around: Surroundings
) -> tuple[Checked, list[Fall]]:
    checked = await check_account(account, None, around)
    # What is advertised is beside the point here, and need not be there.
    with suppress(DiscoveryError, DeadlineError, UsageError):
        changes = await configuration_changes(
            account, resolver=around.resolver, timeouts=around.timeouts
        )
        checked = replace(checked, hints=(*checked.hints, *hints_on_changes(changes)))
    falls: list[Fall] = []
    async with opened(path) as store:
        for report in checked.reports:
            if report.confidentiality is not None:
                falls += await store.remember(stored, report.service, report.confidentiality)
    return checked, falls


def upgrade(
    which: options.Which,
    yes: options.Yes = False,
    confirm: options.Confirm = None,
    store: options.Store = None,
    dns: options.DNS = None,
    dns_anchor: options.Anchor = None,
    timeout: options.Seconds = 40.0,
    json: options.AsJSON = False,
) -> None:
    """Look at what the provider advertises now, and take what is better, if you say so.

    That is implicit TLS instead of STARTTLS, TLS instead of none, a server that has moved. Before
    the account is changed, its new servers must prove what it insists on. Nobody logs in.
    """
    terminal = Terminal(is_json=json)
    path = store_path(store)
    around = surroundings(terminal, dns, dns_anchor, None, timeout)
    stored = terminal.run("reading the accounts", find_account(path, which))
    found = terminal.run("looking at what is advertised", _offered(stored.account, around))
    for each in found.changes:
        terminal.say(str(each), style="" if each.is_offer else "bold yellow")
    for note in found.changes.notes:
        terminal.say(note)
    taken = [each for each in found.changes if each.is_offer and _takes(terminal, each, yes=yes)]
    offers = [each for each in found.offers if _takes(terminal, each, yes=yes)]
    if not taken and not offers:
        terminal.show(accounts_view([stored]), account_data(stored))
        waiting = any(each.is_offer for each in found.changes) or found.offers
        terminal.say("Nothing was changed; --yes takes what is offered." if waiting else _AS_IT_IS)
        return
    account = _accepted(terminal, found, taken, confirm or [])
    with terminal.failing():
        account = with_offers(account, offers)
    _check(terminal, _only_new(stored.account, account), around)
    changed = terminal.run("keeping the account", _kept(path, stored, account))
    terminal.show(accounts_view([changed]), account_data(changed))


@dataclass(frozen=True, slots=True)
class _Found:
    """What could be taken."""

    changes: Changes
    offers: tuple[TLSOffer, ...]


async def _offered(account: Account, around: Surroundings) -> _Found:
    changes = await configuration_changes(
        account, resolver=around.resolver, timeouts=around.timeouts
    )
    if account.policy.has_minimum:
        return _Found(changes, ())
    report = await verify_account(account, resolver=around.resolver, timeouts=around.timeouts)
    return _Found(changes, report.offers)


def _takes(terminal: Terminal, offer: Change | TLSOffer, *, yes: bool) -> bool:
    if isinstance(offer, Change):
        return yes or confirmed(terminal, f"Take {offer.service.value} at {offer.advertised}?")
    return yes or confirmed(terminal, str(offer))


def _accepted(
    terminal: Terminal, found: _Found, taken: Iterable[Change], confirm: list[str]
) -> Account:
    while True:
        try:
            return found.changes.accept(*taken, confirm=confirm)
        except ConfirmationRequired as exc:
            address = found.changes.account.address
            confirm = [*confirm, *confirm_hosts(terminal, exc, address)]


def _only_new(old: Account, new: Account) -> Account:
    """Return the account with what is to be tried: its new servers, all under a new policy."""
    if new.policy != old.policy:
        return new
    return replace(
        new,
        imap=new.imap if new.imap != old.imap else None,
        pop3=new.pop3 if new.pop3 != old.pop3 else None,
        submission=new.submission if new.submission != old.submission else None,
    )


def _check(terminal: Terminal, account: Account, around: Surroundings) -> None:
    checked = terminal.run("trying the new servers", check_account(account, None, around))
    if checked.exit is not Exit.OK:
        terminal.show(reports_view(checked.title, checked.reports, ()), checked.as_dict())
        terminal.say("The account was not changed.", style="bold red")
        raise typer.Exit(checked.exit)


async def _kept(path: Path, stored: StoredAccount, account: Account) -> StoredAccount:
    async with opened(path) as store:
        return await store.replace(stored, account)
