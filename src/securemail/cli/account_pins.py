"""`account pin` and `unpin`: certificates that a person has accepted (RFC 8314 section 5.4)."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from securemail.account import Account, Service, TLSMode
from securemail.cli import enrol, options
from securemail.cli.account_views import account_data, accounts_view
from securemail.cli.asking import confirmed, typed
from securemail.cli.codes import Exit
from securemail.cli.console import Terminal
from securemail.cli.storing import find_account, opened, store_path
from securemail.cli.surroundings import Surroundings, surroundings
from securemail.cli.view import DOUBTFUL, certificate_lines
from securemail.errors import ConfidentialityWarning, UsageError
from securemail.minimum import RFC_MINIMUM, Policy
from securemail.setup.pins import PinOffer, pin_offer
from securemail.store import StoredAccount


def pin(
    address: enrol.Address,
    imap: enrol.IMAP = None,
    pop3: enrol.POP3 = None,
    submission: enrol.Submission = None,
    tls: options.ModeOption = None,
    username: options.Username = None,
    acknowledge: Annotated[
        str | None,
        typer.Option(metavar="WORDS", help="Why you accept it, kept with the pin. Asked for."),
    ] = None,
    fingerprint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SHA256",
            help="Accept this certificate only. Repeatable; needed where nobody can be asked.",
        ),
    ] = None,
    confirm: options.Confirm = None,
    store: options.Store = None,
    dns: options.DNS = None,
    dns_anchor: options.Anchor = None,
    ca: options.CA = None,
    timeout: options.Seconds = 40.0,
    json: options.AsJSON = False,
) -> None:
    """Add an account whose server has a certificate that nobody vouches for, by accepting that.

    Such an account is NOT private: it has no minimum, and is never shown as confidential. If the
    server is your own, `account add --ca FILE` with its authority is better. An account that is
    kept already gets no pin: a certificate that fails later is not for you to accept (RFC 8314
    section 5.4). Example:

        securemail account pin me@nas.example --imap nas.example --submission nas.example
    """
    terminal = Terminal(is_json=json)
    path = store_path(store)
    around = surroundings(terminal, dns, dns_anchor, ca, timeout)
    terminal.run("reading the accounts", enrol.check_new(path, address))
    manual = enrol.manual(terminal, address, (imap, pop3, submission), tls, around.trust)
    account = manual or enrol.discovered(terminal, address, around, confirm or [])
    account = replace(account, policy=_no_minimum("to look at the certificate in setup"))
    offers = terminal.run("looking at the certificates", _offers(account, around))
    if not offers:
        terminal.say("All certificates are valid: `securemail account add` is what you want.")
        raise typer.Exit(Exit.USAGE)
    for offer in offers:
        terminal.remark(offer_view(offer))
    words = _accepted(terminal, offers, acknowledge, fingerprint or [])
    with terminal.failing():
        pins = frozenset(offer.accept(acknowledge=words) for offer in offers)
        account = replace(account, policy=_no_minimum(words), pins=pins)
    account = enrol.with_login(terminal, account, username or address, is_oauth=False)
    enrol.keep_account(terminal, path, account)
    terminal.say("Mail of this account is NOT private.", style="bold red")


def _no_minimum(words: str) -> Policy:
    with warnings.catch_warnings():
        # The command says it in its own words, beside the certificate.
        warnings.simplefilter("ignore", ConfidentialityWarning)
        return Policy.without_minimum(acknowledge=words)


async def _offers(account: Account, around: Surroundings) -> list[PinOffer]:
    services = [service for service in Service if account.endpoint(service) is not None]
    found = [
        await pin_offer(account, service, timeouts=around.timeouts, resolver=around.resolver)
        for service in services
    ]
    return [offer for offer in found if offer is not None]


def _accepted(
    terminal: Terminal, offers: list[PinOffer], words: str | None, fingerprints: list[str]
) -> str:
    """Return the person's words; without them, or with another certificate, the command ends."""
    known = {each.replace(":", "").upper() for each in fingerprints}
    seen = {offer.facts.fingerprint.replace(":", "") for offer in offers}
    if known and seen - known:
        terminal.fail(UsageError("the server shows another certificate", field="--fingerprint"))
    # Words from before the certificate was seen count for the certificate that they name, only.
    if words and known:
        return words
    answer = typed(
        terminal, "Say in your own words why you accept it (kept with it; empty is no): "
    )
    if not answer:
        terminal.fail(
            UsageError(
                "not accepted; where nobody can be asked it takes --acknowledge and --fingerprint",
                field="pin",
            )
        )
    return answer


def unpin(
    which: options.Which,
    yes: options.Yes = False,
    store: options.Store = None,
    json: options.AsJSON = False,
) -> None:
    """Undo the pins of an account; the history keeps them.

    The account gets its minimum back: from then on nothing but capability discovery and STARTTLS
    is sent to its servers until their certificates are valid.
    """
    terminal = Terminal(is_json=json)
    path = store_path(store)
    stored = terminal.run("reading the accounts", find_account(path, which))
    pins = stored.account.pins
    with terminal.failing():
        if not pins:
            raise UsageError(f"{stored.account.address} has no pin", field="ACCOUNT")
    where = ", ".join(f"{pin.service.value} at {pin.host}:{pin.port}" for pin in pins)
    if not yes and not confirmed(terminal, f"Undo the pins for {where}?"):
        terminal.say("Nothing was changed; --yes undoes them without a question.")
        raise typer.Exit(Exit.USAGE)
    changed = terminal.run("undoing the pins", _unpinned(path, stored))
    terminal.show(accounts_view([changed]), account_data(changed))


async def _unpinned(path: Path, stored: StoredAccount) -> StoredAccount:
    account = replace(stored.account, pins=frozenset())
    endpoints = (account.endpoint(service) for service in Service)
    if not any(each and each.tls is TLSMode.NONE for each in endpoints):
        # Without it whoever answers in the server's place would get the password now.
        account = replace(account, policy=RFC_MINIMUM)
    async with opened(path) as store:
        return await store.replace(stored, account)


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
