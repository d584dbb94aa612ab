"""`securemail send`: a message from a file to its recipients, and what became of it (RFC 6409)."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.utils import parseaddr
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from securemail.account import Account
from securemail.cli import enrol, options
from securemail.cli.codes import Exit
from securemail.cli.console import Terminal
from securemail.cli.local import local
from securemail.cli.outcomes import outcomes_view, recipient_data
from securemail.cli.storing import all_accounts, chosen, store_path
from securemail.cli.surroundings import Surroundings, said_of, surroundings
from securemail.cli.unlocking import with_secrets
from securemail.connect import connect_submission
from securemail.dsn import DSN, Notify
from securemail.errors import SubmissionError, UnknownOutcome, UsageError
from securemail.outcome import Submitted
from securemail.store import StoredAccount


class NotifyName(StrEnum):
    """When the sender wants to hear of it, as one writes it (RFC 3461)."""

    success = "success"
    failure = "failure"
    delay = "delay"
    never = "never"


def send(
    file: Annotated[
        Path | None,
        typer.Argument(
            readable=False, metavar="FILE", help="A message (RFC 5322). Default: standard input."
        ),
    ] = None,
    which: Annotated[
        str | None,
        typer.Option(
            "--account",
            "-a",
            metavar="ACCOUNT|ADDRESS",
            help="An account that is kept, or an address whose servers are looked up. Default: "
            "the account of the message's From, or the only one.",
        ),
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="Send it there, not to To, Cc and Bcc. Repeatable."),
    ] = None,
    sender: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Where failures are reported. Default: From."),
    ] = None,
    require_tls: Annotated[
        bool,
        typer.Option(
            "--require-tls",
            help="Ask that it never goes on without TLS (RFC 8689), or do not send it.",
        ),
    ] = False,
    dsn: Annotated[
        list[NotifyName] | None,
        typer.Option(
            metavar="WHEN",
            help="Ask to be notified (RFC 3461), or do not send it: of success, failure, delay, or "
            "never. Repeatable.",
        ),
    ] = None,
    username: options.Username = None,
    confirm: options.Confirm = None,
    store: options.Store = None,
    dns: options.DNS = None,
    dns_anchor: options.Anchor = None,
    ca: options.CA = None,
    timeout: options.Seconds = 40.0,
    json: options.AsJSON = False,
) -> None:
    """Submit a message, and show what the server said to each recipient.

    Exit codes: 0 accepted for all, 6 refused for some or all, 7 nobody knows. It is never sent
    again by itself. Bcc is taken out. The password comes from SECUREMAIL_PASSWORD or the keyring,
    or is asked for. Examples:

        securemail send message.eml

        securemail send -a alice@example.org --to b@example.com < message.eml
    """
    terminal = Terminal(is_json=json)
    path = store_path(store)
    with terminal.failing():
        asked = DSN(notify=[Notify[each.name.upper()] for each in dsn]) if dsn else None
        message = _read(file)
    around = surroundings(terminal, dns, dns_anchor, ca, timeout)
    kept = terminal.run("reading the accounts", all_accounts(path))
    stored = _stored(terminal, kept, which, message)
    if stored is not None:
        account = with_secrets(terminal, path, stored)
    else:
        account = enrol.discovered(terminal, which or "", around, confirm or [])
        account = enrol.with_login(terminal, account, username or which or "", is_oauth=False)
    _submit(
        terminal, _Sending(account, message, sender, to, asked, require_tls=require_tls), around
    )


def _read(file: Path | None) -> bytes:
    if file is None or str(file) == "-":
        with local(Path("standard input")):
            return sys.stdin.buffer.read()
    with local(file):
        return file.read_bytes()


def _stored(
    terminal: Terminal, kept: tuple[StoredAccount, ...], which: str | None, message: bytes
) -> StoredAccount | None:
    """Return the account to send by; None for an address that is not kept."""
    if which is None:
        header = message_from_bytes(message[:_HEADER_BYTES], policy=policy.compat32)
        author = parseaddr(str(header.get("From", "")))[1]
        own = [each for each in kept if each.account.address.casefold() == author.casefold()]
        if own or len(kept) == 1:
            return (own or list(kept))[0]
        terminal.fail(UsageError("say which account sends it", field="--account"))
    if "@" in which and not any(_is(each, which) for each in kept):
        return None
    with terminal.failing():
        return chosen(kept, which)


# As much as is looked at for the author.
_HEADER_BYTES: Final = 256 * 1024


def _is(stored: StoredAccount, address: str) -> bool:
    return stored.account.address.casefold() == address.casefold()


@dataclass(slots=True)
class _Sending:
    """A message on its way. `unknown` is set where nobody knows what became of it."""

    account: Account
    message: bytes
    sender: str | None
    to: list[str] | None
    dsn: DSN | None
    require_tls: bool
    unknown: UnknownOutcome | None = None

    async def run(self, around: Surroundings) -> Submitted | SubmissionError:
        """Return what the server said. Raises: as `submit`, but for a refusal."""
        async with connect_submission(
            self.account, resolver=around.resolver, timeouts=around.timeouts
        ) as session:
            try:
                with said_of("submit.sender", "--sender"), said_of("submit.recipients", "--to"):
                    return await session.client.submit(
                        self.message,
                        sender=self.sender,
                        recipients=self.to or None,
                        require_tls=self.require_tls,
                        dsn=self.dsn,
                    )
            except SubmissionError as exc:
                return exc
            except asyncio.CancelledError as exc:
                if isinstance(exc.__cause__, UnknownOutcome):
                    self.unknown = exc.__cause__
                raise


def _submit(terminal: Terminal, sending: _Sending, around: Surroundings) -> None:
    try:
        done = terminal.run("sending the message", sending.run(around))
    except typer.Exit:
        if sending.unknown is not None:
            terminal.fail(sending.unknown)
        raise
    recipients = done.recipients
    data = {
        "outcome": done.outcome.value,
        "recipients": [recipient_data(each) for each in recipients],
    }
    if isinstance(done, SubmissionError):
        if recipients and not terminal.is_json:
            terminal.show(outcomes_view(recipients), data)
        terminal.fail(done, data)
    terminal.show(outcomes_view(recipients), data | {"code": done.code, "words": done.words})
    if done.refused:
        terminal.say(f"Not sent to {len(done.refused)} of {len(recipients)}.", style="bold red")
        raise typer.Exit(Exit.NOT_SENT)
    terminal.say("The server has accepted it for all.", style="bold green")
