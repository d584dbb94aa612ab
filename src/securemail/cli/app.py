"""The commands, their arguments and their help."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from securemail._version import __version__
from securemail.account import Account, Service, TLSMode
from securemail.cli import options
from securemail.cli.check import Checked, check_account, check_server, find, with_password
from securemail.cli.console import Terminal
from securemail.cli.exits import Exit
from securemail.cli.explain import explain_server
from securemail.cli.hints import hints_on_plan
from securemail.cli.options import Surroundings
from securemail.cli.target import is_address, servers_of
from securemail.cli.view import plan_data, plan_view, reports_view
from securemail.discovery.plan import Plan
from securemail.errors import ConfirmationRequired, SecureMailError, UsageError

app = typer.Typer(
    name="securemail",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 fine, 1 not private, 2 wrong usage, 3 no answer, 4 login refused, "
    "5 a host must be confirmed, 6 not sent, 7 unknown whether sent, 130 interrupted.",
)


class ServiceName(StrEnum):
    """A service, as one writes it."""

    imap = "imap"
    pop3 = "pop3"
    submission = "submission"


class ModeName(StrEnum):
    """When TLS begins, as one writes it."""

    implicit = "implicit"
    starttls = "starttls"


_SERVICES: Final[dict[ServiceName | None, Service]] = {
    ServiceName.imap: Service.IMAP,
    ServiceName.pop3: Service.POP3,
    ServiceName.submission: Service.SUBMISSION,
}
_MODES: Final[dict[ModeName | None, TLSMode]] = {
    ModeName.implicit: TLSMode.IMPLICIT,
    ModeName.starttls: TLSMode.STARTTLS,
}

ServiceOption = Annotated[
    ServiceName | None, typer.Option("--service", help="What the server speaks.")
]
ModeOption = Annotated[ModeName | None, typer.Option("--tls", help="When TLS begins there.")]
Target = Annotated[
    str, typer.Argument(metavar="ADDRESS|HOST[:PORT]", help="A mail address, or a server.")
]


def _version(value: bool) -> None:
    if value:
        typer.echo(f"securemail {__version__}")
        raise typer.Exit


@app.callback()
def securemail(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Tell whether mail is private between here and its servers (RFC 8314)."""


@app.command()
def check(
    target: Target,
    service: ServiceOption = None,
    tls: ModeOption = None,
    login: Annotated[
        bool,
        typer.Option(
            "--login",
            help="Log in, too, where the minimum is met. The password comes from "
            "SECUREMAIL_PASSWORD, or is asked for.",
        ),
    ] = False,
    username: Annotated[
        str | None, typer.Option(help="The name to log in with. Default: the address.")
    ] = None,
    confirm: options.Confirm = None,
    dns: options.DNS = None,
    dns_anchor: options.Anchor = None,
    ca: options.CA = None,
    timeout: options.Seconds = 40.0,
    json: options.AsJSON = False,
) -> None:
    """Connect to all servers of an address, or to one server, and tell whether they are private.

    No password is needed. Examples:

        securemail check alice@example.org

        securemail check imap.example.org:993 --dns 9.9.9.9
    """
    terminal = Terminal(is_json=json)
    around = _around(terminal, dns, dns_anchor, ca, timeout)
    if is_address(target):
        plan = terminal.run(f"looking for the servers of {target}", find(target, around))
        account = _account(terminal, plan, confirm or [])
        if login:
            account = _with_login(terminal, account, username or target)
        work = check_account(account, plan, around)
    elif login:
        terminal.fail(UsageError("is for an address, not for a server", field="--login"))
    else:
        work = check_server(target, _SERVICES.get(service), _MODES.get(tls), around)
    checked = terminal.run(f"connecting to the servers of {target}", work)
    terminal.show(reports_view(checked.title, checked.reports, checked.hints), checked.as_dict())
    _say_verdict(terminal, checked)
    raise typer.Exit(checked.exit)


