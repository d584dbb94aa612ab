"""`account add`: an account from its address to the file (RFC 8314 section 5.1)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import typer

from securemail.account import Account
from securemail.cli import enrol, options
from securemail.cli.account_views import account_data, accounts_view
from securemail.cli.check import Checked, check_account
from securemail.cli.codes import Exit
from securemail.cli.console import Terminal
from securemail.cli.key_files import certificate_from
from securemail.cli.local import local
from securemail.cli.looking import say_verdict
from securemail.cli.reports import reports_view
from securemail.cli.storing import opened, store_path
from securemail.cli.surroundings import Surroundings, said_of, surroundings
from securemail.errors import UsageError
from securemail.store import Format, StoredAccount


def add(
    address: Annotated[
        str | None, typer.Argument(metavar="ADDRESS", help="A mail address.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--from",
            readable=False,
            metavar="FILE",
            help="Take accounts from what `account export` wrote, JSON or (*.toml) TOML. It says "
            "where passwords go: your own files only.",
        ),
    ] = None,
    with_pins: Annotated[
        bool, typer.Option("--with-pins", help="With --from: take over its pins, too.")
    ] = False,
    with_trust: Annotated[
        bool,
        typer.Option(
            "--with-trust",
            help="With --from: believe whom it says: its authorities (--ca), its servers' "
            "addresses, and that revocation is not asked for.",
        ),
    ] = False,
    imap: enrol.IMAP = None,
    pop3: enrol.POP3 = None,
    submission: enrol.Submission = None,
    tls: options.ModeOption = None,
    username: options.Username = None,
    oauth: enrol.OAuth = False,
    certificate: Annotated[
        Path | None,
        typer.Option(
            readable=False,
            metavar="FILE",
            help="Log in with this client certificate instead of a password: PEM with its chain "
            "and its key, or PKCS#12. The key goes to the keyring.",
        ),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            readable=False, metavar="FILE", help="With --certificate: the key, if elsewhere."
        ),
    ] = None,
    with_password: Annotated[
        bool,
        typer.Option("--with-password", help="With --certificate: log in with a password, too."),
    ] = False,
    untested: Annotated[
        bool, typer.Option("--untested", help="Keep it without connecting and logging in.")
    ] = False,
    confirm: options.Confirm = None,
    store: options.Store = None,
    dns: options.DNS = None,
    dns_anchor: options.Anchor = None,
    ca: options.CA = None,
    timeout: options.Seconds = 40.0,
    json: options.AsJSON = False,
) -> None:
    """Find the servers of an address, log in to each, and keep the account.

    The password comes from SECUREMAIL_PASSWORD, or is asked for, and goes to the keyring. Without
    one (extra `securemail[keyring]`) it is asked for each time. The passphrase of a key
    comes from SECUREMAIL_KEY_PASSPHRASE, or is asked for. Examples:

        securemail account add alice@example.org

        securemail account add a@example.org --imap imap.example.org:143

        securemail account add alice@example.org --certificate alice.p12

        securemail account add --from accounts.json
    """
    terminal = Terminal(is_json=json)
    path = store_path(store)
    if (address is None) == (file is None):
        terminal.fail(UsageError("give either that or --from FILE", field="ADDRESS"))
    if file is not None:
        taken = _Taken(file, with_pins=with_pins, with_trust=with_trust)
        _import(terminal, path, taken)
        return
    name = address or ""
    around = surroundings(terminal, dns, dns_anchor, ca, timeout)
    terminal.run("reading the accounts", enrol.check_new(path, name))
    manual = enrol.manual(terminal, name, (imap, pop3, submission), tls, around.trust)
    account = manual or enrol.discovered(terminal, name, around, confirm or [])
    if certificate is not None:
        shown = certificate_from(terminal, certificate, key)
        account = replace(account, client_certificate=shown)
    elif key is not None or with_password:
        terminal.fail(UsageError("is missing", field="--certificate"))
    if certificate is None or with_password or oauth:
        account = enrol.with_login(terminal, account, username or name, is_oauth=oauth)
    if not untested:
        _try(terminal, account, around)
    enrol.keep_account(terminal, path, account)


def _try(terminal: Terminal, account: Account, around: Surroundings) -> None:
    checked: Checked = terminal.run("logging in", check_account(account, None, around))
    if checked.exit is Exit.OK:
        return
    terminal.show(reports_view(checked.title, checked.reports, checked.hints), checked.as_dict())
    say_verdict(terminal, checked)
    terminal.say("The account was not kept; --untested keeps it all the same.")
    raise typer.Exit(checked.exit)


@dataclass(frozen=True, slots=True)
class _Taken:
    """A file of accounts, and what of it is believed."""

    file: Path
    with_pins: bool = field(kw_only=True)
    with_trust: bool = field(kw_only=True)

    def text(self) -> str:
        """Return what is in it. Raises: LocalError; UsageError for what is no text."""
        with local(self.file):
            try:
                return self.file.read_text(encoding="utf-8")
            except UnicodeDecodeError as exc:
                raise UsageError(f"{self.file} is no text in UTF-8", field="--from") from exc

    async def imported(self, path: Path) -> tuple[StoredAccount, ...]:
        """Return its accounts, which are in the store. Raises: as `import_accounts`."""
        form = Format.TOML if self.file.suffix.lower() == ".toml" else Format.JSON
        text = self.text()
        async with opened(path) as store:
            with said_of("file", "--from"):
                return await store.import_accounts(
                    text, form, with_pins=self.with_pins, with_trust=self.with_trust
                )


def _import(terminal: Terminal, path: Path, taken: _Taken) -> None:
    added = terminal.run("reading the accounts", taken.imported(path))
    terminal.show(accounts_view(added), [account_data(each) for each in added])
