"""`check`, `discover` and `explain`: their arguments and their help. Nobody logs in unasked."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer
from rich.text import Text

from securemail.cli import options
from securemail.cli.asking import account_of, password_for
from securemail.cli.check import Checked, check_account, check_server, find
from securemail.cli.codes import Exit
from securemail.cli.console import Terminal
from securemail.cli.explain import explain_server
from securemail.cli.hints import hints_on_plan
from securemail.cli.plans import plan_data, plan_view
from securemail.cli.reports import reports_view
from securemail.cli.surroundings import surroundings
from securemail.cli.target import is_address, servers_of
from securemail.errors import UsageError

Target = Annotated[
    str, typer.Argument(metavar="ADDRESS|HOST[:PORT]", help="A mail address, or a server.")
]


def check(
    target: Target,
    service: options.ServiceOption = None,
    tls: options.ModeOption = None,
    login: Annotated[
        bool,
        typer.Option(
            "--login",
            help="Log in, too, where the minimum is met. The password comes from "
            "SECUREMAIL_PASSWORD, or is asked for.",
        ),
    ] = False,
    username: options.Username = None,
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
    around = surroundings(terminal, dns, dns_anchor, ca, timeout)
    if is_address(target):
        plan = terminal.run(f"looking for the servers of {target}", find(target, around))
        account = account_of(terminal, plan, confirm or [])
        if login:
            credentials = password_for(terminal, username or target)
            account = replace(account, credentials=credentials)
        work = check_account(account, plan, around)
    elif login:
        terminal.fail(UsageError("is for an address, not for a server", field="--login"))
    else:
        work = check_server(target, options.SERVICES.get(service), options.MODES.get(tls), around)
    checked = terminal.run(f"connecting to the servers of {target}", work)
    if checked.reports or json:
        view = reports_view(checked.title, checked.reports, checked.hints)
        terminal.show(view, checked.as_dict())
    say_verdict(terminal, checked)
    raise typer.Exit(checked.exit)


def discover(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="A mail address.")],
    dns: options.DNS = None,
    dns_anchor: options.Anchor = None,
    ca: options.CA = None,
    timeout: options.Seconds = 40.0,
    json: options.AsJSON = False,
) -> None:
    """Show where the mail of an address is: what names each server, and whether it is believed.

    Nothing is connected to but the DNS and the provider's web server. Example:

        securemail discover alice@example.org --dns 9.9.9.9
    """
    terminal = Terminal(is_json=json)
    around = surroundings(terminal, dns, dns_anchor, ca, timeout)
    plan = terminal.run(f"looking for the servers of {address}", find(address, around))
    terminal.show(plan_view(plan, hints_on_plan(plan)), plan_data(plan))


def explain(
    server: Annotated[str, typer.Argument(metavar="HOST:PORT", help="A server.")],
    service: options.ServiceOption = None,
    tls: options.ModeOption = None,
    dns: options.DNS = None,
    dns_anchor: options.Anchor = None,
    ca: options.CA = None,
    timeout: options.Seconds = 40.0,
    json: options.AsJSON = False,
) -> None:
    """Show all that one server proves: certificates, names, dates, DANE, TLS; nobody logs in.

    With --dns the answers about DANE are validated. Examples:

        securemail explain imap.example.org:993 --dns 9.9.9.9

        securemail explain mail.example.org:1143 --service imap --tls starttls
    """
    terminal = Terminal(is_json=json)
    around = surroundings(terminal, dns, dns_anchor, ca, timeout)
    with terminal.failing():
        kind = (options.SERVICES.get(service), options.MODES.get(tls))
        found, *others = servers_of(server, *kind, field="HOST:PORT")
        if others:
            raise UsageError("add a port, or --service and --tls", field="HOST:PORT")
    explained = terminal.run(f"connecting to {server}", explain_server(found, around))
    terminal.show(explained.view(), explained.as_dict())
    raise typer.Exit(Exit.OK if explained.is_private else Exit.NOT_PRIVATE)


def say_verdict(terminal: Terminal, checked: Checked) -> None:
    """Say in a sentence, beside the table, what it comes to."""
    if checked.unanswered:
        where = ", ".join(str(each.endpoint) for each in checked.unanswered)
        # Of a name that does not exist it is the same for all.
        why = "" if checked.reports else f": {checked.unanswered[0].error}"
        terminal.say(f"No answer from {where}{why}.")
    verdict = {
        Exit.OK: Text(f"Mail of {checked.title} is private.", style="bold green"),
        Exit.LOGIN: Text("The servers are private, but the login was refused.", style="bold red"),
        Exit.UNREACHABLE: Text(
            "Not all servers answer." if checked.reports else "No server answers.", style="bold red"
        ),
    }
    bad = Text(f"Mail of {checked.title} is NOT private.", style="bold red")
    terminal.remark(verdict.get(checked.exit, bad))