@app.command()
def discover(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="A mail address.")],
    dns: options.DNS = None,
    dns_anchor: options.Anchor = None,
    ca: options.CA = None,
    timeout: options.Seconds = 40.0,
    json: options.AsJSON = False,
) -> None:
    """Show where the mail of an address is: what names each server, and whether it is believed."""
    terminal = Terminal(is_json=json)
    around = _around(terminal, dns, dns_anchor, ca, timeout)
    plan = terminal.run(f"looking for the servers of {address}", find(address, around))
    terminal.show(plan_view(plan, hints_on_plan(plan)), plan_data(plan))


@app.command()
def explain(
    server: Annotated[str, typer.Argument(metavar="HOST:PORT", help="A server.")],
    service: ServiceOption = None,
    tls: ModeOption = None,
    dns: options.DNS = None,
    dns_anchor: options.Anchor = None,
    ca: options.CA = None,
    timeout: options.Seconds = 40.0,
    json: options.AsJSON = False,
) -> None:
    """Show all that one server proves: certificates, names, dates, DANE, TLS; nobody logs in."""
    terminal = Terminal(is_json=json)
    around = _around(terminal, dns, dns_anchor, ca, timeout)
    try:
        found, *others = servers_of(server, _SERVICES.get(service), _MODES.get(tls))
    except UsageError as exc:
        terminal.fail(exc)
    if others:
        terminal.fail(UsageError("add a port, or --service and --tls", field="HOST:PORT"))
    explained = terminal.run(f"connecting to {server}", explain_server(found, around))
    terminal.show(explained.view(), explained.as_dict())
    raise typer.Exit(Exit.OK if explained.is_private else Exit.NOT_PRIVATE)


@app.command()
def demo() -> None:
    """Run the whole way on this computer: discovery, mail sent and read, an attack refused."""
    try:
        from securemail.demo import main  # noqa: PLC0415 - it needs an extra of its own
    except ModuleNotFoundError as exc:
        Terminal().say(f"{exc.name} is missing: pip install 'securemail[testing]'")
        raise typer.Exit(Exit.USAGE) from None
    main()


def _around(
    terminal: Terminal, dns: str | None, anchor: Path | None, ca: Path | None, seconds: float
) -> Surroundings:
    try:
        return Surroundings.of(dns, anchor, ca, seconds)
    except SecureMailError as exc:
        terminal.fail(exc)


def _account(terminal: Terminal, plan: Plan, confirmed: list[str]) -> Account:
    """Return the account of the plan, asking a person about hosts that nothing signed names."""
    while True:
        try:
            return plan.account(confirm=confirmed)
        except ConfirmationRequired as exc:
            if not terminal.is_interactive:
                terminal.say("Add --confirm HOST for each host that is right.")
                terminal.fail(exc)
            for host in exc.hosts:
                if not typer.confirm(f"Is the mail of {plan.address} at {host}?", err=True):
                    terminal.fail(exc)
                confirmed = [*confirmed, host]
        except SecureMailError as exc:
            terminal.fail(exc)


def _with_login(terminal: Terminal, account: Account, username: str) -> Account:
    password = os.environ.get("SECUREMAIL_PASSWORD")
    if password is None:
        if not terminal.is_interactive:
            terminal.fail(
                UsageError("set SECUREMAIL_PASSWORD: nobody can be asked", field="--login")
            )
        password = typer.prompt(f"Password of {username}", hide_input=True, err=True)
    try:
        return with_password(account, username, password)
    except SecureMailError as exc:
        terminal.fail(exc)


def _say_verdict(terminal: Terminal, checked: Checked) -> None:
    if checked.unanswered:
        where = ", ".join(str(each.endpoint) for each in checked.unanswered)
        terminal.say(f"No answer from {where}.")
    verdict = {
        Exit.OK: Text(f"Mail of {checked.title} is private.", style="bold green"),
        Exit.LOGIN: Text("The servers are private, but the login was refused.", style="bold red"),
        Exit.UNREACHABLE: Text("Not all servers answer.", style="bold red"),
    }
    bad = Text(f"Mail of {checked.title} is NOT private.", style="bold red")
    terminal.err.print(verdict.get(checked.exit, bad))
